//! The `huntd` binary: arguments in, an exit code out.

use std::process::ExitCode;

use clap::Parser;
use huntd::app::args::Arguments;
use huntd::app::cli;
use huntd::app::exit::AppError;
use huntd::app::output::READER_GONE;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
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
    eprintln!("{:?}", miette::Report::new(error));
    ExitCode::from(2)
}
