//! Which seeds are played, and how a failure is shown.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::play::play;
use crate::referee::Verdict;
use crate::scale::{Mix, Scale};

/// A number from the environment.
pub(crate) fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// How often the hunts run: `HUNTD_MIX=busy` is for a night.
pub(crate) fn mix() -> Mix {
    match std::env::var("HUNTD_MIX").as_deref() {
        Err(_) | Ok("calm") => Mix::Calm,
        Ok("busy") => Mix::Busy,
        Ok(other) => panic!("HUNTD_MIX is busy or calm, not {other}"),
    }
}

/// Plays `count` seeds from `from` on, as many at a time as there are processors.
pub(crate) fn play_many(from: u64, count: u64, scale: Scale) -> Vec<Verdict> {
    let (next, verdicts) = (AtomicU64::new(from), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + count {
                        return;
                    }
                    let verdict = play(seed, scale);
                    eprintln!("seed {seed}: {:?}, {} violations", verdict.counts, verdict.violations.len());
                    verdicts.lock().unwrap().push(verdict);
                }
            });
        }
    });
    verdicts.into_inner().unwrap()
}

/// Stops the test where a verdict found something.
pub(crate) fn hold(verdicts: &[Verdict]) {
    let mix = if mix() == Mix::Busy { "HUNTD_MIX=busy " } else { "" };
    let mut text = String::new();
    for verdict in verdicts.iter().filter(|verdict| !verdict.violations.is_empty()) {
        let (seed, all) = (verdict.seed, verdict.violations.len());
        for violation in verdict.violations.iter().take(3) {
            text += &format!("\nseed {seed}: {violation}\n");
        }
        text += &format!("seed {seed}: {all} violations; play it again with\n  {mix}HUNTD_SEED={seed} cargo test --test simulation replay -- --nocapture\n");
    }
    assert!(text.is_empty(), "{text}");
}
