//! `huntd run`: hunts now, through the same quota, comparison and store as the daemon.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};

use super::select;
use crate::app::args::RunArguments;
use crate::app::exit::{AppError, Exit};
use crate::app::output::Output;
use crate::app::queries;
use crate::app::setup::{self, Loaded};
use crate::app::shapes::RunShape;
use crate::app::troubles;
use crate::engine::runner::{Asking, Finished, Order, Runner};
use crate::engine::tenant::{Tenant, Tenants};
use crate::model::hit::Hit;
use crate::model::hunt::Hunt;
use crate::model::id::TenantName;
use crate::model::place::{Finding, Level};
use crate::model::run::{RunStatus, Trigger};
use crate::model::time::{Timestamp, Window};
use crate::ports::clock::{SharedClock, SystemClock};
use crate::ports::store::{HitFilter, Track};
use crate::rules::check::nearest::did_you_mean;
use crate::rules::render::record;
use crate::rules::render::tally::Tally;
use crate::rules::render::terminal::{Layout, listing, terminal_safe};

/// Runs at a time: the quota bounds the calls; this bounds the memory.
const AT_A_TIME: usize = 8;

/// `huntd run`.
pub async fn run(path: &Path, arguments: &RunArguments, output: Output) -> Result<Exit, AppError> {
    // A word that is no glob names nothing, and is refused below.
    let words: Vec<_> = arguments.hunts.iter().filter_map(|word| select::matcher(word).ok()).collect();
    let loaded = setup::load_reading(path, output, |hunt| words.iter().any(|named| named(hunt.id.as_str())))?;
    // A broken hunt is not run: whoever asked for `*` must not take that for silence.
    let errors: Vec<_> = loaded.findings.iter().filter(|finding| finding.level == Level::Error).cloned().collect();
    setup::show(&errors, output)?;
    let clock: SharedClock = Arc::new(SystemClock::new());
    let all = setup::tenants(&loaded.config, &clock)?;
    let orders = orders(arguments, &loaded, &all, clock.now())?;
    setup::show(&doubts(&loaded, &orders), output)?;
    if arguments.dry_run {
        return dry_run(&loaded, &orders, &clock, output).await;
    }
    let store = setup::store(&loaded.config).await?;
    setup::tidy(&store, &clock).await?;
    let runner = setup::runner(&loaded.config, &store, &clock);
    let dispatcher = setup::dispatcher(&loaded.config, &store, &clock)?;
    let mut runs = stream::iter(&orders).map(|order| runner.run(order)).buffer_unordered(AT_A_TIME);
    let (mut new, mut failed) = (false, false);
    while let Some(finished) = runs.next().await {
        let finished = finished?;
        new |= finished.run.new > 0;
        failed |= finished.run.status == RunStatus::Failed;
        show(&runner, &finished, output).await?;
    }
    drop(runs);
    if !arguments.no_notify {
        troubles::look_at_runs(&store, &loaded, clock.now()).await?;
    }
    dispatcher.drain().await?;
    drop((runner, dispatcher));
    store.close().await?;
    Ok(match (failed, new && arguments.fail_on_new) {
        (true, _) => Exit::RunFailed,
        (false, true) => Exit::NewHits,
        (false, false) => Exit::Done,
    })
}

/// What the arguments ask for, one order a hunt and tenant.
fn orders(arguments: &RunArguments, loaded: &Loaded, all: &Tenants, now: Timestamp) -> Result<Vec<Order>, AppError> {
    let hunts =
        select::hunts(&arguments.hunts, &loaded.hunts).map_err(|error| broken(arguments, loaded).unwrap_or(error))?;
    let tenants = tenants(&arguments.tenant, all)?;
    let as_of = arguments.as_of.as_deref().map(|text| select::instant("--as-of", text)).transpose()?;
    let window = window(arguments, as_of.unwrap_or(now))?;
    let as_of = as_of.or(window.map(|window| window.to));
    let mut orders = Vec::new();
    for hunt in hunts {
        for tenant in tenants.iter().filter(|tenant| hunt.runs_on(&tenant.name)) {
            orders.push(Order {
                hunt: Arc::clone(&hunt),
                tenant: Arc::clone(tenant),
                due: now,
                trigger: Trigger::Manual,
                window,
                as_of,
                notify: !arguments.no_notify,
            });
        }
    }
    if orders.is_empty() {
        return Err(AppError::new(
            "none of these hunts runs on these tenants",
            "see `tenants:` in the hunts and in the config",
        ));
    }
    Ok(orders)
}

/// What huntd sees in the queries that are run: it asks all the same.
fn doubts(loaded: &Loaded, orders: &[Order]) -> Vec<Finding> {
    let asked = |finding: &&Finding| {
        let is = |order: &Order| finding.hunt.as_deref() == Some(order.hunt.id.as_str());
        finding.code.starts_with("KQL") && orders.iter().any(is)
    };
    loaded.findings.iter().filter(asked).cloned().collect()
}

/// A hunt that was asked for by its id is there, and doesn't load.
fn broken(arguments: &RunArguments, loaded: &Loaded) -> Option<AppError> {
    let wrong = |finding: &&Finding| {
        let named = finding.hunt.as_ref().is_some_and(|hunt| arguments.hunts.contains(hunt));
        let loads = |hunt: &Arc<Hunt>| finding.hunt.as_deref() == Some(hunt.id.as_str());
        finding.level == Level::Error && named && !loaded.hunts.iter().any(loads)
    };
    let hunt = loaded.findings.iter().find(wrong)?.hunt.as_deref()?;
    let message = format!("the hunt `{}` doesn't load", terminal_safe(hunt));
    Some(AppError::new(message, "mend what is shown above; `huntd check` shows it again"))
}

fn tenants(names: &[String], all: &Tenants) -> Result<Vec<Arc<Tenant>>, AppError> {
    if names.is_empty() {
        return Ok(all.values().cloned().collect());
    }
    let find = |name: &String| {
        let key = TenantName::new(name.as_str()).map_err(|error| AppError::plain(error.to_string()))?;
        all.get(&key).cloned().ok_or_else(|| {
            let near = did_you_mean(name, all.keys().map(TenantName::as_str));
            let hint = near.unwrap_or_else(|| "see `tenants:` in the config".to_owned());
            AppError::new(format!("no tenant `{name}` that is switched on"), hint)
        })
    };
    names.iter().map(find).collect()
}

fn window(arguments: &RunArguments, now: Timestamp) -> Result<Option<Window>, AppError> {
    if let Some(last) = &arguments.last {
        let length = select::duration("--last", last)?;
        if length.is_zero() {
            return Err(AppError::new("`--last` must be more than nothing", "write it as 90m, 36h, 7d or PT1H"));
        }
        return Ok(Some(Window { from: now.minus(length), to: now }));
    }
    let (Some(from), Some(to)) = (&arguments.from, &arguments.to) else { return Ok(None) };
    let window = Window { from: select::instant("--from", from)?, to: select::instant("--to", to)? };
    if window.length() == Duration::ZERO {
        return Err(AppError::new("`--from` isn't before `--to`", "swap them"));
    }
    Ok(Some(window))
}

/// Prints what would be asked, and of whom. Calls nobody, and makes no database.
async fn dry_run(loaded: &Loaded, orders: &[Order], clock: &SharedClock, output: Output) -> Result<Exit, AppError> {
    let known = setup::history(&loaded.config, async |store| {
        let mut tracks = Vec::new();
        for order in orders {
            tracks.push(store.track(&order.hunt.id, &order.tenant.name).await?);
        }
        Ok(tracks)
    });
    // Where no run was made yet, each would be the first.
    let tracks = known.await.unwrap_or_else(|_| vec![Track::default(); orders.len()]);
    let schema = queries::world(&loaded.config).0.schema;
    for (order, track) in orders.iter().zip(&tracks) {
        let asking = Asking::of(order, track, &schema, clock.now());
        let (hunt, tenant) = (&order.hunt.id, &order.tenant.name);
        let endpoint = order.tenant.api.endpoint();
        if output.json {
            output.object(&serde_json::json!({
                "hunt": hunt.as_str(), "tenant": tenant.as_str(), "url": endpoint,
                "timespan": asking.request.timespan.map(|window| window.timespan()),
                "from": asking.window.map(|window| window.from), "to": asking.window.map(|window| window.to),
                "as_of": asking.as_of, "query": asking.request.query,
            }))?;
            continue;
        }
        output.line(&format!("# {} on {}", terminal_safe(hunt.as_str()), tenant))?;
        output.line(&format!("# POST {endpoint}"))?;
        match asking.request.timespan {
            Some(window) => output.line(&format!("# Timespan: {}", window.timespan()))?,
            None => output.line("# Timespan: none")?,
        }
        for line in asking.request.query.trim_end().lines() {
            output.line(&terminal_safe(line))?;
        }
        output.line("")?;
    }
    Ok(Exit::Done)
}

/// Prints a run and its hits.
async fn show(runner: &Runner, finished: &Finished, output: Output) -> Result<(), AppError> {
    let run = &finished.run;
    if output.json {
        return output.object(&RunShape::from(run));
    }
    output.line(&record::run_line(run))?;
    let layout = Layout { colour: output.terminal, ..Layout::default() };
    let mut hits: Vec<Hit> = Vec::new();
    let filter = HitFilter { run: Some(&run.run), ..HitFilter::default() };
    let keep = |hit| {
        hits.push(hit);
        if hits.len() < layout.most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    runner.store.hits(&filter, keep).await?;
    let text = listing(&finished.notice, &Tally::of_run(run), &hits, &layout);
    if text.is_empty() { Ok(()) } else { output.line(text.trim_end()) }
}
