//! `huntd check`: hunts and config, offline.

use std::path::Path;

use crate::adapters::folder;
use crate::app::args::{CheckArguments, CheckFormat};
use crate::app::cli::explain;
use crate::app::excerpt;
use crate::app::exit::{AppError, Exit};
use crate::app::output::Output;
use crate::app::{queries, setup};
use crate::model::config::SchemaConfig;
use crate::model::hunt::Hunt;
use crate::model::place::{Finding, Level};
use crate::model::time::Zone;
use crate::rules::definition::LoadedHunts;
use crate::rules::lint::World;
use crate::rules::{check, config, definition, lint};

/// `huntd check`.
/// `kinds`: with the kind of each hunt.
pub fn run(path: &Path, arguments: &CheckArguments, kinds: bool, output: Output) -> Result<Exit, AppError> {
    if let Some(code) = &arguments.explain {
        return explain::run(code, output);
    }
    let Checked { findings, notes, hunts } =
        if arguments.paths.is_empty() { whole(path, arguments, kinds)? } else { paths(arguments, kinds) };
    print(&findings, arguments, output)?;
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    if arguments.format == CheckFormat::Human && !output.json {
        for note in &notes {
            output.note(note)?;
        }
        output.note(&check::human::summary(&findings, hunts))?;
    }
    let bad = errors > 0 || (arguments.strict && warnings > 0);
    Ok(if bad { Exit::Findings } else { Exit::Done })
}

/// What was found.
struct Checked {
    findings: Vec<Finding>,
    /// What is said besides: the kind of each hunt, or why there are none.
    notes: Vec<String>,
    /// How many there are.
    hunts: usize,
}

impl Checked {
    fn of(findings: Vec<Finding>, loaded: &LoadedHunts, world: &World, kinds: bool) -> Self {
        let kind = |hunt: &Hunt| format!("{}: {}", hunt.id, lint::kind(hunt, world));
        let notes = if kinds { loaded.hunts.iter().map(kind).collect() } else { Vec::new() };
        Self { findings, notes, hunts: loaded.hunts.len() }
    }
}

/// The config and the hunts that it names.
fn whole(path: &Path, arguments: &CheckArguments, kinds: bool) -> Result<Checked, AppError> {
    let bytes = setup::config_bytes(path)?;
    match config::load(path, &bytes, &setup::directories()) {
        Err(findings) => Ok(Checked { findings, notes: Vec::new(), hunts: 0 }),
        Ok((mut config, mut findings)) => {
            config.schema.workspace |= arguments.workspace;
            config.schema.files.extend_from_slice(&arguments.schema);
            let (world, of_tables) = queries::world(&config);
            if let Some(git) = setup::unfetched(&config) {
                findings.extend(of_tables);
                let note = format!(
                    "the hunts come from {}, and weren't fetched yet: `huntd check FOLDER` looks at a clone",
                    git.url
                );
                return Ok(Checked { findings, notes: vec![note], hunts: 0 });
            }
            let found = setup::found(&config);
            findings.extend(of_tables);
            let of_hunts = [found.findings, lint::check(&found.hunts, &found.files, &world)].concat();
            findings.extend(sorted(of_hunts));
            Ok(Checked::of(findings, &found.hunts, &world, kinds))
        }
    }
}

/// Only what the paths hold, without a config: what tenants and channels there are isn't known.
fn paths(arguments: &CheckArguments, kinds: bool) -> Checked {
    let schema =
        SchemaConfig { workspace: arguments.workspace, files: arguments.schema.clone(), ..SchemaConfig::default() };
    let (world, mut findings) = queries::world_without(&schema);
    let files = folder::read_paths(&arguments.paths);
    findings.extend(files.findings);
    let loaded = definition::load(&files.files, &config::default_hunt_defaults(), Zone::UTC);
    let of_hunts = [loaded.findings.clone(), lint::check(&loaded, &files.files, &world)].concat();
    findings.extend(sorted(of_hunts));
    Checked::of(findings, &loaded, &world, kinds)
}

/// By file and place, so that what concerns a line stands together.
fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by(|a, b| (&a.file, a.place, a.code).cmp(&(&b.file, b.place, b.code)));
    findings
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
