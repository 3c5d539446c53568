//! The daemon as it runs: the built binary against the simulated tenant in a process of its own, over real
//! HTTP, a real mail server that wants STARTTLS and a sign-in, and a real disk. A referee that knows every
//! event of the stream decides whether each was stored once and told once.
//!
//! By default the stream lasts 25 seconds. For the long run:
//!
//! ```text
//! HUNTD_STREAM_SECONDS=600 cargo test --test daemon stream -- --nocapture
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]
#![allow(clippy::print_stderr, reason = "the long runs say how far they are")]

#[path = "../support/ask.rs"]
mod ask;
mod chaos;
mod git;
mod journal;
#[path = "../support/listener.rs"]
mod listener;
#[path = "../support/mime.rs"]
mod mime;
#[path = "../support/mounts.rs"]
mod mounts;
#[path = "../support/referee.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod referee;
mod reload;
mod service;
#[path = "../support/smtp.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod smtp;
#[path = "../support/stage.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod stage;
mod stalled;
#[path = "../support/mod.rs"]
mod support;
mod troubles;
mod watched;

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
