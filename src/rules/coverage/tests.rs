use proptest::prelude::*;

use super::*;
use crate::model::coverage::{CoverageNote, Fate, Stretch};
use crate::model::id::RunId;
use crate::model::time::{Timestamp, Window};

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(second)
}

fn window(from: i64, to: i64) -> Window {
    Window { from: at(from), to: at(to) }
}

fn run(n: usize) -> RunId {
    RunId::new(format!("r{n}")).unwrap()
}

fn noted(notes: &[CoverageNote]) -> Coverage {
    let mut coverage = Coverage::default();
    for (n, note) in notes.iter().enumerate() {
        coverage.note(note, &run(n));
    }
    coverage
}

fn lost(from: i64, to: i64) -> CoverageNote {
    CoverageNote::Decide { window: window(from, to), fate: Fate::Lost, why: "old".to_owned() }
}

#[test]
fn nothing_is_owed_before_the_first_run() {
    assert_eq!(Coverage::default().gaps(window(0, 100)), []);
    let coverage = noted(&[CoverageNote::Origin(at(10)), CoverageNote::Origin(at(50))]);
    assert_eq!(coverage.gaps(window(0, 100)), [window(10, 100)]);
    assert_eq!(noted(&[lost(0, 10)]).stretches(), []);
}

#[test]
fn covered_stretches_grow_together_and_name_the_last_run() {
    let cover = |from, to| CoverageNote::Cover(window(from, to));
    let coverage = noted(&[CoverageNote::Origin(at(0)), cover(0, 10), cover(20, 30), cover(10, 20), cover(40, 40)]);
    let whole = Stretch { window: window(0, 30), fate: Fate::Covered, run: run(3), why: None, told: None };
    assert_eq!(coverage.stretches(), [whole]);
    assert_eq!((coverage.gaps(window(0, 50)), coverage.covered_to()), (vec![window(30, 50)], Some(at(30))));
}

#[test]
fn a_loss_is_told_once_and_may_still_be_covered() {
    let mut coverage = noted(&[CoverageNote::Origin(at(0)), lost(0, 10)]);
    assert_eq!(coverage.untold().count(), 1);
    coverage.note(&CoverageNote::Told, &run(2));
    assert_eq!(coverage.untold().count(), 0);
    coverage.note(&lost(5, 20), &run(3));
    assert_eq!(coverage.untold().map(|loss| loss.window).collect::<Vec<_>>(), [window(10, 20)]);
    coverage.note(&CoverageNote::Cover(window(4, 15)), &run(4));
    let fates: Vec<_> = coverage.stretches().iter().map(|stretch| (stretch.window, stretch.fate)).collect();
    let expected = [(window(0, 4), Fate::Lost), (window(4, 15), Fate::Covered), (window(15, 20), Fate::Lost)];
    assert_eq!(fates, expected);
}

#[test]
fn a_clock_that_stood_ahead_covered_nothing_there() {
    let mut coverage = noted(&[CoverageNote::Origin(at(5)), CoverageNote::Cover(window(5, 100))]);
    coverage.note(&CoverageNote::Uncover(at(40)), &run(2));
    assert_eq!(coverage.gaps(window(0, 200)), [window(40, 200)]);
    // A hunt that began under the wrong clock owes from the right one on.
    let mut coverage = noted(&[CoverageNote::Origin(at(50)), CoverageNote::Cover(window(50, 100))]);
    coverage.note(&CoverageNote::Uncover(at(40)), &run(2));
    assert_eq!((coverage.gaps(window(0, 200)), coverage.stretches()), (vec![window(40, 200)], &[][..]));
}

#[test]
fn what_is_forgotten_takes_no_place() {
    let mut coverage = noted(&[CoverageNote::Origin(at(0)), lost(0, 10), CoverageNote::Cover(window(20, 60))]);
    coverage.note(&CoverageNote::Forget(at(30)), &run(3));
    assert_eq!(coverage.stretches().len(), 1);
    assert_eq!(coverage.gaps(window(0, 80)), [window(60, 80)], "and is no gap again");
}

/// A ledger that says the fate of each second by itself.
#[derive(Default)]
struct Seconds {
    origin: Option<i64>,
    fates: std::collections::BTreeMap<i64, Fate>,
}

impl Seconds {
    fn note(&mut self, note: &CoverageNote) {
        let seconds = |window: &Window| (0..100).filter(|second| window.contains(at(*second))).collect::<Vec<_>>();
        match note {
            CoverageNote::Origin(origin) => {
                self.origin = self.origin.or_else(|| (0..=100).find(|second| at(*second) == *origin));
            }
            CoverageNote::Uncover(after) => {
                self.fates.retain(|second, fate| *fate != Fate::Covered || at(*second) < *after);
                self.origin = self.origin.map(|origin| if at(origin) > *after { second_of(*after) } else { origin });
            }
            CoverageNote::Cover(window) => {
                self.fates.extend(seconds(window).into_iter().map(|second| (second, Fate::Covered)));
            }
            CoverageNote::Decide { window, fate, .. } => {
                for second in seconds(window) {
                    if self.origin.is_some_and(|origin| origin <= second) {
                        self.fates.entry(second).or_insert(*fate);
                    }
                }
            }
            CoverageNote::Told | CoverageNote::Forget(_) => {}
        }
    }
}

fn second_of(at: Timestamp) -> i64 {
    at.nanos() / 1_000_000_000
}

fn any_note() -> impl Strategy<Value = CoverageNote> {
    let span = (0_i64..100, 0_i64..40).prop_map(|(from, length)| window(from, (from + length).min(100)));
    prop_oneof![
        (0_i64..100).prop_map(|second| CoverageNote::Origin(at(second))),
        (0_i64..100).prop_map(|second| CoverageNote::Uncover(at(second))),
        span.clone().prop_map(CoverageNote::Cover),
        span.clone().prop_map(|window| CoverageNote::Decide { window, fate: Fate::Lost, why: "l".to_owned() }),
        span.prop_map(|window| CoverageNote::Decide { window, fate: Fate::Skipped, why: "s".to_owned() }),
        Just(CoverageNote::Told),
    ]
}

proptest! {
    #[test]
    fn it_says_of_each_second_what_was_last_decided(notes in prop::collection::vec(any_note(), 0..40)) {
        let (mut coverage, mut seconds) = (Coverage::default(), Seconds::default());
        for (n, note) in notes.iter().enumerate() {
            coverage.note(note, &run(n));
            seconds.note(note);
            for pair in coverage.stretches().windows(2) {
                prop_assert!(pair[0].window.to <= pair[1].window.from, "{pair:?}");
            }
        }
        let gaps = coverage.gaps(window(0, 100));
        for second in 0..100 {
            let here = at(second);
            let fate = coverage.stretches().iter().find(|stretch| stretch.window.contains(here)).map(|stretch| stretch.fate);
            prop_assert_eq!(fate, seconds.fates.get(&second).copied(), "second {}", second);
            let open = fate.is_none() && seconds.origin.is_some_and(|origin| origin <= second);
            prop_assert_eq!(gaps.iter().any(|gap| gap.contains(here)), open, "second {}", second);
        }
        // What is stored and read again is the same.
        let again = Coverage::new(coverage.origin(), coverage.stretches().iter().rev().cloned().collect());
        prop_assert_eq!(again, coverage);
    }
}
