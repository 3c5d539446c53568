//! The daemon as it runs: the built binary against the simulated tenant in a process of its own, over real
//! HTTP, a real mail server that wants STARTTLS and a sign-in, and a real disk. A referee that knows every
//! event of the stream decides whether each was stored once and told once.
//!
//! By default the stream lasts 25 seconds and the daemon is killed 15 times. For the long runs:
//!
//! ```text
//! HUNTD_STREAM_SECONDS=600 cargo test --test daemon stream -- --nocapture
//! HUNTD_CHAOS_KILLS=200 cargo test --test daemon kill -- --nocapture
//! HUNTD_CHAOS_SEED=7 cargo test --test daemon kill     # other moments
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]
#![allow(clippy::print_stderr, reason = "the long runs say how far they are")]

#[path = "../support/mime.rs"]
mod mime;
mod referee;
#[path = "../support/smtp.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod smtp;
mod stage;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use referee::Told;
use stage::{Stage, number};

#[test]
fn every_event_of_a_stream_is_stored_once_and_told_once() {
    let seconds = number("HUNTD_STREAM_SECONDS", 25);
    let stage = Stage::set(seconds, "*/5 * * * * *", 45);
    let daemon = stage.daemon();
    stage.wait_until_told(Duration::from_secs(seconds + 60));
    // Whatever were to be told twice comes with one of the next two runs.
    support::wait_for("two more runs", Duration::from_secs(30), stage.two_more_runs());
    assert!(daemon.stop().success(), "{}", stage.log());
    let told = Told::of(&stage);
    told.each_is_stored_once();
    told.each_is_told();
    told.none_is_told_twice();
    let stats = stage.stats();
    eprintln!("stream of {seconds} s: {} events, {} mails; {stats}", told.events(), told.mails());
    assert_eq!(stats["answered_429"], 0, "{stats}");
}

#[test]
fn nothing_is_lost_when_the_daemon_is_killed_again_and_again() {
    let kills = number("HUNTD_CHAOS_KILLS", 15);
    let random = &mut fastrand::Rng::with_seed(number("HUNTD_CHAOS_SEED", 1));
    // A kill takes 0.65 s on average, and the stream goes on through all of them.
    let stage = Stage::set(kills * 4 / 5 + 5, "* * * * * *", 100_000);
    for kill in 0..kills {
        let mut daemon = stage.daemon();
        // Also while it starts, and while it has just begun its first run.
        let most = [200, 1200, 2500][random.usize(0..3)];
        stage::pause(Duration::from_millis(random.u64(0..most)));
        assert!(daemon.runs(), "the daemon ended by itself: {}", stage.log());
        daemon.kill();
        if kill % 20 == 19 {
            eprintln!("{} kills", kill + 1);
        }
    }
    let daemon = stage.daemon();
    stage.wait_until_told(Duration::from_secs(150));
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
    // Twenty kills in a good half minute, with the service's own number on both sides.
    let random = &mut fastrand::Rng::with_seed(number("HUNTD_CHAOS_SEED", 2));
    let stage = Stage::set(20, "* * * * * *", 45);
    for _ in 0..12 {
        let mut daemon = stage.daemon();
        stage::pause(Duration::from_millis(random.u64(200..2000)));
        daemon.kill();
    }
    let stats = stage.stats();
    assert_eq!(stats["answered_429"], 0, "{stats}");
    assert!(stats["calls"].as_u64().unwrap() > 5, "{stats}");
}
