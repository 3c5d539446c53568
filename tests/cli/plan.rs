//! `plan`: offline, with a config and without, in each of its forms.

use std::process::Command;

use crate::desk::{TO_FILE, config, golden, shown};
use crate::support::{Printed, Site, printed};

const FROM: &str = "2026-11-24T09:00:00Z";

fn hunt(schedule: &str, more: &str) -> String {
    format!(
        "# why it is here\nseverity: low\nschedule: \"{schedule}\"   # when\nlookback: 1h\n{more}query: |\n  DeviceProcessEvents\n  | where FileName has \"x\"\n"
    )
}

/// A site whose tenant is nowhere, with room for three calls a minute, and five hunts that start at the full hour.
fn crowded() -> Site {
    let site = Site::new();
    let quota =
        "    login_url: http://127.0.0.1:9\n    quota: {calls_per_minute: 3, calls_per_hour: 100, concurrent: 2}";
    site.write("huntd.yaml", config("http://127.0.0.1:9", TO_FILE).replace("    login_url: http://127.0.0.1:9", quota));
    for number in 0..4 {
        site.write(&format!("hunts/h{number}.yaml"), hunt("0 * * * *", "splay: 0\n"));
    }
    site.write("hunts/top.yaml", hunt("*/30 * * * *", "splay: 0\n").replace("low", "high"));
    site
}

/// One whose hunts can't all run.
fn overfull() -> Site {
    let site = crowded();
    for number in 0..5 {
        site.write(&format!("hunts/all/{number}.yaml"), hunt("* * * * *", ""));
    }
    site
}

fn plan(site: &Site, arguments: &[&str]) -> Printed {
    site.huntd(&[&["plan", "--from", FROM, "--for", "3h"], arguments].concat())
}

fn git(site: &Site, arguments: &[&str]) -> Printed {
    let mut command = Command::new("git");
    command.arg("-C").arg(site.path()).args(["-c", "user.name=a", "-c", "user.email=a@example.com"]).args(arguments);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    printed(&mut command).expect(0)
}

#[test]
fn a_person_sees_what_waits_and_what_to_move() {
    let site = crowded();
    golden("plan", &shown(&site, &plan(&site, &[])));
    assert!(!site.file("huntd.db").exists(), "it makes no database");
}

#[test]
fn what_cannot_fit_is_exit_1() {
    let site = overfull();
    let told = plan(&site, &[]).expect(1).stdout;
    assert!(told.contains("it can't fit: runs are overtaken by the next tick of their hunt"), "{told}");
    plan(&site, &["--json"]).expect(1);
    plan(&site, &["--patch"]).expect(1);
}

#[test]
fn json_has_an_object_a_tenant_and_a_suggestion() {
    let site = crowded();
    let objects = plan(&site, &["--json"]).expect(0).objects();
    let kinds: Vec<&str> = objects.iter().map(|object| object["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["tenant", "suggestion", "suggestion", "suggestion", "suggested"]);
    let tenant = &objects[0];
    assert_eq!((&tenant["tenant"], &tenant["fits"]), (&"contoso".into(), &true.into()));
    assert_eq!((&tenant["hunts"], &tenant["guessed"], &tenant["runs"]), (&5.into(), &5.into(), &18.into()));
    assert_eq!((&tenant["minute"]["calls"], &tenant["minute"]["limit"]), (&5.into(), &3.into()));
    assert_eq!(tenant["from"], FROM);
    assert_eq!(tenant["backlogs"][0]["why"], "calls_per_minute");
    assert_eq!(tenant["load"].as_array().unwrap().len(), 12);
    assert_eq!(tenant["load"][0]["due"], 5);
    let moved = &objects[1];
    assert_eq!((&moved["hunt"], &moved["key"], &moved["now"]), (&"h0".into(), &"schedule".into(), &"0 * * * *".into()));
    assert!(moved["file"].as_str().unwrap().ends_with("hunts/h0.yaml"));
    let after = &objects[4];
    assert_eq!((&after["before"]["minute"]["calls"], &after["after"]["backlog_seconds"]), (&5.into(), &0.into()));
}

#[test]
fn a_page_is_written_and_holds_a_picture() {
    let site = crowded();
    let said = plan(&site, &["--html", "plan.html"]).expect(0);
    assert!(said.stderr.contains("the page is in plan.html"), "{}", said.stderr);
    let page = std::fs::read_to_string(site.file("plan.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    for part in ["<svg ", "prefers-color-scheme: dark", "Calls a minute", "contoso", "Suggestions"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<script"));
    let refused = plan(&site, &["--html", "nowhere/plan.html"]).expect(2);
    assert!(refused.error().contains("can't write nowhere/plan.html"), "{}", refused.error());
}

#[test]
fn a_patch_applies_and_what_it_leaves_waits_for_nothing() {
    let site = crowded();
    git(&site, &["init", "-q", "."]);
    git(&site, &["add", "-A"]);
    git(&site, &["commit", "-q", "-m", "x"]);
    let patch = plan(&site, &["--patch"]).expect(0);
    assert_eq!(patch.stderr, "");
    site.write("p.diff", &patch.stdout);
    git(&site, &["apply", "p.diff"]);
    let text = std::fs::read_to_string(site.file("hunts/h0.yaml")).unwrap();
    let (head, rest) = text.split_once("schedule: \"").unwrap();
    assert_eq!(head, "# why it is here\nseverity: low\n");
    assert!(rest.contains(" * * * *\"   # when\n") && !rest.starts_with('0'), "{text}");
    let after = plan(&site, &[]).expect(0).stdout;
    assert!(after.contains("it fits, and nothing waits for the quota"), "{after}");
    assert!(after.contains("Nothing needs to be moved."), "{after}");
    let none = plan(&site, &["--patch"]).expect(0);
    assert_eq!((none.stdout.as_str(), none.stderr.trim()), ("", "nothing to move, so there is no patch"));
}

#[test]
fn two_states_are_compared_and_only_the_new_one_judged() {
    let site = overfull();
    git(&site, &["init", "-q", "."]);
    git(&site, &["add", "-A"]);
    git(&site, &["commit", "-q", "-m", "x"]);
    std::fs::remove_dir_all(site.file("hunts/all")).unwrap();
    site.write("hunts/h0.yaml", hunt("5 * * * *", "splay: 0\nkey: [DeviceId]\n"));
    site.write("hunts/new.yaml", hunt("@daily", ""));
    let objects = plan(&site, &["--against", "HEAD", "--json"]).expect(0).objects();
    let changes: Vec<String> = objects
        .iter()
        .filter(|object| object["kind"] == "change")
        .map(|change| format!("{} {}", change["hunt"].as_str().unwrap(), change["changes"]))
        .collect();
    assert_eq!(changes.len(), 7, "{changes:?}");
    assert_eq!(changes[0], "all/0 [\"removed\"]");
    assert_eq!(changes[5..], ["h0 [\"rescheduled\",\"re-keyed\"]", "new [\"added\"]"]);
    let against = objects.iter().find(|object| object["kind"] == "against").unwrap();
    assert_eq!((&against["before"]["fits"], &against["after"]["fits"]), (&false.into(), &true.into()));
    golden(
        "plan-against",
        &shown(&site, &plan(&site, &["--against", "HEAD"])).lines().take(26).collect::<Vec<_>>().join("\n"),
    );
    // Nothing of the repository was written.
    assert_eq!(git(&site, &["status", "--porcelain", "hunts/h1.yaml"]).stdout, "");
}

#[test]
fn a_past_that_is_not_there_says_so() {
    let site = crowded();
    golden("plan-no-repository", &shown(&site, &plan(&site, &["--against", "HEAD"]).expect(2)));
    git(&site, &["init", "-q", "."]);
    git(&site, &["add", "-A"]);
    git(&site, &["commit", "-q", "-m", "x"]);
    golden("plan-no-revision", &shown(&site, &plan(&site, &["--against", "nowhere"]).expect(2)));
    let option = plan(&site, &["--against=--output=x"]).expect(2);
    assert!(option.error().contains("has no revision"), "{}", option.error());
    assert!(!site.file("x").exists());
    let mut command = site.command(&["plan", "--against", "HEAD"]);
    golden("plan-no-git", &shown(&site, &printed(command.env("PATH", "/nowhere")).expect(2)));
}

#[test]
fn a_folder_alone_is_planned_without_a_config() {
    let site = crowded();
    std::fs::remove_file(site.file("huntd.yaml")).unwrap();
    site.write("hunts/theirs.yaml", hunt("@hourly", "tenants: [fabrikam]\n"));
    let alone = plan(&site, &["--hunts", "hunts", "--json"]).expect(0);
    assert!(alone.stderr.contains("there is no config"), "{}", alone.stderr);
    let tenant = &alone.objects()[0];
    assert_eq!(
        (&tenant["tenant"], &tenant["hunts"], &tenant["minute"]["limit"]),
        (&"default".into(), &6.into(), &45.into())
    );
    plan(&site, &[]).expect(2);
    let missing = plan(&site, &["--hunts", "elsewhere"]).expect(2);
    assert!(missing.error().contains("can't read the hunts folder elsewhere"), "{}", missing.error());
}

#[test]
fn a_broken_hunt_is_said_and_stops_no_other() {
    let site = crowded();
    site.write("hunts/broken.yaml", "query: T\nschedule: 61 * * * *\n");
    let said = plan(&site, &["--json"]).expect(0);
    assert!(
        said.stderr.contains("H005") && said.stderr.contains("what is broken isn't in the plan"),
        "{}",
        said.stderr
    );
    assert_eq!(said.objects()[0]["hunts"], 5);
}

#[test]
fn spans_that_cannot_be_are_refused() {
    let site = crowded();
    for (arguments, message) in [
        (&["plan", "--for", "32d"][..], "`--for 32d` is no length for a plan"),
        (&["plan", "--for", "soon"], "`--for soon`"),
        (&["plan", "--from", "today"], "`--from today` is no time"),
        (&["plan", "--downtime", "1x"], "`--downtime 1x`"),
    ] {
        let refused = site.huntd(arguments).expect(2);
        assert!(refused.error().contains(message), "{}", refused.error());
    }
    site.write("hunts/often.yaml", hunt("* * * * * *", ""));
    let refused = site.huntd(&["plan", "--for", "31d"]).expect(2);
    assert!(refused.error().contains("the plan would have more than 2000000 runs"), "{}", refused.error());
}
