//! `huntd check`: hunts and config, offline.

use std::path::Path;

use crate::adapters::folder;
use crate::app::args::{CheckArguments, CheckFormat};
use crate::app::excerpt;
use crate::app::exit::{AppError, Exit};
use crate::app::output::Output;
use crate::app::setup;
use crate::model::place::{Finding, Level};
use crate::model::time::Zone;
use crate::rules::{check, config, definition};

/// `huntd check`.
pub fn run(path: &Path, arguments: &CheckArguments, output: Output) -> Result<Exit, AppError> {
    let (findings, hunts) = if arguments.paths.is_empty() { whole(path)? } else { paths(arguments) };
    print(&findings, arguments, output)?;
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    if arguments.format == CheckFormat::Human && !output.json {
        output.note(&check::human::summary(&findings, hunts))?;
    }
    let bad = errors > 0 || (arguments.strict && warnings > 0);
    Ok(if bad { Exit::Findings } else { Exit::Done })
}

/// The config and the hunts that it names.
fn whole(path: &Path) -> Result<(Vec<Finding>, usize), AppError> {
    let bytes = setup::config_bytes(path)?;
    match config::load(path, &bytes) {
        Err(findings) => Ok((findings, 0)),
        Ok((config, findings)) => {
            let (hunts, of_hunts) = setup::hunts(&config);
            Ok(([findings, of_hunts].concat(), hunts.hunts.len()))
        }
    }
}

/// Only what the paths hold, without a config: what tenants and channels there are isn't known.
fn paths(arguments: &CheckArguments) -> (Vec<Finding>, usize) {
    let files = folder::read_paths(&arguments.paths);
    let mut findings = files.findings;
    let loaded = definition::load(&files.files, &config::default_hunt_defaults(), Zone::UTC);
    findings.extend(loaded.findings);
    (findings, loaded.hunts.len())
}

fn print(findings: &[Finding], arguments: &CheckArguments, output: Output) -> Result<(), AppError> {
    let format = if output.json { CheckFormat::Json } else { arguments.format };
    let text = match format {
        CheckFormat::Human => check::human::render(findings, &excerpt::source(findings), output.terminal),
        CheckFormat::Json => check::json::render(findings),
        CheckFormat::Sarif => check::sarif::render(findings),
        CheckFormat::Github => check::github::render(findings),
    };
    if text.is_empty() { Ok(()) } else { output.line(text.trim_end()) }
}
