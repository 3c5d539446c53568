use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{Comparison, Outcome, Scope, Seen, Sighting};
use crate::model::hit::{Fingerprint, HitKind, RawHash};
use crate::model::id::HitId;
use crate::model::known::{KnownHit, KnownHits};
use crate::model::time::{Timestamp, Window};

/// A row: its key, its content, and when it happened.
type Row = (u8, u8, Option<u8>);
/// Which contents each key has.
type Result = BTreeMap<u8, BTreeSet<u8>>;
/// What it is called, its rows, and what is said of them.
type Case<'a> = (&'a str, &'a [Row], &'a [(HitKind, u8)]);

const WHOLE: Scope = Scope::Whole;

fn hit(key: u8) -> HitId {
    HitId([key; 20])
}

fn content(content: u8) -> Fingerprint {
    Fingerprint([content; 16])
}

/// The row with that key and content, in the bytes that it always has.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "rows come from slices")]
fn seen((key, of, hour): &Row) -> Seen {
    let mut raw = [1; 16];
    raw[..3].copy_from_slice(&[*key, *of, hour.map_or(255, |hour| hour)]);
    Seen { hit: hit(*key), content: content(*of), event_time: hour.map(at), raw: RawHash(raw) }
}

/// What is known of a key.
fn of(known: &KnownHits, key: u8) -> Option<KnownHit<'_>> {
    known.find(&hit(key)).and_then(|ordinal| known.get(ordinal))
}

fn at(hour: u8) -> Timestamp {
    Timestamp::from_nanos(i64::from(hour) * 3_600_000_000_000)
}

fn window(from: u8, to: u8) -> Scope {
    Scope::Window(Window { from: at(from), to: at(to) })
}

/// Compares a result with what is known.
fn compared(known: &KnownHits, rows: &[Row], scope: Scope) -> (Vec<Sighting>, Outcome) {
    let mut comparison = Comparison::new(known);
    let sightings = rows.iter().map(|row| comparison.observe(&seen(row)).sighting).collect();
    // Whether rows are read, or known by their bytes, is the same.
    let mut by_bytes = Comparison::new(known);
    let unread = |row: &Row| by_bytes.observe_raw(seen(row).raw).unwrap_or_else(|| by_bytes.observe(&seen(row)));
    let unread: Vec<Sighting> = rows.iter().map(unread).map(|seen| seen.sighting).collect();
    let (outcome, too) = (comparison.finish(scope, true), by_bytes.finish(scope, true));
    assert_eq!((&sightings, &outcome), (&unread, &too), "{known:?} {rows:?}");
    (sightings, outcome)
}

/// Compares, and takes the step.
fn run(known: &mut KnownHits, rows: &[Row], scope: Scope) -> Outcome {
    let (_, outcome) = compared(known, rows, scope);
    known.apply_all(&outcome.deltas);
    assert_eq!(known.next(), outcome.known_after);
    outcome
}

/// After rows without a time, compared as the whole.
fn known(rows: &[Row]) -> KnownHits {
    let mut known = KnownHits::default();
    run(&mut known, rows, WHOLE);
    known
}

/// What is said: kinds and keys, in the order of the keys.
fn said(outcome: &Outcome) -> Vec<(HitKind, u8)> {
    let mut said: Vec<_> =
        outcome.deltas.iter().filter_map(|step| step.kind.map(|kind| (kind, step.state.hit.0[0]))).collect();
    said.sort_unstable_by_key(|(_, key)| *key);
    said
}

/// The hits that are there, as far as is known.
fn present(known: &KnownHits) -> Result {
    let there = known.iter().filter(|hit| hit.present);
    there.map(|hit| (hit.hit.0[0], hit.rows.iter().map(|row| row.0[0]).collect())).collect()
}

fn result(rows: &[Row]) -> Result {
    let mut result = Result::new();
    for (key, of, _) in rows {
        result.entry(*key).or_default().insert(*of);
    }
    result
}

use HitKind::{Changed, Gone, New, Returned};

#[test]
fn what_is_said_of_a_whole_result() {
    let before: [Row; 4] = [(1, 1, None), (2, 1, None), (2, 2, None), (3, 1, None)];
    let cases: [Case<'_>; 10] = [
        ("all the same", &before, &[]),
        ("the same in another order", &[(3, 1, None), (2, 2, None), (1, 1, None), (2, 1, None)], &[]),
        ("each twice", &[before, before].concat(), &[]),
        ("nothing", &[], &[(Gone, 1), (Gone, 2), (Gone, 3)]),
        ("one more", &[before.as_slice(), &[(4, 1, None)]].concat(), &[(New, 4)]),
        ("one more with two contents", &[before.as_slice(), &[(4, 1, None), (4, 2, None)]].concat(), &[(New, 4)]),
        ("another content", &[(1, 9, None), (2, 1, None), (2, 2, None), (3, 1, None)], &[(Changed, 1)]),
        ("a content more", &[before.as_slice(), &[(1, 9, None)]].concat(), &[(Changed, 1)]),
        ("a content less", &[(1, 1, None), (2, 2, None), (3, 1, None)], &[(Changed, 2)]),
        ("some of all", &[(4, 1, None), (3, 2, None), (1, 1, None)], &[(Gone, 2), (Changed, 3), (New, 4)]),
    ];
    for (what, rows, want) in cases {
        let mut known = known(&before);
        let outcome = run(&mut known, rows, WHOLE);
        assert_eq!(said(&outcome), want, "{what}");
        assert_eq!(present(&known), result(rows), "{what}");
        let count = |kind| want.iter().filter(|(of, _)| *of == kind).count() as u64;
        let counts = (outcome.new, outcome.changed, outcome.gone, outcome.returned);
        assert_eq!(counts, (count(New), count(Changed), count(Gone), count(Returned)), "{what}");
        assert_eq!(outcome.members.len(), result(rows).len() as u64, "{what}");
        let again = run(&mut known, rows, WHOLE);
        assert_eq!((again.deltas.to_vec(), again.members), (vec![], outcome.members), "{what}");
    }
}

#[test]
fn a_row_is_seen_as_what_it_is() {
    use Sighting::{Again, Changed, New, Returned, Unchanged};
    let mut known = known(&[(1, 1, None), (2, 1, None), (2, 2, None), (3, 1, None)]);
    run(&mut known, &[(1, 1, None), (2, 1, None), (2, 2, None)], WHOLE);
    let cases: [(&[Row], &[Sighting]); 6] = [
        (&[(1, 1, None), (1, 1, None), (1, 2, None), (1, 2, None)], &[Unchanged, Again, Changed, Again]),
        (&[(1, 2, None), (1, 1, None), (1, 1, None)], &[Changed, Unchanged, Again]),
        (&[(2, 2, None), (2, 1, None), (2, 2, None), (2, 3, None)], &[Unchanged, Unchanged, Again, Changed]),
        (&[(3, 1, None), (3, 1, None), (3, 2, None)], &[Returned, Again, Returned]),
        (&[(4, 1, None), (4, 2, None), (4, 1, None)], &[New, New, Again]),
        (&[(1, 1, None), (1, 1, Some(5)), (1, 2, Some(5))], &[Unchanged, Again, Changed]),
    ];
    for (rows, want) in cases {
        assert_eq!(compared(&known, rows, WHOLE).0, want, "{rows:?}");
    }
    let stored: Vec<_> = [New, Changed, Returned, Unchanged, Again].map(Sighting::stored_as).into();
    assert_eq!(stored, [Some(HitKind::New), Some(HitKind::Changed), Some(HitKind::Returned), None, None]);
}

#[test]
fn gone_and_back() {
    let mut known = known(&[(1, 1, None), (2, 1, None)]);
    assert_eq!(said(&run(&mut known, &[(2, 1, None)], WHOLE)), [(Gone, 1)]);
    assert_eq!(said(&run(&mut known, &[(2, 1, None)], WHOLE)), [], "gone is said once");
    assert_eq!(of(&known, 1).unwrap().rows, [content(1)], "what it last had is remembered");
    for back in [&[(1, 1, None), (2, 1, None)][..], &[(1, 7, None), (2, 1, None)]] {
        for scope in [WHOLE, Scope::Adds, window(0, 9)] {
            let mut known = known.clone();
            assert_eq!(said(&run(&mut known, back, scope)), [(Returned, 1)], "{scope:?}");
            assert_eq!(of(&known, 1).unwrap().ordinal, 0, "it keeps its place");
            assert_eq!(present(&known), result(back));
        }
    }
}

#[test]
fn a_cut_result_adds_and_takes_nothing_away() {
    let mut known = known(&[(1, 1, None), (2, 1, None), (2, 2, None)]);
    let outcome = run(&mut known, &[(2, 2, None), (2, 3, None), (3, 1, None)], Scope::Adds);
    assert_eq!(said(&outcome), [(Changed, 2), (New, 3)]);
    assert_eq!(present(&known), result(&[(1, 1, None), (2, 1, None), (2, 2, None), (2, 3, None), (3, 1, None)]));
    assert_eq!(run(&mut known, &[(2, 1, None)], Scope::Adds).deltas.to_vec(), []);
    assert_eq!(said(&run(&mut known, &[(2, 1, None)], WHOLE)), [(Gone, 1), (Changed, 2), (Gone, 3)]);
}

#[test]
fn a_window_takes_away_only_what_lies_in_it() {
    let before = [(1, 1, Some(1)), (2, 1, Some(4)), (3, 1, Some(5)), (4, 1, Some(8)), (5, 1, None)];
    let several = [(6, 1, Some(4)), (6, 2, Some(6)), (7, 1, Some(5)), (7, 2, Some(5)), (8, 1, Some(4)), (8, 2, None)];
    let rows = [before.as_slice(), &several].concat();
    let known = known(&rows);
    let times = |key| of(&known, key).unwrap().event_time;
    assert_eq!([1, 5, 6, 7, 8].map(times), [Some(at(1)), None, None, Some(at(5)), None]);

    let gone = |from, to| said(&run(&mut known.clone(), &[], window(from, to)));
    assert_eq!(gone(4, 8), [(Gone, 2), (Gone, 3), (Gone, 7)], "from is in the window, to is not");
    assert_eq!(gone(0, 1), []);
    assert_eq!(gone(0, 100), [(Gone, 1), (Gone, 2), (Gone, 3), (Gone, 4), (Gone, 7)], "no time, no gone");

    let less = |key: u8, hour: u8| said(&run(&mut known.clone(), &[(key, 1, Some(hour))], window(hour, hour + 1)));
    assert_eq!(less(7, 5), [(Gone, 3), (Changed, 7)], "all its contents would have been there");
    assert_eq!(less(6, 4), [(Gone, 2)], "the other content may lie outside");
}

#[test]
fn the_time_of_a_hit_follows_its_rows_without_a_word() {
    let mut known = known(&[(1, 1, Some(1))]);
    let outcome = run(&mut known, &[(1, 1, Some(2))], window(2, 3));
    assert_eq!((said(&outcome), of(&known, 1).unwrap().event_time), (vec![], Some(at(2))));
    let outcome = run(&mut known, &[(1, 1, Some(2)), (1, 1, Some(3))], window(2, 4));
    assert_eq!((said(&outcome), of(&known, 1).unwrap().event_time), (vec![], None));
    assert_eq!(said(&run(&mut known, &[], window(0, 9))), []);
}

#[test]
fn a_hundred_thousand_contents_of_one_key_are_compared_quickly() {
    // Quadratic work would take minutes here.
    let many = |from: u32| {
        (from..from + 100_000).map(|number| {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            Fingerprint(bytes)
        })
    };
    let mut known = KnownHits::default();
    for (round, kind) in [(0, Some(New)), (0, None), (50_000, Some(Changed))] {
        let mut comparison = Comparison::new(&known);
        for content in many(round) {
            let seen = Seen { hit: hit(1), content, event_time: None, raw: RawHash::NONE };
            comparison.observe(&seen);
        }
        let outcome = comparison.finish(WHOLE, true);
        assert_eq!(outcome.deltas.iter().next().and_then(|step| step.kind), kind);
        known.apply_all(&outcome.deltas);
    }
    assert_eq!(of(&known, 1).unwrap().rows, many(50_000).collect::<Vec<_>>());
}

fn any_rows() -> impl Strategy<Value = Vec<Row>> {
    proptest::collection::vec((0..6_u8, 0..3_u8, proptest::option::weighted(0.9, 0..8_u8)), 0..10)
}

fn any_scope() -> impl Strategy<Value = Scope> {
    prop_oneof![
        Just(WHOLE),
        Just(Scope::Adds),
        (0..8_u8, 0..8_u8).prop_map(|(from, length)| window(from, from + length))
    ]
}

proptest! {
    #[test]
    fn deltas_replayed_from_the_start_give_the_last_result(runs in proptest::collection::vec(any_rows(), 1..6)) {
        let mut known = KnownHits::default();
        let steps: Vec<_> = runs.iter().flat_map(|rows| run(&mut known, rows, WHOLE).deltas.to_vec()).collect();
        let mut replayed = KnownHits::default();
        for delta in &steps {
            replayed.apply(delta);
        }
        prop_assert_eq!(&replayed, &known);
        prop_assert_eq!(present(&replayed), result(runs.last().unwrap()));
        let ever: BTreeSet<u8> = runs.iter().flatten().map(|row| row.0).collect();
        prop_assert_eq!(replayed.iter().count(), ever.len());
        let places: BTreeSet<u32> = replayed.iter().map(|hit| hit.ordinal).collect();
        prop_assert_eq!(places, (0..replayed.next()).collect::<BTreeSet<_>>());
    }

    #[test]
    fn what_is_told_leads_from_the_first_result_to_the_last(runs in proptest::collection::vec(any_rows(), 2..6)) {
        let mut known = KnownHits::default();
        run(&mut known, &runs[0], WHOLE);
        let mut told = result(&runs[0]);
        for rows in &runs[1..] {
            for delta in run(&mut known, rows, WHOLE).deltas.to_vec() {
                let key = delta.hit.0[0];
                let contents: BTreeSet<u8> = delta.rows.iter().map(|row| row.0[0]).collect();
                match delta.kind {
                    None => {}
                    Some(New | Returned) => prop_assert!(told.insert(key, contents).is_none()),
                    Some(Changed) => prop_assert!(told.insert(key, contents.clone()).is_some_and(|old| old != contents)),
                    Some(Gone) => prop_assert!(told.remove(&key).is_some()),
                }
            }
            prop_assert_eq!(&told, &result(rows));
        }
    }

    #[test]
    fn the_order_of_rows_doesnt_matter(
        before in any_rows(), scope in any_scope(),
        (rows, shuffled) in any_rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
    ) {
        let known = known(&before);
        let ((mut seen, one), (mut seen_too, two)) = (compared(&known, &rows, scope), compared(&known, &shuffled, scope));
        // New hits get their places by the order of the rows; all else is the same.
        let but_places = |outcome: &Outcome| {
            let mut deltas = outcome.deltas.to_vec();
            deltas.sort_unstable_by_key(|delta| delta.hit);
            deltas.iter_mut().filter(|delta| delta.kind == Some(New)).for_each(|delta| delta.ordinal = 0);
            (deltas, outcome.members.clone(), outcome.new, outcome.changed, outcome.gone, outcome.returned)
        };
        prop_assert_eq!(but_places(&one), but_places(&two));
        let by_name = |sighting: &Sighting| format!("{sighting:?}");
        seen.sort_by_key(by_name);
        seen_too.sort_by_key(by_name);
        prop_assert_eq!(seen, seen_too);
    }

    #[test]
    fn nothing_is_missed_and_nothing_told_twice(runs in proptest::collection::vec((any_rows(), any_scope()), 1..8)) {
        let mut known = KnownHits::default();
        let mut ever = BTreeSet::new();
        for (rows, scope) in &runs {
            let before = known.clone();
            let (sightings, _) = compared(&known, rows, *scope);
            let outcome = run(&mut known, rows, *scope);
            let there = result(rows);
            let new: Vec<_> = said(&outcome).into_iter().filter(|(kind, _)| *kind == New).map(|(_, key)| key).collect();
            prop_assert_eq!(new, there.keys().copied().filter(|key| ever.insert(*key)).collect::<Vec<_>>());
            for (kind, key) in said(&outcome) {
                let old = of(&before, key);
                match kind {
                    New => prop_assert!(old.is_none()),
                    Returned => prop_assert!(old.is_some_and(|old| !old.present)),
                    Changed => prop_assert!(old.is_some_and(|old| old.present && old.rows != of(&known, key).unwrap().rows)),
                    Gone => {
                        let may = match scope {
                            Scope::Whole => true,
                            Scope::Adds => false,
                            Scope::Window(window) => old.and_then(|old| old.event_time).is_some_and(|at| window.contains(at)),
                        };
                        prop_assert!(may && !there.contains_key(&key));
                    }
                }
            }
            // Whatever was in the result is there from now on, content by content.
            let now = present(&known);
            prop_assert!(there.iter().all(|(key, contents)| now.get(key).is_some_and(|now| now.is_superset(contents))));
            // A row is stored exactly where it says something that wasn't known.
            for ((key, row, _), seen) in rows.iter().zip(&sightings) {
                let old = of(&before, *key).filter(|old| old.present);
                let is_known = old.is_some_and(|old| old.rows.contains(&content(*row)));
                prop_assert!(is_known != seen.stored_as().is_some() || *seen == Sighting::Again);
            }
            if *scope == Scope::Adds {
                let was = present(&before);
                prop_assert!(was.iter().all(|(key, contents)| now.get(key).is_some_and(|now| now.is_superset(contents))));
            }
        }
    }
}
