//! The engine end to end, with a clock that the test holds: real HTTP against the simulated tenant, a real store.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

mod dialects;
mod failures;
mod lab;
mod quota;
mod stream;
