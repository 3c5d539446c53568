//! The built binary, as a person and a script meet it: every message that says how to mend something,
//! exit codes, shapes, and what happens on a bad disk, a bad network and with bad rows.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what a test's helper can't do fails the test"
)]

#[path = "../support/mime.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod mime;
#[path = "../support/mounts.rs"]
mod mounts;
#[path = "../support/smtp.rs"]
#[expect(dead_code, reason = "each test binary uses its part")]
mod smtp;
#[path = "../support/mod.rs"]
mod support;

mod asking;
mod check;
mod config;
mod counted;
mod cut;
mod db;
mod demo;
mod desk;
mod diff;
mod disk;
mod doctor;
mod example;
mod gaps;
mod help;
mod history;
mod hostile;
mod late_runs;
mod lateness;
mod life;
mod mail;
mod plan;
mod quota;
mod run;
mod secrets;
mod trouble;
