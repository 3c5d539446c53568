//! The engine with real parts: store on disk, client and simulated tenant over real HTTP; only the
//! clock is the test's.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

mod busy;
mod calls;
mod catch_up;
mod clock;
mod cost;
mod dialects;
mod failures;
mod lab;
mod lateness;
mod outbox;
mod overload;
mod parts;
mod quota;
mod recorder;
mod retention;
mod schedule;
mod spending;
mod stage;
mod stop;
mod stream;
#[path = "../support/stub.rs"]
mod stub;
mod telling;
mod windows;
mod wrong_clock;
