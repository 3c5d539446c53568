//! What runs after a load, for each way in which a tree may have changed.

use proptest::prelude::*;

use super::*;
use crate::model::place::Place;

fn known(id: &str, file: &str, version: &str) -> Known {
    Known { id: HuntId::new(id).unwrap(), file: file.into(), version: version.to_owned() }
}

fn error(file: &str, code: &'static str, hunt: Option<&str>) -> Finding {
    Finding {
        file: file.into(),
        place: Place::START,
        level: Level::Error,
        code,
        message: format!("{code} in {file}"),
        hint: None,
        hunt: hunt.map(str::to_owned),
        fix: None,
    }
}

/// What changes, as `hunt change` a line; a hunt that is kept bears the file of its fault.
fn said(before: &[Known], broken: &[&str], loaded: &[Known], findings: &[Finding]) -> Vec<String> {
    let broken = broken.iter().map(|id| HuntId::new(*id).unwrap()).collect();
    let reload = reload(before, &broken, loaded, findings).unwrap();
    let mut lines: Vec<String> =
        reload.changes.iter().map(|(hunt, change)| format!("{hunt} {}", change.as_str())).collect();
    lines.extend(reload.kept.iter().map(|(hunt, fault)| format!("{hunt} kept: {}", fault.message)));
    lines
}

#[test]
fn each_change_is_seen() {
    let before = [known("a", "h/a.yaml", "1"), known("b", "h/b.yaml", "1"), known("c", "h/c.yaml", "1")];
    let now = [known("a", "h/a.yaml", "1"), known("b", "h/b.yaml", "2"), known("d", "h/d.yaml", "1")];
    assert_eq!(said(&before, &[], &now, &[]), ["b changed", "c removed", "d added"]);
    assert_eq!(said(&before, &[], &before, &[]), [""; 0], "what was not touched isn't changed");
    let moved = [known("a", "h/new/a.yaml", "1"), before[1].clone(), before[2].clone()];
    assert_eq!(said(&before, &[], &moved, &[]), [""; 0], "a file that was moved is the same hunt");
}

#[test]
fn a_broken_hunt_keeps_its_last_good_version() {
    let before = [known("a", "h/a.yaml", "1"), known("b", "h/b.yaml", "1")];
    let rest = [before[1].clone()];
    let broken = "a broken";
    // In its own file, named or not.
    let own = error("h/a.yaml", "H003", Some("a"));
    assert_eq!(said(&before, &[], &rest, std::slice::from_ref(&own)), [broken, "a kept: H003 in h/a.yaml"]);
    let unnamed = error("h/a.yaml", "H001", None);
    assert_eq!(said(&before, &[], &rest, &[unnamed]), [broken, "a kept: H001 in h/a.yaml"]);
    // Its id was broken along with it.
    let renamed = error("h/a.yaml", "H003", Some("z"));
    assert_eq!(said(&before, &[], &rest, &[renamed]), [broken, "a kept: H003 in h/a.yaml"]);
    // Moved, and broken there.
    let moved = error("h/new/a.yaml", "H003", Some("a"));
    assert_eq!(said(&before, &[], &rest, &[moved]), [broken, "a kept: H003 in h/new/a.yaml"]);
    // Nobody may read the folder any more.
    let folder = error("h", "H028", None);
    assert_eq!(said(&before[..1], &[], &[], &[folder]), [broken, "a kept: H028 in h"]);
    // A warning breaks nothing, nor an error in a file beside it.
    let warning = Finding { level: Level::Warning, ..own };
    assert_eq!(said(&before, &[], &rest, &[warning, error("h/x.yaml", "H001", Some("x"))]), ["a removed"]);
}

#[test]
fn defaults_that_cannot_be_read_change_nothing_below_them() {
    let before = [known("a", "h/sub/a.yaml", "1"), known("b", "h/b.yaml", "1")];
    let now = [known("a", "h/sub/a.yaml", "2"), known("b", "h/b.yaml", "2")];
    let unread = error("h/sub/_defaults.yaml", "H028", None);
    assert_eq!(said(&before, &[], &now, &[unread]), ["a broken", "b changed", "a kept: H028 in h/sub/_defaults.yaml"]);
}

#[test]
fn broken_is_said_once_and_mended_too() {
    let before = [known("a", "h/a.yaml", "1"), known("b", "h/b.yaml", "1")];
    let fault = error("h/a.yaml", "H003", Some("a"));
    let rest = [before[1].clone()];
    assert_eq!(
        said(&before, &["a"], &rest, std::slice::from_ref(&fault)),
        ["a kept: H003 in h/a.yaml"],
        "and no change"
    );
    assert_eq!(said(&before, &["a"], &before, &[]), ["a mended"]);
    let better = [known("a", "h/a.yaml", "2"), before[1].clone()];
    assert_eq!(said(&before, &["a"], &better, &[]), ["a changed"]);
    assert_eq!(said(&before, &["a"], &rest, &[]), ["a removed"]);
}

#[test]
fn a_load_that_saw_too_little_changes_nothing() {
    let before = [known("a", "h/a.yaml", "1")];
    let load = |loaded: &[Known], findings: &[Finding]| reload(&before, &BTreeSet::new(), loaded, findings);
    assert_eq!(load(&[], &[]), Err(Refusal::NothingLeft(1)));
    let cut = error("h", "H029", None);
    assert_eq!(load(&before, &[cut]), Err(Refusal::Partial("H029 in h".to_owned())));
    assert_eq!(reload(&[], &BTreeSet::new(), &[], &[]), Ok(Reload::default()), "none ran, and none will");
}

proptest! {
    /// Every hunt that ran runs on, unless its file is gone or whole and without it; and no other is kept.
    #[test]
    fn none_is_lost_by_a_broken_file(
        ran in proptest::collection::btree_set(0_u8..12, 1..12),
        loads in proptest::collection::btree_set(0_u8..12, 0..12),
        faulty in proptest::collection::btree_set(0_u8..12, 0..12),
    ) {
        let of = |n: &u8| known(&format!("h{n}"), &format!("h/{n}.yaml"), "1");
        let before: Vec<Known> = ran.iter().map(of).collect();
        let loaded: Vec<Known> = loads.difference(&faulty).map(of).collect();
        let findings: Vec<Finding> = faulty.iter().map(|n| error(&format!("h/{n}.yaml"), "H003", None)).collect();
        match reload(&before, &BTreeSet::new(), &loaded, &findings) {
            Ok(reload) => {
                let kept: BTreeSet<u8> = ran.intersection(&faulty).copied().collect();
                let expected: Vec<HuntId> = kept.iter().map(|n| of(n).id).collect::<BTreeSet<_>>().into_iter().collect();
                prop_assert_eq!(reload.kept.into_keys().collect::<Vec<_>>(), expected);
            }
            Err(refusal) => {
                prop_assert_eq!(refusal, Refusal::NothingLeft(ran.len()));
                prop_assert!(loaded.is_empty() && ran.is_disjoint(&faulty));
            }
        }
    }
}
