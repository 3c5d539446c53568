//! `huntd diff`: what came and went between two runs of a hunt.

use std::path::Path;

use roaring::RoaringBitmap;

use super::past;
use crate::app::args::DiffArguments;
use crate::app::exit::{AppError, Exit};
use crate::app::output::Output;
use crate::app::setup;
use crate::model::id::{HuntId, RunId, TenantName};
use crate::model::run::{Run, RunStatus};
use crate::ports::store::Store;
use crate::rules::compare::{self, ChangeKind, Side};
use crate::rules::render::terminal::terminal_safe;

/// How many hits' rows are in memory at a time.
const AT_A_TIME: usize = 5_000;

/// `huntd diff`.
pub async fn run(path: &Path, arguments: &DiffArguments, output: Output) -> Result<Exit, AppError> {
    let (config, _) = setup::config(path, output)?;
    setup::history(&config, async |store| {
        let (before, after) = pair(store, arguments).await?;
        Diff::of(store, before, after).await?.print(store, output).await
    })
    .await?;
    Ok(Exit::Done)
}

/// The two runs, in the order in which they are compared.
async fn pair(store: &Store, arguments: &DiffArguments) -> Result<(Run, Run), AppError> {
    let tenant = arguments.tenant.as_deref();
    let (Some(before), Some(after)) = (&arguments.run_a, &arguments.run_b) else {
        let (hunt, tenant) = past::track(store, &arguments.hunt, tenant).await?;
        return last_two(store, &hunt, &tenant).await;
    };
    let tracks = past::tracks(store, &arguments.hunt, tenant).await?;
    let mut runs = Vec::new();
    for id in [before, after] {
        let shown = terminal_safe(id);
        let hint = || format!("`huntd runs {}` lists them", terminal_safe(&arguments.hunt));
        let run = store.run(id).await?.ok_or_else(|| AppError::new(format!("no run `{shown}`"), hint()))?;
        if run.hunt.as_str() != arguments.hunt {
            let of = terminal_safe(run.hunt.as_str());
            return Err(AppError::new(format!("the run {shown} is one of {of}"), hint()));
        }
        if !tracks.iter().any(|track| track.tenant == run.tenant) {
            return Err(AppError::new(format!("the run {shown} was made on {}", run.tenant), hint()));
        }
        if run.status == RunStatus::Failed {
            let why = terminal_safe(run.error.as_deref().unwrap_or("no reason is known"));
            return Err(AppError::new(format!("the run {shown} failed and so has no result: {why}"), hint()));
        }
        runs.push(run);
    }
    match <[Run; 2]>::try_from(runs) {
        Ok([before, after]) if before.tenant == after.tenant => Ok((before, after)),
        Ok([before, after]) => Err(AppError::new(
            format!("the two runs were made on two tenants, {} and {}", before.tenant, after.tenant),
            "only runs on one tenant are compared: a hit is one of its tenant",
        )),
        Err(_) => Err(AppError::plain("two runs are compared")),
    }
}

/// The last two runs that have a result.
async fn last_two(store: &Store, hunt: &HuntId, tenant: &TenantName) -> Result<(Run, Run), AppError> {
    let results = store.results(hunt, tenant).await?;
    let (shown, many) = (terminal_safe(hunt.as_str()), results.len());
    let [.., (before, _), (after, _)] = results.as_slice() else {
        let runs = if many == 1 { "one run" } else { "no run" };
        return Err(AppError::new(
            format!("{shown} has {runs} with a result on {tenant}, and two are compared"),
            format!("`huntd runs {shown}` lists its runs; `huntd hits {shown}` what they found"),
        ));
    };
    match (store.run(before.as_str()).await?, store.run(after.as_str()).await?) {
        (Some(before), Some(after)) => Ok((before, after)),
        _ => Err(AppError::plain("the runs were taken away meanwhile: try again")),
    }
}

/// Two results.
struct Diff {
    before: Run,
    after: Run,
    members: (RoaringBitmap, RoaringBitmap),
    /// The hits that something may be said of.
    touched: RoaringBitmap,
}

impl Diff {
    async fn of(store: &Store, before: Run, after: Run) -> Result<Self, AppError> {
        let members = async |run: &Run| Ok::<_, AppError>(store.members(&run.run).await?.unwrap_or_default());
        let members = (members(&before).await?, members(&after).await?);
        // Of what both hold only a hit that moved in between can be another.
        let (first, last) = if before.started <= after.started { (&before, &after) } else { (&after, &before) };
        let steps = store.steps_between(Some(&first.run), &last.run).await?;
        let moved: RoaringBitmap = steps.iter().map(|step| step.ordinal).collect();
        let touched = (&members.0 ^ &members.1) | (&members.0 & &members.1 & moved);
        Ok(Self { before, after, members, touched })
    }

    async fn print(&self, store: &Store, output: Output) -> Result<(), AppError> {
        let (hunt, tenant, ids) = (&self.after.hunt, &self.after.tenant, self.ids());
        if !output.json {
            self.head(output)?;
        }
        let width = output.width(100);
        let (mut counts, mut expired) = ([0_u64; 3], 0_u64);
        let all: Vec<u32> = self.touched.iter().collect();
        for part in all.chunks(AT_A_TIME) {
            let part: RoaringBitmap = part.iter().copied().collect();
            let side = async |run: &Run, members: &RoaringBitmap| {
                Ok::<_, AppError>(Side::new(store.rows_as_of(&run.run, &(&part & members)).await?))
            };
            let sides = (side(&self.before, &self.members.0).await?, side(&self.after, &self.members.1).await?);
            let held = (|at| self.members.0.contains(at), |at| self.members.1.contains(at));
            for change in compare::changes(part.iter(), held, sides) {
                let place = match change.kind {
                    ChangeKind::New => &mut counts[0],
                    ChangeKind::Changed => &mut counts[1],
                    ChangeKind::Gone => &mut counts[2],
                };
                *place += 1;
                expired += u64::from(change.expired);
                let text =
                    if output.json { compare::line(&change, hunt, tenant, ids) } else { compare::text(&change, width) };
                output.line(&text)?;
            }
        }
        if !output.json {
            self.foot(counts, expired, output)?;
        }
        Ok(())
    }

    const fn ids(&self) -> (&RunId, &RunId) {
        (&self.before.run, &self.after.run)
    }

    fn head(&self, output: Output) -> Result<(), AppError> {
        let (hunt, tenant) = (terminal_safe(self.after.hunt.as_str()), &self.after.tenant);
        output.note(&format!("{hunt} on {tenant}"))?;
        for (word, run) in [("from", &self.before), ("to", &self.after)] {
            let whole = if run.status == RunStatus::Partial { ", maybe not whole" } else { "" };
            output.note(&format!("  {word:<5}{}  {}, {} rows{whole}", run.run, run.started.local(), run.rows))?;
        }
        Ok(())
    }

    fn foot(&self, [new, changed, gone]: [u64; 3], expired: u64, output: Output) -> Result<(), AppError> {
        if new + changed + gone == 0 {
            output.note("the two results hold the same")?;
        } else {
            output.note(&format!("{new} new, {changed} changed, {gone} gone"))?;
        }
        if expired > 0 {
            output
                .note(&format!("{expired} of them with rows past their retention: see `retention:` in the config"))?;
        }
        if self.before.status == RunStatus::Partial || self.after.status == RunStatus::Partial {
            output.note("a partial result may lack rows: what isn't in it may have been there all the same")?;
        }
        Ok(())
    }
}
