//! The application: commands, the daemon, output and exit codes.

pub mod args;
pub mod cli;
pub mod daemon;
pub mod doctor;
pub mod excerpt;
pub mod exit;
pub mod journal;
pub mod lease;
pub mod logging;
pub mod output;
pub mod progress;
pub mod queries;
pub mod reload;
pub mod retention;
pub mod setup;
pub mod shapes;
pub mod standing;
pub mod systemd;
pub mod troubles;
pub mod upstream;
pub mod watch;
pub mod web;
