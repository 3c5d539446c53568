//! `huntd quota`: what is used and left of each tenant's quota, until when it is blocked, and its dearest hunts.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::select;
use crate::app::args::QuotaArguments;
use crate::app::exit::{AppError, Exit};
use crate::app::output::Output;
use crate::app::setup;
use crate::model::config::Tenant;
use crate::model::cost::Spending;
use crate::model::id::{HuntId, TenantName};
use crate::model::quota::{Block, CallLedger};
use crate::model::time::Timestamp;
use crate::ports::clock::{Clock, SystemClock};
use crate::ports::store::Store;
use crate::rules::quota::{self, Dearest, Limits, Share, Usage};
use crate::rules::render::quota::{Standing, standing};
use crate::rules::render::terminal::Layout;

/// What the store sums spending by.
const SUMMED: Duration = Duration::from_hours(1);
/// The width of a text that goes to no terminal: no line is broken there.
const WIDTH: usize = 1000;

/// What is known of the past.
#[derive(Default)]
struct History {
    spending: Vec<(HuntId, TenantName, Spending)>,
    /// Of each tenant that is shown, in order.
    tenants: Vec<CallLedger>,
}

/// A tenant, as it stands.
struct Told<'a> {
    tenant: &'a Tenant,
    usage: Vec<Usage>,
    block: Option<Block>,
    dearest: Dearest,
}

/// `huntd quota`.
pub async fn run(path: &Path, arguments: &QuotaArguments, output: Output) -> Result<Exit, AppError> {
    let (config, _) = setup::config(path, output)?;
    let tenants = select::tenants(&arguments.tenant, &config)?;
    let now = SystemClock::new().now();
    let since = now.minus(select::duration("--since", &arguments.since)?).floor_to(SUMMED);
    let history = match setup::history(&config, async |store| look(store, &tenants, since, now).await).await {
        Ok(history) => history,
        // No run was made yet: all is left.
        Err(_) if !config.database.exists() => History::default(),
        Err(error) => return Err(error),
    };
    for (number, told) in told(&tenants, history, now).iter().enumerate() {
        if output.json {
            output.object(&Listed::of(told, since, now, arguments.limit))?;
            continue;
        }
        if number > 0 {
            output.line("")?;
        }
        let layout = Layout { width: output.width(WIDTH), colour: output.terminal, most: arguments.limit };
        output.line(shown(told, since, &layout).trim_end())?;
    }
    if config.tenants.is_empty() {
        output.note("no tenants: see `tenants:` in the config")?;
    }
    Ok(Exit::Done)
}

async fn look(store: &Store, tenants: &[&Tenant], since: Timestamp, now: Timestamp) -> Result<History, AppError> {
    let mut history = History { spending: store.spending(since).await?, tenants: Vec::new() };
    for tenant in tenants {
        history.tenants.push(store.ledger(&tenant.name, now).await?);
    }
    Ok(history)
}

fn told<'a>(tenants: &[&'a Tenant], history: History, now: Timestamp) -> Vec<Told<'a>> {
    let History { spending, tenants: seen } = history;
    let known = seen.into_iter().chain(std::iter::repeat_with(Default::default));
    let tell = |(tenant, ledger): (&&'a Tenant, CallLedger)| {
        let mine = spending.iter().filter(|(_, name, _)| *name == tenant.name);
        Told {
            tenant,
            usage: quota::usage(&ledger, &Limits::of(&tenant.quota, &ledger, now), now),
            block: quota::standing(&ledger, now).cloned(),
            dearest: quota::dearest(mine.map(|(hunt, _, spent)| (hunt.clone(), *spent))),
        }
    };
    tenants.iter().zip(known).map(tell).collect()
}

fn shown(told: &Told<'_>, since: Timestamp, layout: &Layout) -> String {
    let of = Standing {
        tenant: &told.tenant.name,
        enabled: told.tenant.enabled,
        usage: &told.usage,
        block: told.block.as_ref(),
        dearest: &told.dearest,
        since,
        time: Timestamp::local,
    };
    standing(&of, layout)
}

/// A tenant, as `quota --json` prints it.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    tenant: &'a str,
    enabled: bool,
    /// The moment that it is told of.
    at: Timestamp,
    windows: Vec<Gauged>,
    blocked: Option<Blocked<'a>>,
    /// From when on spending counts.
    since: Timestamp,
    spent: Spent,
    /// How many hunts spent it.
    hunts: usize,
    dearest: Vec<Dear<'a>>,
}

/// A gauge.
#[derive(Debug, Serialize)]
struct Gauged {
    window: &'static str,
    /// What the numbers count: calls or ms.
    unit: &'static str,
    used: u64,
    limit: Option<u64>,
    left: Option<u64>,
    /// When more is left than now.
    free_at: Option<Timestamp>,
    /// When the API told the limit, where it comes from there.
    learnt: Option<Timestamp>,
    /// What of it is left to others already, in hundredths.
    reserve: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Blocked<'a> {
    until: Timestamp,
    reason: &'static str,
    said: &'a str,
}

#[derive(Debug, Serialize)]
struct Spent {
    runs: u64,
    calls: u64,
    api_ms: u128,
    cpu_ms: Option<u128>,
    rows: u64,
}

/// A hunt with what it spent; shares are from 0 to 1.
#[derive(Debug, Serialize)]
struct Dear<'a> {
    hunt: &'a str,
    #[serde(flatten)]
    spent: Spent,
    calls_share: f64,
    api_share: f64,
    cpu_share: Option<f64>,
}

impl<'a> Listed<'a> {
    fn of(told: &'a Told<'_>, since: Timestamp, now: Timestamp, limit: usize) -> Self {
        Self {
            tenant: told.tenant.name.as_str(),
            enabled: told.tenant.enabled,
            at: now,
            windows: told.usage.iter().map(Gauged::of).collect(),
            blocked: told.block.as_ref().map(|block| Blocked {
                until: block.until,
                reason: block.reason.as_str(),
                said: &block.said,
            }),
            since,
            spent: Spent::of(&told.dearest.total),
            hunts: told.dearest.hunts.len(),
            dearest: told.dearest.hunts.iter().take(limit).map(Dear::of).collect(),
        }
    }
}

impl Gauged {
    fn of(usage: &Usage) -> Self {
        Self {
            window: usage.gauge.as_str(),
            unit: usage.gauge.unit(),
            used: usage.used,
            limit: usage.limit.map(|limit| limit.most),
            left: usage.left(),
            free_at: usage.free_at,
            learnt: usage.limit.and_then(|limit| limit.learnt),
            reserve: usage.limit.map(|limit| limit.reserve),
        }
    }
}

impl Spent {
    fn of(spent: &Spending) -> Self {
        Self {
            runs: spent.runs,
            calls: spent.calls,
            api_ms: spent.api.as_millis(),
            cpu_ms: spent.cpu.map(|cpu| cpu.as_millis()),
            rows: spent.rows,
        }
    }
}

impl<'a> Dear<'a> {
    fn of(share: &'a Share) -> Self {
        Self {
            hunt: share.hunt.as_str(),
            spent: Spent::of(&share.spent),
            calls_share: rounded(share.calls),
            api_share: rounded(share.api),
            cpu_share: share.cpu.map(rounded),
        }
    }
}

/// To four digits: more of a share means nothing.
fn rounded(share: f64) -> f64 {
    (share * 10_000.0).round() / 10_000.0
}
