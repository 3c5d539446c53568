//! `huntd gaps`: event time that isn't covered, why, and what will be done.

use std::path::Path;

use serde::Serialize;

use super::select;
use crate::app::args::GapsArguments;
use crate::app::exit::{AppError, Exit};
use crate::app::output::Output;
use crate::app::{queries, setup};
use crate::engine::catching_up::gaps;
use crate::model::coverage::Fate;
use crate::model::id::HuntId;
use crate::model::run::{Run, RunStatus};
use crate::model::time::{Timestamp, Window, format_duration};
use crate::ports::clock::{Clock, SystemClock};
use crate::ports::store::{RunFilter, Store, TrackSummary};
use crate::rules::render::terminal::terminal_safe;

/// A stretch of event time, as `gaps --json` prints it.
#[derive(Debug, Serialize)]
struct Listed {
    hunt: String,
    tenant: String,
    from: Timestamp,
    to: Timestamp,
    /// `open`, or what became of it.
    state: &'static str,
    /// Why it isn't covered.
    why: Option<String>,
    /// What will be done.
    next: Option<String>,
    /// The run that decided it.
    run: Option<String>,
}

/// `huntd gaps`.
pub async fn run(path: &Path, arguments: &GapsArguments, output: Output) -> Result<Exit, AppError> {
    let loaded = setup::load(path, output)?;
    setup::show(&loaded.findings, output)?;
    let schema = queries::world(&loaded.config).0.schema;
    let matcher = arguments.hunt.as_deref().map(select::matcher).transpose()?;
    let now = SystemClock::new().now();
    let listed = setup::history(&loaded.config, async |store| {
        let mut listed = Vec::new();
        for track in store.tracks().await? {
            if !matcher.as_ref().is_none_or(|matcher| matcher(track.hunt.as_str())) {
                continue;
            }
            // What isn't hunted any more owes nothing.
            let hunt = loaded.hunts.iter().find(|hunt| hunt.id == track.hunt && hunt.enabled);
            let on = loaded.config.tenants.get(&track.tenant).is_some_and(|tenant| tenant.enabled);
            let Some(hunt) = hunt.filter(|hunt| on && hunt.runs_on(&track.tenant)) else { continue };
            decided(&track, arguments.all, &mut listed);
            for (gap, outlook) in gaps(hunt, &track.tenant, &track.coverage, track.last_due, &schema, now) {
                listed.push(Listed {
                    state: "open",
                    why: Some(why(store, &track, gap).await?),
                    next: Some(outlook.to_string()),
                    ..stretch(&track, gap)
                });
            }
        }
        Ok(listed)
    });
    let mut listed = listed.await?;
    listed.sort_by(|one, other| (&one.hunt, &one.tenant, one.from).cmp(&(&other.hunt, &other.tenant, other.from)));
    show(&listed, output)?;
    let lost = listed.iter().any(|one| one.state == Fate::Lost.as_str());
    Ok(if arguments.check && lost { Exit::Findings } else { Exit::Done })
}

fn stretch(track: &TrackSummary, window: Window) -> Listed {
    let (hunt, tenant) = (track.hunt.to_string(), track.tenant.to_string());
    Listed { hunt, tenant, from: window.from, to: window.to, state: "", why: None, next: None, run: None }
}

/// What was decided: losses, what is left out, and covered time where it is asked for.
fn decided(track: &TrackSummary, all: bool, listed: &mut Vec<Listed>) {
    for one in track.coverage.stretches().iter().filter(|one| all || one.fate != Fate::Covered) {
        listed.push(Listed {
            state: one.fate.as_str(),
            why: one.why.clone(),
            run: Some(one.run.to_string()),
            ..stretch(track, one.window)
        });
    }
}

/// Why a gap is one: the last run that asked for it in vain, or that there was none.
async fn why(store: &Store, track: &TrackSummary, gap: Window) -> Result<String, AppError> {
    let wanted = |hunt: &HuntId| *hunt == track.hunt;
    let tenant = Some(&track.tenant);
    let filter = RunFilter { hunt: Some(&wanted), tenant, since: Some(gap.from), failed: false, limit: Some(1000) };
    let runs = store.runs(&filter).await?;
    Ok(match runs.iter().find(|run| run.status != RunStatus::Ok && asked_for(run, gap)) {
        Some(run) => format!("{} in {}: {}", run.status, run.run, run.error.as_deref().unwrap_or("no reason is known")),
        None => "no run asked for it: huntd, the hunt or the tenant was off".to_owned(),
    })
}

fn asked_for(run: &Run, gap: Window) -> bool {
    run.window.is_some_and(|window| window.from < gap.to && gap.from < window.to)
}

fn show(listed: &[Listed], output: Output) -> Result<(), AppError> {
    if output.json {
        return listed.iter().try_for_each(|one| output.object(one));
    }
    let head = ["HUNT", "TENANT", "FROM", "TO", "LENGTH", "STATE", "WHY", "NEXT"];
    let cells = |one: &Listed| {
        let length = Window { from: one.from, to: one.to }.length();
        let text = |text: &Option<String>| text.as_deref().map_or_else(|| "-".to_owned(), terminal_safe);
        let (from, to) = (one.from.local(), one.to.local());
        let (hunt, state) = (terminal_safe(&one.hunt), one.state.to_owned());
        vec![hunt, one.tenant.clone(), from, to, rounded(length), state, text(&one.why), text(&one.next)]
    };
    if listed.is_empty() {
        return output.note("no gaps: all event time that is owed is covered");
    }
    output.table(&head, listed.iter().map(cells).collect())
}

/// A length to the second.
fn rounded(length: std::time::Duration) -> String {
    format_duration(std::time::Duration::from_secs(length.as_secs().max(1)))
}
