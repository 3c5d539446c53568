//! Channels over real sockets and real files.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what a test's helper can't do fails the test"
)]

#[path = "../support/mime.rs"]
mod mime;
#[path = "../support/notices.rs"]
mod notices;
#[path = "../support/sample.rs"]
#[allow(dead_code, reason = "the renderers' tests use the rest")]
mod sample;
#[path = "../support/smtp.rs"]
#[expect(dead_code, reason = "each test binary uses its part")]
mod smtp;

mod contract;
mod email;
mod file;
mod log;
