//! `huntd hits`: what the runs said of hits.

use std::path::Path;

use super::select;
use crate::app::args::HitsArguments;
use crate::app::exit::{AppError, Exit};
use crate::app::output::Output;
use crate::app::setup;
use crate::model::hit::{Hit, HitKind};
use crate::ports::clock::{Clock, SystemClock};
use crate::ports::store::HitFilter;
use crate::rules::render::{jsonl, terminal};

/// `huntd hits`.
pub async fn run(path: &Path, arguments: &HitsArguments, output: Output) -> Result<Exit, AppError> {
    let (config, _) = setup::config(path, output)?;
    let store = setup::history(&config).await?;
    let since = arguments.since.as_deref().map(|text| select::duration("--since", text)).transpose()?;
    let filter = HitFilter {
        hunt: arguments.hunt.clone(),
        tenant: arguments.tenant.clone(),
        since: since.map(|length| SystemClock::new().now().minus(length)),
        run: arguments.run.clone(),
        kind: arguments.kind.as_deref().and_then(HitKind::parse),
    };
    let (mut printed, mut failed) = (0_u64, None);
    let print = |hit: Hit| {
        if failed.is_none() {
            let line = if output.json { jsonl::hit(&hit) } else { terminal::hit(&hit, output.terminal) };
            failed = output.line(line.trim_end()).err();
            printed += 1;
        }
    };
    store.hits(&filter, print).await?;
    if let Some(error) = failed {
        return Err(error);
    }
    if !output.json {
        output.note(&format!("{printed} hits"))?;
    }
    Ok(Exit::Done)
}
