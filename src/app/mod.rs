//! The application: commands, the daemon, output and exit codes.

pub mod args;
pub mod cli;
pub mod daemon;
pub mod excerpt;
pub mod exit;
pub mod lease;
pub mod logging;
pub mod output;
pub mod queries;
pub mod retention;
pub mod setup;
pub mod shapes;
pub mod watch;
pub mod web;
