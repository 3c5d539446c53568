//! The daemon under `kill -9`, at random moments of a stream: nothing is lost, nothing is stored twice, what is
//! told again is recognisable, and the quota holds.
//!
//! By default the daemon is killed 15 times, and 16 times with a small quota. For the long runs (a kill takes
//! about 0.6 s, so that 1,000 of them take some ten minutes):
//!
//! ```text
//! HUNTD_CHAOS_KILLS=1000 cargo test --test chaos killed -- --nocapture
//! HUNTD_CHAOS_SEED=7 cargo test --test chaos              # other moments
//! HUNTD_CHAOS_DISK=1 cargo test --test chaos disk         # the daemon itself makes good what a bad disk held up
//! HUNTD_CHAOS_LOCK=40 cargo test --test chaos busy        # locks of so many seconds, 2 by default
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]
#![allow(clippy::print_stderr, reason = "the long runs say how far they are")]

mod busy;
mod disk;
mod gone;
#[path = "../support/mime.rs"]
mod mime;
#[path = "../support/mounts.rs"]
mod mounts;
#[path = "../support/referee.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod referee;
#[path = "../support/smtp.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod smtp;
#[path = "../support/stage.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod stage;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use referee::Told;
use stage::{Stage, number};

#[test]
fn nothing_is_lost_when_the_daemon_is_killed_again_and_again() {
    let kills = number("HUNTD_CHAOS_KILLS", 15);
    let seed = number("HUNTD_CHAOS_SEED", 1);
    let random = &mut fastrand::Rng::with_seed(seed);
    // The stream goes on through all the kills.
    let stage = Stage::rough(kills * 3 / 5 + 5, "* * * * * *", seed);
    let began = stage::clock();
    for kill in 1..=kills {
        let mut daemon = stage.daemon();
        // Also while it starts, and while it has just begun its first run.
        let most = [200, 900, 2200][random.usize(0..3)];
        stage::pause(Duration::from_millis(random.u64(0..most)));
        assert!(daemon.runs(), "the daemon ended by itself: {}", stage.log());
        daemon.kill();
        if kill % 20 == 0 {
            let (told, all) = (stage.told_in("hits.jsonl"), stage.events());
            eprintln!(
                "{kill} kills in {:.0?}: {told} of {all} events told, {} mails",
                began.elapsed(),
                stage.mail.mails().len()
            );
        }
    }
    stage.mail.calm_down();
    let daemon = stage.daemon();
    stage.wait_until_told(Duration::from_mins(5));
    assert!(daemon.stop().success(), "{}", stage.log());
    let told = Told::of(&stage);
    told.each_is_stored_once();
    told.each_is_told();
    told.repeats_are_recognisable();
    eprintln!(
        "{kills} kills: {} events, {} mails, {} of them repeats; {}",
        told.events(),
        told.mails(),
        told.repeats(),
        stage.stats()
    );
}

#[test]
fn kills_cost_no_quota() {
    // The long run meets the service's own number, the short one a smaller: either way the calls run out.
    let long = number("HUNTD_CHAOS_KILLS", 15) > 60;
    let (kills, per_minute) = if long { (70, 45) } else { (16, 8) };
    let random = &mut fastrand::Rng::with_seed(number("HUNTD_CHAOS_SEED", 2));
    let stage = Stage::set(20, "* * * * * *", per_minute);
    for _ in 0..kills {
        let mut daemon = stage.daemon();
        stage::pause(Duration::from_millis(random.u64(200..1800)));
        daemon.kill();
    }
    assert!(stage.log().contains("waiting for the quota"), "the calls never ran out: {}", stage.log());
    if long {
        let daemon = stage.daemon();
        stage.wait_until_told(Duration::from_mins(3));
        assert!(daemon.stop().success(), "{}", stage.log());
    }
    let stats = stage.stats();
    eprintln!("{kills} kills with {per_minute} calls a minute: {stats}");
    assert_eq!(stats["answered_429"], 0, "{stats}");
    let peak = stats["peak_per_minute"].as_u64().unwrap();
    // A call that was entered and whose process died before it went out is spent too.
    assert!(peak <= u64::from(per_minute) && peak > u64::from(per_minute) / 2, "{stats}");
}
