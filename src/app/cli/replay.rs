//! `huntd replay`: what would have been told under other settings.

use std::ops::ControlFlow;
use std::path::Path;

use serde::Serialize;

use super::{past, select};
use crate::app::args::ReplayArguments;
use crate::app::exit::{AppError, Exit};
use crate::app::output::Output;
use crate::app::queries;
use crate::app::setup::{self, Loaded};
use crate::engine::past::{Past, PastRun, read_definition};
use crate::model::hunt::Hunt;
use crate::model::id::{HuntId, TenantName};
use crate::model::time::Timestamp;
use crate::ports::clock::{Clock, SystemClock};
use crate::ports::store::Store;
use crate::rules::kql::analyse::analyse;
use crate::rules::render::counted::counted;
use crate::rules::render::terminal::terminal_safe;
use crate::rules::replay::{Replay, RetellError, Retold};

/// A run, and last of all their sum, as `replay --json` prints them.
#[derive(Debug, Default, Serialize)]
struct Line {
    /// None for the sum.
    run: Option<String>,
    hunt: String,
    tenant: String,
    started: Option<Timestamp>,
    status: Option<&'static str>,
    /// How many runs it stands for.
    runs: u64,
    /// Rows that the API returned.
    rows: u64,
    /// Hits told then; none where the run left no delivery.
    told: Option<u64>,
    /// Hits that would have been told.
    would: u64,
    new: u64,
    changed: u64,
    gone: u64,
    returned: u64,
    /// Why it would have told what it would have told.
    verdict: Option<&'static str>,
    /// Rows that aren't stored any more.
    missing: u64,
    /// Why the run would have failed.
    error: Option<String>,
    /// How many runs would have failed.
    failed: u64,
}

/// `huntd replay`.
pub async fn run(path: &Path, arguments: &ReplayArguments, output: Output) -> Result<Exit, AppError> {
    let loaded = setup::load(path, output)?;
    let since = arguments.since.as_deref().map(|text| select::duration("--since", text)).transpose()?;
    let since = since.map(|length| SystemClock::new().now().minus(length));
    let schema = queries::world(&loaded.config).0.schema;
    setup::history(&loaded.config, async |store| {
        for track in past::tracks(store, &arguments.hunt, arguments.tenant.as_deref()).await? {
            let of = Past {
                store,
                hunt: &track.hunt,
                tenant: &track.tenant,
                schema: &schema,
                defaults: &loaded.config.defaults,
            };
            let mut hunt = hunt(&loaded, store, &track.hunt, &track.tenant).await?;
            if let Some(key) = &arguments.key {
                hunt.key = Some(named(key)).filter(|key| !key.is_empty());
            }
            if let Some(ignore) = &arguments.ignore {
                hunt.ignore = named(ignore);
            }
            let (lines, sum) = replay(&of, hunt.clone(), since, output).await?;
            if !output.json {
                show(&hunt, &track.tenant, lines, &sum, output)?;
            }
        }
        Ok(())
    })
    .await?;
    Ok(Exit::Done)
}

/// Column names as they were given, without empty ones.
fn named(columns: &[String]) -> Vec<String> {
    columns.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The hunt as its file stands; where none has it any more, as its last run had it.
pub(super) async fn hunt(loaded: &Loaded, store: &Store, id: &HuntId, tenant: &TenantName) -> Result<Hunt, AppError> {
    if let Some(hunt) = loaded.hunts.iter().find(|hunt| hunt.id == *id) {
        return Ok(Hunt::clone(hunt));
    }
    let last = store.results(id, tenant).await?.pop();
    if let Some((run, _)) = last
        && let Some(run) = store.run(run.as_str()).await?
        && let Some(text) = store.definition(id, &run.hunt_version).await?
        && let Some(hunt) = read_definition(&text, &loaded.config.defaults)
    {
        return Ok(hunt);
    }
    let shown = terminal_safe(id.as_str());
    Err(AppError::new(
        format!("there is no hunt `{shown}` now, and none of its runs on {tenant} has a result"),
        format!("`huntd runs {shown}` says what its runs came to"),
    ))
}

/// What a hunt makes of stored results.
pub(super) fn replayer(of: &Past<'_>, hunt: Hunt) -> Replay {
    let sets = analyse(&hunt.query, of.schema).facts.sets.clone();
    Replay::new(of.tenant.clone(), hunt, sets, of.store.secret())
}

/// Goes through the results; prints each as JSON, where that is asked for.
async fn replay(
    of: &Past<'_>,
    hunt: Hunt,
    since: Option<Timestamp>,
    output: Output,
) -> Result<(Vec<Line>, Line), AppError> {
    let (hunt_id, tenant) = (of.hunt.to_string(), of.tenant.to_string());
    let mut sum = Line { hunt: hunt_id, tenant, ..Line::default() };
    let (mut lines, mut failed) = (Vec::new(), None);
    let mut replay = replayer(of, hunt);
    of.walk(|past, result| {
        let retold = replay.take(result);
        if since.is_some_and(|since| past.run.started < since) {
            return ControlFlow::Continue(());
        }
        let line = line(past, &retold);
        sum.add(&line);
        if output.json {
            failed = output.object(&line).err();
        } else if line.told.unwrap_or(0) + line.would + line.failed > 0 {
            lines.push(line);
        }
        if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .await?;
    if let Some(error) = failed {
        return Err(error);
    }
    if output.json {
        output.object(&sum)?;
    }
    if sum.runs > 0 && sum.failed == sum.runs {
        let why = sum.error.unwrap_or_default();
        return Err(AppError::new(
            format!("under these settings every run would have failed: {}", terminal_safe(&why)),
            "name columns of the result, spelt as it spells them; `huntd show RUN` shows its query",
        ));
    }
    Ok((lines, sum))
}

fn line(past: &PastRun, retold: &Result<Retold, RetellError>) -> Line {
    let run = &past.run;
    let line = Line {
        run: Some(run.run.to_string()),
        hunt: run.hunt.to_string(),
        tenant: run.tenant.to_string(),
        started: Some(run.started),
        status: Some(run.status.as_str()),
        runs: 1,
        rows: run.rows,
        told: past.told,
        missing: past.missing,
        ..Line::default()
    };
    match retold {
        Ok(retold) => Line {
            would: retold.told,
            new: retold.new,
            changed: retold.changed,
            gone: retold.gone,
            returned: retold.returned,
            verdict: Some(retold.verdict.as_str()),
            ..line
        },
        Err(error) => Line { error: Some(error.to_string()), failed: 1, ..line },
    }
}

impl Line {
    fn add(&mut self, line: &Self) {
        let counts = |line: &Self| {
            [
                line.runs,
                line.rows,
                line.would,
                line.new,
                line.changed,
                line.gone,
                line.returned,
                line.missing,
                line.failed,
            ]
        };
        let [runs, rows, would, new, changed, gone, returned, missing, failed] = counts(line);
        self.runs += runs;
        self.rows += rows;
        self.would += would;
        self.new += new;
        self.changed += changed;
        self.gone += gone;
        self.returned += returned;
        self.missing += missing;
        self.failed += failed;
        if let Some(told) = line.told {
            *self.told.get_or_insert(0) += told;
        }
        if line.error.is_some() {
            self.error.clone_from(&line.error);
        }
    }
}

fn show(hunt: &Hunt, tenant: &TenantName, lines: Vec<Line>, sum: &Line, output: Output) -> Result<(), AppError> {
    let columns = |names: &[String]| terminal_safe(&names.join(", "));
    let key = hunt.key.as_ref().map_or_else(|| "every column".to_owned(), |key| format!("[{}]", columns(key)));
    let ignore = if hunt.ignore.is_empty() { "nothing".to_owned() } else { format!("[{}]", columns(&hunt.ignore)) };
    output.note(&format!("{} on {tenant}, key {key}, ignoring {ignore}", terminal_safe(hunt.id.as_str())))?;
    let quiet = sum.runs.saturating_sub(lines.len() as u64);
    if !lines.is_empty() {
        output.table(
            &["RUN", "STARTED", "STATE", "ROWS", "TOLD", "WOULD", "WHY"],
            lines.into_iter().map(cells).collect(),
        )?;
    }
    let told = sum
        .told
        .map_or_else(|| "nothing was told then".to_owned(), |told| format!("{} told then", counted(told, "hit")));
    output.note(&format!("{}: {told}, {} would be told", counted(sum.runs, "run"), sum.would))?;
    if quiet > 0 {
        output.note(&format!("{} told nothing, and would tell nothing", counted(quiet, "run")))?;
    }
    if sum.failed > 0 {
        let why = terminal_safe(sum.error.as_deref().unwrap_or(""));
        output.note(&format!("{} would have failed: {why}", counted(sum.failed, "run")))?;
    }
    if sum.missing > 0 {
        output.note(&format!("{} past their retention were left out of results", counted(sum.missing, "row")))?;
    }
    output.note("a column that the hunt ignored when it ran has the value of when its row was last stored")
}

fn cells(line: Line) -> Vec<String> {
    let why = match (&line.error, line.verdict) {
        (Some(_), _) => "would have failed",
        (None, Some("new_hits") | None) => "",
        (None, Some(verdict)) => verdict,
    };
    vec![
        line.run.unwrap_or_default(),
        line.started.map(Timestamp::local).unwrap_or_default(),
        line.status.unwrap_or_default().to_owned(),
        line.rows.to_string(),
        line.told.map_or_else(|| "-".to_owned(), |told| told.to_string()),
        line.would.to_string(),
        why.to_owned(),
    ]
}
