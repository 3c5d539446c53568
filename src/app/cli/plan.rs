//! `huntd plan`: the coming runs against each tenant's quota, offline.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::adapters::git::{self, GitError};
use crate::app::args::PlanArguments;
use crate::app::exit::{AppError, Exit};
use crate::app::output::Output;
use crate::model::hunt::Hunt;
use crate::model::id::HuntId;
use crate::model::time::{Timestamp, parse_duration};
use crate::ports::clock::{Clock, SystemClock};
use crate::rules::definition::HuntFile;
use crate::rules::plan::{self, Change, PlanError, PlanHunt, PlanInput, Suggested, TenantPlan};

mod state;

use state::State;

/// The longest plan.
const LONGEST: Duration = Duration::from_hours(31 * 24);
const MINUTE: Duration = Duration::from_mins(1);

/// From when, how far, and after how long a downtime.
struct Span {
    from: Timestamp,
    length: Duration,
    downtime: Duration,
}

/// The state that is compared with.
struct Past {
    /// As it was asked for, and the commit.
    name: String,
    changes: Vec<Change>,
    plans: Vec<TenantPlan>,
}

/// What is laid out.
struct Laid {
    plans: Vec<TenantPlan>,
    suggested: Suggested,
    past: Option<Past>,
}

/// `huntd plan`.
pub async fn run(path: &Path, arguments: &PlanArguments, output: Output) -> Result<Exit, AppError> {
    let span = span(arguments)?;
    let state = State::load(path, &arguments.hunts, output).await?;
    let input = input(&state, &state.hunts, &span);
    let plans = plan::plan(&input).map_err(too_many)?;
    let suggested = plan::suggest(&input, &plans).map_err(too_many)?;
    let past = arguments.against.as_deref().map(|revision| past(&state, revision, &span)).transpose()?;
    let laid = Laid { plans, suggested, past };
    if let Some(file) = &arguments.html {
        let page = plan::html(&laid.plans, &laid.suggested);
        std::fs::write(file, page).map_err(|error| {
            AppError::new(
                format!("can't write {}: {error}", file.display()),
                "name a file in a folder where you may write",
            )
        })?;
    }
    if arguments.patch {
        patch(&state, &laid.suggested, output)?;
    } else if output.json {
        json(&state, &laid, output)?;
    } else {
        text(&laid, output)?;
        if let Some(file) = &arguments.html {
            output.note(&format!("the page is in {}", file.display()))?;
        }
    }
    Ok(if laid.plans.iter().all(|plan| plan.fits) { Exit::Done } else { Exit::Findings })
}

fn span(arguments: &PlanArguments) -> Result<Span, AppError> {
    let duration = |name: &str, text: &str| {
        parse_duration(text)
            .map_err(|error| AppError::new(format!("`--{name} {text}`: {error}"), "write it as 24h, 7d or 1h30m"))
    };
    let length = duration("for", &arguments.length)?;
    if length < MINUTE || length > LONGEST {
        let message = format!("`--for {}` is no length for a plan", arguments.length);
        return Err(AppError::new(message, "give it from 1m to 31d"));
    }
    let from = match arguments.from.as_deref() {
        None => SystemClock::new().now().floor_to(MINUTE).plus(MINUTE),
        Some(text) => Timestamp::parse(text)
            .ok_or_else(|| AppError::new(format!("`--from {text}` is no time"), "write it as 2026-11-24T09:00:00Z"))?,
    };
    Ok(Span { from, length, downtime: duration("downtime", &arguments.downtime)? })
}

fn input<'a>(state: &'a State, hunts: &'a [PlanHunt], span: &Span) -> PlanInput<'a> {
    let Span { from, length, downtime } = *span;
    PlanInput { hunts, tenants: &state.tenants, costs: &state.costs, from, length, downtime }
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn too_many(error: PlanError) -> AppError {
    AppError::new(error.to_string(), "look less far ahead: `--for 6h`")
}

/// The same plan for the hunts as they stood.
fn past(state: &State, revision: &str, span: &Span) -> Result<Past, AppError> {
    let mut files: Vec<HuntFile> = Vec::new();
    let mut commit = String::new();
    for folder in &state.folders {
        let found =
            git::past(folder, revision).map_err(|error: GitError| AppError::new(error.to_string(), error.hint()))?;
        files.extend(found.files);
        commit = found.commit;
    }
    let hunts = state.read(&files);
    let plans = plan::plan(&input(state, &hunts, span)).map_err(too_many)?;
    let of = |hunts: &'_ [PlanHunt]| hunts.iter().map(|planned| planned.hunt.clone()).collect::<Vec<_>>();
    let (before, after) = (of(&hunts), of(&state.hunts));
    let changes = plan::compare(before.iter().map(|hunt| &**hunt), after.iter().map(|hunt| &**hunt));
    let short: String = commit.chars().take(12).collect();
    let name = if commit.starts_with(revision) { short } else { format!("{} ({short})", revision.escape_debug()) };
    Ok(Past { name, changes, plans })
}

fn text(laid: &Laid, output: Output) -> Result<(), AppError> {
    if let Some(past) = &laid.past {
        output.line(&format!("Since {}:", past.name))?;
        output.line(&plan::changes(&past.changes, &past.plans, &laid.plans))?;
    }
    let page = plan::Page { width: output.width(100), colour: output.terminal };
    output.line(plan::text(&laid.plans, &laid.suggested, page).trim_end())
}

fn json(state: &State, laid: &Laid, output: Output) -> Result<(), AppError> {
    for tenant in &laid.plans {
        output.object(&plan::tenant_json(tenant))?;
    }
    for suggestion in &laid.suggested.suggestions {
        let hunt = state.hunts.iter().find(|planned| planned.hunt.id == suggestion.hunt);
        let file = hunt.map(|planned| planned.hunt.source.file.display().to_string()).unwrap_or_default();
        output.object(&plan::suggestion_json(suggestion, &file))?;
    }
    for (before, after) in laid.plans.iter().zip(&laid.suggested.after) {
        output.object(&plan::comparison_json("suggested", before, after))?;
    }
    let Some(past) = &laid.past else { return Ok(()) };
    for change in &past.changes {
        output.object(&plan::change_json(change))?;
    }
    for (before, after) in past.plans.iter().zip(&laid.plans) {
        output.object(&plan::comparison_json("against", before, after))?;
    }
    Ok(())
}

/// Prints the edits of the hunts' files, with paths below the working folder.
fn patch(state: &State, suggested: &Suggested, output: Output) -> Result<(), AppError> {
    let hunts: BTreeMap<&HuntId, &Hunt> =
        state.hunts.iter().map(|planned| (&planned.hunt.id, &*planned.hunt)).collect();
    let (patched, left) = plan::patch(&state.files, &hunts, &suggested.suggestions);
    let here = std::env::current_dir().and_then(|here| here.canonicalize()).ok();
    let mut elsewhere = false;
    for file in &patched {
        let whole = file.file.shown.canonicalize().ok();
        let below = whole.as_deref().zip(here.as_deref()).and_then(|(file, here)| file.strip_prefix(here).ok());
        elsewhere |= below.is_none();
        let path = below.unwrap_or(&file.file.relative).display().to_string();
        output.line(plan::unified(&path, file.text, &file.edits).trim_end_matches('\n'))?;
    }
    if suggested.suggestions.is_empty() {
        output.note("nothing to move, so there is no patch")?;
    }
    if elsewhere {
        output.note("the hunts aren't below this folder: apply the patch in the hunts folder")?;
    }
    for hunt in left {
        output.note(&format!(
            "{}: its file can't be edited safely; `huntd plan` says what to set",
            hunt.as_str().escape_debug()
        ))?;
    }
    Ok(())
}
