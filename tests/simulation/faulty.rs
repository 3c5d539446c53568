//! Faults made by hand: a referee that sees none of them is worth nothing.

use std::time::Duration;

use huntd::model::time::Timestamp;

use crate::referee::{Court, Kept};
use crate::world::{Call, Outcome, PER_MINUTE, Seen, Told, World};

/// What is changed, and what the referee has to say then.
type Fault = (&'static str, fn(&World, &mut Seen, &mut Kept));

const FAULTS: [Fault; 9] = [
    ("had to be found, and isn't stored", |_, _, kept| {
        kept.new.clear();
    }),
    ("is stored 2 times", |_, _, kept| kept.new.push(kept.new[0])),
    ("has stored e999999999, which never happened there", |_, _, kept| kept.new.push((0, 999_999_999))),
    ("was never told", |_, seen, _| seen.told.retain(|told| told.channel != "hits")),
    ("by 2 deliveries", |_, seen, _| {
        let again = Told { delivery: "another".to_owned(), ..told(seen) };
        seen.told.push(again);
    }),
    ("before or without its happening", |_, seen, _| {
        let early = Told { at: Timestamp::EPOCH, ..told(seen) };
        seen.told.push(early);
    }),
    ("before or without its happening", |_, seen, _| {
        let strange = Told { events: vec![999_999_999], ..told(seen) };
        seen.told.push(strange);
    }),
    ("saw more than 12 calls", |world, seen, _| {
        let at = world.scale.end();
        let window = seen.calls[0].window;
        let call = |second| {
            let at = at.plus(Duration::from_secs(second));
            Call { tenant: 1, hunt: 1, counted: at, answered: at, window, outcome: Outcome::Open }
        };
        seen.calls.extend((0..=u64::from(PER_MINUTE)).map(call));
    }),
    ("was run twice", |_, seen, kept| {
        seen.clock_set.clear();
        kept.runs.push(kept.runs[0].clone());
    }),
];

fn told(seen: &Seen) -> Told {
    seen.told.iter().find(|told| !told.events.is_empty()).unwrap().clone()
}

/// Makes each fault in turn, and undoes it.
pub(crate) fn each_is_seen(world: &World, kept: &Kept) {
    for (expected, change) in FAULTS {
        let (mut seen, mut kept) = (world.seen().clone(), kept.clone());
        change(world, &mut seen, &mut kept);
        let (violations, _) = Court::new(world, &seen, &kept).violations();
        assert!(violations.iter().any(|violation| violation.contains(expected)), "{expected}: {violations:#?}");
    }
}
