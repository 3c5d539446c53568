//! `huntd runs`: history.

use std::path::Path;

use super::select;
use crate::app::args::RunsArguments;
use crate::app::exit::{AppError, Exit};
use crate::app::output::Output;
use crate::app::setup;
use crate::app::shapes::RunShape;
use crate::model::id::HuntId;
use crate::model::run::Run;
use crate::ports::clock::{Clock, SystemClock};
use crate::ports::store::RunFilter;
use crate::rules::render::terminal::terminal_safe;

/// `huntd runs`.
pub async fn run(path: &Path, arguments: &RunsArguments, output: Output) -> Result<Exit, AppError> {
    let (config, _) = setup::config(path, output)?;
    let since = arguments.since.as_deref().map(|text| select::duration("--since", text)).transpose()?;
    let matcher = arguments.hunt.as_deref().map(select::matcher).transpose()?;
    let wanted = |hunt: &HuntId| matcher.as_ref().is_none_or(|matcher| matcher(hunt.as_str()));
    let filter = RunFilter {
        hunt: Some(&wanted),
        tenant: None,
        since: since.map(|length| SystemClock::new().now().minus(length)),
        failed: arguments.failed,
        limit: Some(arguments.limit),
    };
    let runs = setup::history(&config, async |store| Ok(store.runs(&filter).await?)).await?;
    if output.json {
        for run in &runs {
            output.object(&RunShape::from(run))?;
        }
        return Ok(Exit::Done);
    }
    let head = ["RUN", "HUNT", "TENANT", "STARTED", "STATE", "ROWS", "NEW", "CHANGED", "GONE", "BACK", "CALLS", "API"];
    output.table(&head, runs.iter().map(cells).collect())?;
    Ok(Exit::Done)
}

fn cells(run: &Run) -> Vec<String> {
    vec![
        run.run.to_string(),
        terminal_safe(run.hunt.as_str()),
        run.tenant.to_string(),
        run.started.local(),
        run.status.to_string(),
        run.rows.to_string(),
        run.new.to_string(),
        run.changed.to_string(),
        run.gone.to_string(),
        run.returned.to_string(),
        run.calls.to_string(),
        format!("{} ms", run.api.as_millis()),
    ]
}
