//! The `huntd` binary: arguments in, an exit code out.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use huntd::app::args::Arguments;
use huntd::app::cli;
use huntd::app::exit::AppError;
use huntd::app::journal;
use huntd::app::output::READER_GONE;
use tokio::runtime::Builder;

/// Each call under way holds two threads, one that waits for its answer's bytes and one for its rows, and a tenant may be silent for minutes: a few hundred such
/// tenants must not keep the others from being asked. A thread is made only when it is needed.
const COMPARISONS: usize = 8192;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Who serves for long uses all cores. For all else threads that wake each other cost more than they bring: what is
    // dear has threads of its own anyway, the comparison and SQLite.
    let mut builder = if arguments.verb.serves() { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    let runtime = match builder.max_blocking_threads(COMPARISONS).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(AppError::plain(format!("can't start: {error}"))),
    };
    let done = runtime.block_on(cli::dispatch(arguments));
    // A blocking task that hangs on a dead disk must not hold the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    match done {
        Ok(exit) => exit.into(),
        Err(error) if error.to_string() == READER_GONE => ExitCode::SUCCESS,
        Err(error) => fail(error),
    }
}

#[expect(clippy::print_stderr, reason = "the last word of a failed command")]
fn fail(error: AppError) -> ExitCode {
    // Broken lines are for a terminal: a journal and a script want a message whole.
    let wrap = std::io::stderr().is_terminal();
    let handler = move |_: &_| -> Box<dyn miette::ReportHandler> {
        Box::new(miette::MietteHandlerOpts::new().wrap_lines(wrap).build())
    };
    // Set once, just here: a hook that stands already can only be this one.
    let _first = miette::set_hook(Box::new(handler)).is_ok();
    // journald reads a line's priority at its beginning: `journalctl -p warning` is to find why a start failed.
    let priority = if journal::is_there() { "<3>" } else { "" };
    for line in format!("{:?}", miette::Report::new(error)).split('\n') {
        if line.is_empty() {
            eprintln!();
        } else {
            eprintln!("{priority}{line}");
        }
    }
    ExitCode::from(2)
}
