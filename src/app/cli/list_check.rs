//! `huntd list --check`: whether all is well, in short.

use std::collections::HashMap;

use crate::app::exit::{AppError, Exit};
use crate::app::lease::Lease;
use crate::app::output::Output;
use crate::app::setup::{self, Loaded};
use crate::app::standing::Stand;
use crate::model::id::{HuntId, TenantName};
use crate::model::time::Timestamp;
use crate::ports::clock::{Clock, SystemClock};
use crate::ports::store::{Store, TrackSummary};
use crate::rules::render::terminal::terminal_safe;
use crate::rules::schedule::{self, Due};
use crate::rules::trouble::{self, Facts, Health, OVERDUE};

/// Looks, and says it.
pub(super) async fn run(loaded: &Loaded, output: Output) -> Result<Exit, AppError> {
    let now = SystemClock::new().now();
    let config = &loaded.config;
    let facts = match setup::history(config, async |store| facts(store, loaded, now).await).await {
        Ok(facts) => facts,
        // No daemon was ever started: that is said, too.
        Err(_) if !config.database.exists() => Facts::default(),
        Err(error) => return Err(error),
    };
    let (health, lines) = trouble::check(&facts);
    for line in lines {
        output.line(&terminal_safe(&line))?;
    }
    Ok(if health == Health::Ok { Exit::Done } else { Exit::Findings })
}

async fn facts(store: &Store, loaded: &Loaded, now: Timestamp) -> Result<Facts, AppError> {
    let Loaded { config, hunts, findings } = loaded;
    let stand = Stand::begin(store, config, hunts, findings, now).await?;
    let standing: Vec<_> = stand.hunts.values().map(|one| &one.hunt).filter(|hunt| hunt.enabled).collect();
    let tracks = store.tracks().await?;
    let by_name: HashMap<(&HuntId, &TenantName), &TrackSummary> =
        tracks.iter().map(|track| ((&track.hunt, &track.tenant), track)).collect();
    let tenants: Vec<&TenantName> =
        config.tenants.values().filter(|tenant| tenant.enabled).map(|tenant| &tenant.name).collect();
    let (mut failing, mut overdue) = (Vec::new(), Vec::new());
    for hunt in &standing {
        for tenant in tenants.iter().filter(|tenant| hunt.runs_on(tenant)) {
            let Some(track) = by_name.get(&(&hunt.id, *tenant)) else { continue };
            let name = format!("{} on {tenant}", hunt.id);
            if track.failures_in_row > 0 {
                let error = track.last_run.as_ref().and_then(|run| run.error.as_deref()).unwrap_or("");
                failing.push(format!("{name}: {error}"));
            }
            let due = track.last_due.map(|last| schedule::due(&hunt.schedule, hunt.timezone, last, now));
            if let Some(Due::Run { tick, .. }) = due
                && now.since(schedule::start(hunt, tenant, tick)) > OVERDUE
            {
                overdue.push(name);
            }
        }
    }
    let broken = stand.broken().map(|(hunt, broken)| format!("{}: {broken}", hunt.id)).collect();
    Ok(Facts {
        daemon_runs: Lease::is_held(&config.database),
        hunts: standing.len(),
        tenants: tenants.len(),
        troubles: store.troubles().await?,
        failing,
        broken,
        overdue,
    })
}
