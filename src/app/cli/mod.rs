//! The commands: one file each, named like the verb.

pub mod advise;
pub mod check;
pub mod completions;
pub mod db;
pub mod deliveries;
pub mod demo;
pub mod diff;
pub mod doctor;
pub mod explain;
pub mod gaps;
pub mod hits;
mod hits_printer;
pub mod list;
mod list_check;
pub mod past;
pub mod plan;
pub mod quota;
pub mod replay;
pub mod run;
pub mod runs;
pub mod select;
pub mod show;
pub mod simulate;

use super::args::{Arguments, Verb};
use super::exit::{AppError, Exit};
use super::output::Output;
use super::{daemon, logging};

/// Does what the arguments ask for.
pub async fn dispatch(arguments: Arguments) -> Result<Exit, AppError> {
    let output = Output::new(arguments.json);
    let level = match arguments.verb {
        Verb::Daemon | Verb::Simulate(_) => "huntd=info,warn",
        // It says itself what is wrong with a certificate, and tries it at a later date too.
        Verb::Doctor(_) => "warn,rustls_platform_verifier=off",
        _ => "warn",
    };
    logging::start(arguments.verbose, arguments.quiet, level);
    let config = arguments.config.as_path();
    match &arguments.verb {
        Verb::Demo(verb) => demo::run(verb, output).await,
        Verb::Daemon => daemon::run(config, output).await,
        Verb::Run(verb) => run::run(config, verb, output).await,
        Verb::Check(verb) => check::run(config, verb, arguments.verbose > 0, output),
        Verb::Plan(verb) => plan::run(config, verb, output).await,
        Verb::List(verb) => list::run(config, verb, output).await,
        Verb::Runs(verb) => runs::run(config, verb, output).await,
        Verb::Hits(verb) => hits::run(config, verb, output).await,
        Verb::Gaps(verb) => gaps::run(config, verb, output).await,
        Verb::Quota(verb) => quota::run(config, verb, output).await,
        Verb::Show(verb) => show::run(config, verb, output).await,
        Verb::Diff(verb) => diff::run(config, verb, output).await,
        Verb::Replay(verb) => replay::run(config, verb, output).await,
        Verb::Advise(verb) => advise::run(config, verb, output).await,
        Verb::Deliveries(verb) => deliveries::run(config, verb, output).await,
        Verb::Doctor(verb) => doctor::run(config, verb, arguments.quiet, output).await,
        Verb::Db(verb) => db::run(config, verb, arguments.quiet, output).await,
        Verb::Simulate(verb) => simulate::run(verb, output).await,
        Verb::Completions { shell } => completions::completions(*shell, output),
        Verb::Man => completions::man(output),
    }
}
