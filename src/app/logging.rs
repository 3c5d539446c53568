//! The log: on stderr, as text for a terminal, or as JSON where `HUNTD_LOG_FORMAT=json`.
//!
//! Events are an interface: fixed messages, and fields `hunt`, `tenant`, `run`, `error`. The level
//! comes from `-v` and `-q`; `HUNTD_LOG` (such as `huntd=debug,sqlx=warn`) wins over both.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::SystemTime;

/// Starts the log. A second start in one process is ignored: tests start several.
pub fn start(verbose: u8, quiet: bool, default: &str) {
    let level = match (quiet, verbose) {
        (true, _) => "error",
        (false, 0) => default,
        (false, 1) => "huntd=debug,warn",
        (false, _) => "trace",
    };
    let filter = EnvFilter::try_from_env("HUNTD_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_timer(SystemTime);
    let started = if std::env::var_os("HUNTD_LOG_FORMAT").is_some_and(|format| format == "json") {
        builder.json().flatten_event(true).with_current_span(false).try_init()
    } else {
        let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        builder.with_ansi(colours).with_target(false).try_init()
    };
    if started.is_err() {
        tracing::debug!("the log was started before");
    }
}
