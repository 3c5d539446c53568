//! The log: in systemd's journal where stderr is that (`app/journal.rs`), else on stderr as text. `HUNTD_LOG_FORMAT`
//! says otherwise: `text` or `json`.
//!
//! Events are an interface: fixed messages, and fields `hunt`, `tenant`, `run`, `error`. The level
//! comes from `-v` and `-q`; `HUNTD_LOG` (such as `huntd=debug,sqlx=warn`) wins over both.

use std::io::IsTerminal;

use tracing_subscriber::fmt;
use tracing_subscriber::fmt::time::SystemTime;
use tracing_subscriber::layer::{Layered, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use super::journal::{self, Journal};

/// Starts the log. A second start in one process is ignored: tests start several.
pub fn start(verbose: u8, quiet: bool, default: &str) {
    let level = match (quiet, verbose) {
        (true, _) => "error",
        (false, 0) => default,
        (false, 1) => "huntd=debug,warn",
        (false, _) => "trace",
    };
    let filter = EnvFilter::try_from_env("HUNTD_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let format = std::env::var("HUNTD_LOG_FORMAT").unwrap_or_default();
    let started = tracing_subscriber::registry().with(filter).with(writer(&format)).try_init();
    if started.is_err() {
        tracing::debug!("the log was started before");
    }
}

type Filtered = Layered<EnvFilter, Registry>;

/// What writes the events.
fn writer(format: &str) -> Box<dyn Layer<Filtered> + Send + Sync> {
    let lines = fmt::layer().with_writer(std::io::stderr).with_timer(SystemTime);
    match format {
        "json" => lines.json().flatten_event(true).with_current_span(false).boxed(),
        format if format != "text" && journal::is_there() => Journal.boxed(),
        _ => {
            let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            lines.with_ansi(colours).with_target(false).boxed()
        }
    }
}
