//! `huntd hits`: what the runs said of hits.

use std::ops::ControlFlow;
use std::path::Path;

use super::select;
use crate::app::args::HitsArguments;
use crate::app::exit::{AppError, Exit};
use crate::app::output::Output;
use crate::app::setup;
use crate::model::hit::{Hit, HitKind};
use crate::model::id::{HuntId, NameError, RunId, TenantName};
use crate::ports::clock::{Clock, SystemClock};
use crate::ports::store::HitFilter;
use crate::rules::render::{json, record};

/// `huntd hits`.
pub async fn run(path: &Path, arguments: &HitsArguments, output: Output) -> Result<Exit, AppError> {
    let (config, _) = setup::config(path, output)?;
    let since = arguments.since.as_deref().map(|text| select::duration("--since", text)).transpose()?;
    let matcher = arguments.hunt.as_deref().map(select::matcher).transpose()?;
    let wanted = |hunt: &HuntId| matcher.as_ref().is_none_or(|matcher| matcher(hunt.as_str()));
    let tenant = arguments.tenant.as_deref().map(TenantName::new).transpose().map_err(|error| name(&error))?;
    let run = arguments.run.as_deref().map(RunId::new).transpose().map_err(|error| name(&error))?;
    let filter = HitFilter {
        hunt: Some(&wanted),
        tenant: tenant.as_ref(),
        since: since.map(|length| SystemClock::new().now().minus(length)),
        run: run.as_ref(),
        kind: arguments.kind.as_deref().and_then(HitKind::parse),
        limit: None,
    };
    let (mut printed, mut failed) = (0_u64, None);
    let print = |hit: Hit| {
        let text = if output.json { json::line(&hit, None) } else { record::hit_line(&hit) };
        failed = output.line(&text).err();
        printed += 1;
        if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    setup::history(&config, async |store| Ok(store.hits(&filter, print).await?)).await?;
    if let Some(error) = failed {
        return Err(error);
    }
    if !output.json {
        output.note(&format!("{printed} hit{}", if printed == 1 { "" } else { "s" }))?;
    }
    Ok(Exit::Done)
}

fn name(error: &NameError) -> AppError {
    AppError::new(error.to_string(), "`huntd runs` and `huntd list` show what there is")
}
