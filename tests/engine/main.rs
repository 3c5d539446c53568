//! The engine with real parts: store on disk, client and simulated tenant over real HTTP; only the
//! clock is the test's.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what surrounds a test may fail it too"
)]

mod clock;
mod failures;
mod outbox;
mod quota;
mod recorder;
mod schedule;
mod stage;
mod stop;
mod telling;
mod windows;
