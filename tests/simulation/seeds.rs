//! Which seeds are played, and how a failure is shown.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use huntd::ports::clock::{Clock, SystemClock};

use crate::play::play;
use crate::referee::Verdict;
use crate::scale::{Mix, SMALL, Scale, full};

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

/// How large the seeds are that are asked for: `HUNTD_SMALL=1` is for many of them.
pub(crate) fn asked() -> Scale {
    if std::env::var_os("HUNTD_SMALL").is_some() { SMALL } else { full(mix()) }
}

/// Plays `count` seeds from `from` on, as many at a time as there are processors, and tells at once what is wrong
/// with one. `HUNTD_FOR` is after how many seconds no further seed is begun.
pub(crate) fn play_many(from: u64, count: u64, scale: Scale) -> Vec<Verdict> {
    let (next, verdicts) = (AtomicU64::new(from), Mutex::new(Vec::new()));
    let (clock, longest) = (SystemClock::new(), number("HUNTD_FOR").map(Duration::from_secs));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from.saturating_add(count) || longest.is_some_and(|longest| clock.steady() > longest) {
                        return;
                    }
                    let verdict = play_safely(seed, scale);
                    eprintln!("seed {seed}: {:?}", verdict.counts);
                    eprint!("{}", complaint(&verdict));
                    verdicts.lock().unwrap().push(verdict);
                }
            });
        }
    });
    let verdicts = verdicts.into_inner().unwrap();
    if longest.is_some() {
        eprintln!("{} of {count} seeds played, from {from} on", verdicts.len());
    }
    verdicts
}

/// A panic is a violation like another, with its seed.
fn play_safely(seed: u64, scale: Scale) -> Verdict {
    std::panic::catch_unwind(|| play(seed, scale)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no text");
        Verdict::broken(seed, scale, format!("the play panicked: {text}"))
    })
}

/// The first few violations, and how to play the seed again; empty where there is none.
fn complaint(verdict: &Verdict) -> String {
    let (seed, all) = (verdict.seed, verdict.violations.len());
    if all == 0 {
        return String::new();
    }
    let some: Vec<String> = verdict.violations.iter().take(3).map(|text| format!("seed {seed}: {text}\n")).collect();
    let mix = if mix() == Mix::Busy { "HUNTD_MIX=busy " } else { "" };
    let small = if verdict.scale == SMALL { "HUNTD_SMALL=1 " } else { "" };
    let again = format!("{mix}{small}HUNTD_SEED={seed} cargo test --test simulation replay -- --nocapture");
    format!("{}seed {seed}: {all} violations; play it again with\n  {again}\n", some.concat())
}

/// Stops the test where a verdict found something.
pub(crate) fn hold(verdicts: &[Verdict]) {
    let text: String = verdicts.iter().map(complaint).collect();
    assert!(text.is_empty(), "\n{text}");
}
