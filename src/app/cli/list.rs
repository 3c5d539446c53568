//! `huntd list`: hunts with schedule, next run, last run and its state, failures in a row.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::list_check;
use crate::app::args::ListArguments;
use crate::app::exit::{AppError, Exit};
use crate::app::output::{Output, Tone};
use crate::app::queries;
use crate::app::setup::{self, Loaded};
use crate::app::standing::Stand;
use crate::engine::catching_up;
use crate::model::coverage::Fate;
use crate::model::hunt::{Hunt, Severity};
use crate::model::id::{HuntId, TenantName};
use crate::model::lateness::Lateness;
use crate::model::overload::Punctuality;
use crate::model::standing::Broken;
use crate::model::time::{Timestamp, format_duration};
use crate::ports::clock::{Clock, SystemClock};
use crate::ports::store::{Store, TrackSummary};
use crate::rules::kql::analyse::analyse;
use crate::rules::kql::schema::Schema;
use crate::rules::render::terminal::terminal_safe;
use crate::rules::schedule;
use crate::rules::window::{QueryKind, QueryNature};

/// Of which runs lateness is shown.
const DAY: Duration = Duration::from_hours(24);

/// A hunt on a tenant, as `list --json` prints it.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    hunt: &'a str,
    name: &'a str,
    tenant: Option<&'a str>,
    severity: Severity,
    schedule: &'a str,
    timezone: String,
    lookback: String,
    late: String,
    /// What `late` would have been enough, as measured of the tables that it reads; none where none was, or where
    /// rows came later than is measured.
    late_enough: Option<String>,
    enabled: bool,
    format: &'static str,
    next: Option<Timestamp>,
    last: Option<Timestamp>,
    status: Option<&'static str>,
    new: Option<u64>,
    failures_in_row: u32,
    /// How many of the last day's scheduled runs began after their hunt's next tick, as they waited for the quota; of
    /// how many; and by how many seconds the worst.
    late_runs: u64,
    late_of: Option<u64>,
    late_by_s: u64,
    error: Option<&'a str>,
    /// Why it runs in its last good version.
    broken: Option<&'a Broken>,
    watermark: Option<Timestamp>,
    /// Seconds of event time that are owed and not covered yet.
    gaps: u64,
    /// Seconds of event time of the last 60 days that were never covered, and can't be any more.
    lost: u64,
    file: String,
    extra: &'a BTreeMap<String, serde_json::Value>,
    /// That `late` is shorter than it should be.
    #[serde(skip)]
    too_late: Option<String>,
}

/// How late rows arrived, by tenant and table.
type Measured = HashMap<TenantName, BTreeMap<String, Lateness>>;

/// Which runs of the last day were late, by hunt and tenant.
type Late = HashMap<(HuntId, TenantName), Punctuality>;

/// What is known from the past.
#[derive(Default)]
struct History {
    tracks: Vec<TrackSummary>,
    late: Late,
    measured: Measured,
    /// The hunts that don't load, and that the daemon runs in their last good versions.
    kept: Stand,
}

async fn look(store: &Store, loaded: &Loaded, now: Timestamp) -> Result<History, AppError> {
    let config = &loaded.config;
    let kept = Stand::last_good(store, config, &loaded.hunts, &loaded.findings, now).await?;
    let late = store.late_runs(now.minus(DAY)).await?;
    let late = late.into_iter().map(|(hunt, tenant, late)| ((hunt, tenant), late)).collect();
    let mut measured = HashMap::new();
    for tenant in config.tenants.keys() {
        measured.insert(tenant.clone(), store.lateness(tenant).await?);
    }
    Ok(History { tracks: store.tracks().await?, late, measured, kept })
}

/// `huntd list`.
pub async fn run(path: &Path, arguments: &ListArguments, output: Output) -> Result<Exit, AppError> {
    let loaded = setup::load(path, output)?;
    if arguments.check {
        return list_check::run(&loaded, output).await;
    }
    setup::show(&loaded.findings, output)?;
    let now = SystemClock::new().now();
    let history = match setup::history(&loaded.config, async |store| look(store, &loaded, now).await).await {
        Ok(history) => history,
        // No run was made yet: the hunts are listed all the same.
        Err(_) if !loaded.config.database.exists() => History::default(),
        Err(error) => return Err(error),
    };
    let schema = queries::world(&loaded.config).0.schema;
    let rows = rows(&loaded, &history, &schema, now);
    if output.json {
        for row in &rows {
            output.object(row)?;
        }
    } else {
        table(&rows, output)?;
        for (hunt, broken) in history.kept.broken() {
            let (hunt, broken) = (terminal_safe(hunt.id.as_str()), terminal_safe(&broken.to_string()));
            output.note(&format!("{hunt} is broken, and its last good version runs: {broken}"))?;
        }
        for row in rows.iter().filter(|row| row.failures_in_row > 0) {
            let tenant = row.tenant.unwrap_or("");
            let error = terminal_safe(row.error.unwrap_or(""));
            output.note(&format!("{} on {tenant}: {error}", terminal_safe(row.hunt)))?;
        }
        for row in rows.iter().filter(|row| row.gaps + row.lost > 0) {
            let (hunt, tenant) = (terminal_safe(row.hunt), row.tenant.unwrap_or(""));
            let length = |seconds| format_duration(Duration::from_secs(seconds));
            let parts =
                [(row.gaps, "not covered yet"), (row.lost, "lost")].into_iter().filter(|(seconds, _)| *seconds > 0);
            let parts: Vec<String> =
                parts.map(|(seconds, what)| format!("{} of event time {what}", length(seconds))).collect();
            output.note(&format!("{hunt} on {tenant}: {}: see `huntd gaps`", parts.join(", ")))?;
        }
        for row in rows.iter().filter(|row| row.late_runs > 0) {
            let (hunt, tenant) = (terminal_safe(row.hunt), row.tenant.unwrap_or(""));
            let by = format_duration(Duration::from_secs(row.late_by_s));
            let (late, all) = (row.late_runs, row.late_of.unwrap_or(row.late_runs));
            output.note(&format!("{hunt} on {tenant}: {late} of {all} runs of the last day waited for the quota past their next tick, by {by} at worst: see `huntd plan`"))?;
        }
        for note in rows.iter().filter_map(|row| row.too_late.as_deref()) {
            output.note(note)?;
        }
    }
    Ok(Exit::Done)
}

fn rows<'a>(loaded: &'a Loaded, history: &'a History, schema: &Schema, now: Timestamp) -> Vec<Listed<'a>> {
    let by_track: HashMap<(&str, &str), &TrackSummary> =
        history.tracks.iter().map(|summary| ((summary.hunt.as_str(), summary.tenant.as_str()), summary)).collect();
    let mut rows = Vec::new();
    let loads = loaded.hunts.iter().filter(|hunt| !history.kept.hunts.contains_key(&hunt.id));
    let kept = history.kept.broken().map(|(hunt, broken)| (hunt, Some(broken)));
    for (hunt, broken) in loads.map(|hunt| (hunt, None)).chain(kept) {
        let tenants = loaded.config.tenants.values().filter(|tenant| tenant.enabled && hunt.runs_on(&tenant.name));
        let mut tenants: Vec<Option<&TenantName>> = tenants.map(|tenant| Some(&tenant.name)).collect();
        if tenants.is_empty() {
            tenants.push(None);
        }
        for tenant in tenants {
            let key = tenant.map(|tenant| (hunt.id.as_str(), tenant.as_str()));
            let mut row = row(hunt, tenant, key.and_then(|key| by_track.get(&key).copied()), schema, now);
            let late = tenant.and_then(|tenant| history.late.get(&(hunt.id.clone(), tenant.clone())));
            if let Some(late) = late {
                (row.late_runs, row.late_of) = (late.late, Some(late.runs));
                row.late_by_s = late.worst.as_secs().max(1);
            }
            if let Some((tenant, measured)) = tenant.and_then(|tenant| Some((tenant, history.measured.get(tenant)?))) {
                row.judge_late(hunt, tenant, measured, schema);
            }
            row.broken = broken;
            rows.push(row);
        }
    }
    rows
}

impl Listed<'_> {
    /// Holds `late` against the slowest of the tables that the hunt reads, as far as they were measured.
    fn judge_late(&mut self, hunt: &Hunt, tenant: &TenantName, measured: &BTreeMap<String, Lateness>, schema: &Schema) {
        if measured.is_empty() {
            return;
        }
        let analysis = analyse(&hunt.query, schema);
        let kind = QueryNature::of(&hunt.query, &analysis, schema).kind;
        if !matches!(kind, QueryKind::Windowed | QueryKind::OwnTime) {
            return;
        }
        let known = analysis.facts.tables.iter().filter_map(|table| {
            let lateness = measured.get(*table)?;
            let enough = lateness.enough();
            (enough.is_some() || lateness.is_beyond()).then_some((*table, enough))
        });
        let Some((table, enough)) = known.max_by_key(|(_, enough)| enough.unwrap_or(Duration::MAX)) else { return };
        self.late_enough = enough.map(format_duration);
        let [.., last] = Lateness::BOUNDS;
        if !hunt.enabled || hunt.late >= enough.unwrap_or(last) {
            return;
        }
        let (table, late) = (terminal_safe(table), format_duration(hunt.late));
        let arrived = match enough {
            Some(enough) => format!("999 of 1000 rows of {table} arrived within {}", format_duration(enough)),
            None => format!("more than 1 of 1000 rows of {table} arrived later than {}", format_duration(last)),
        };
        self.too_late = Some(format!("{} on {tenant}: {arrived}, and `late` is {late}", terminal_safe(self.hunt)));
    }
}

fn row<'a>(
    hunt: &'a Hunt,
    tenant: Option<&'a TenantName>,
    track: Option<&'a TrackSummary>,
    schema: &Schema,
    now: Timestamp,
) -> Listed<'a> {
    let last = track.and_then(|track| track.last_run.as_ref());
    let tick = schedule::next(&hunt.schedule, hunt.timezone, now);
    let open = tenant.zip(track).filter(|_| hunt.enabled).map_or_else(Vec::new, |(tenant, track)| {
        catching_up::gaps(hunt, tenant, &track.coverage, track.last_due, schema, now)
    });
    let losses = track.into_iter().flat_map(|track| track.coverage.stretches()).filter(|one| one.fate == Fate::Lost);
    let next = tick.map(|tick| tenant.map_or(tick, |tenant| schedule::start(hunt, tenant, tick)));
    Listed {
        hunt: hunt.id.as_str(),
        name: &hunt.name,
        tenant: tenant.map(TenantName::as_str),
        severity: hunt.severity,
        schedule: hunt.schedule.as_str(),
        timezone: hunt.timezone.to_string(),
        lookback: format_duration(hunt.lookback),
        late: format_duration(hunt.late),
        late_enough: None,
        enabled: hunt.enabled,
        format: hunt.dialect.as_str(),
        next: next.filter(|_| hunt.enabled && tenant.is_some()),
        last: last.map(|run| run.finished),
        status: last.map(|run| run.status.as_str()),
        new: last.map(|run| run.new),
        failures_in_row: track.map_or(0, |track| track.failures_in_row),
        late_runs: 0,
        late_of: None,
        late_by_s: 0,
        error: last.and_then(|run| run.error.as_deref()),
        broken: None,
        watermark: track.and_then(|track| track.watermark),
        gaps: open.iter().map(|(gap, _)| gap.length().as_secs().max(1)).sum(),
        lost: losses.map(|one| one.window.length().as_secs().max(1)).sum(),
        file: hunt.source.file.display().to_string(),
        extra: &hunt.extra,
        too_late: None,
    }
}

/// The table; with a column of how late runs were where some were.
fn table(rows: &[Listed<'_>], output: Output) -> Result<(), AppError> {
    let mut head = vec!["HUNT", "TENANT", "SEVERITY", "SCHEDULE", "NEXT", "LAST", "STATE", "NEW", "FAILURES"];
    let mut cells: Vec<Vec<(String, Tone)>> = rows.iter().map(cells).collect();
    if rows.iter().any(|row| row.late_runs > 0) {
        head.push("LATE BY");
        for (cells, row) in cells.iter_mut().zip(rows) {
            let by = format_duration(Duration::from_secs(row.late_by_s));
            let late = row.late_runs > 0;
            cells.push(if late { (by, Tone::Doubtful) } else { ("-".to_owned(), Tone::Plain) });
        }
    }
    output.toned_table(&head, cells)
}

fn cells(row: &Listed<'_>) -> Vec<(String, Tone)> {
    let time = |at: Option<Timestamp>| at.map_or("-".to_owned(), Timestamp::local);
    let (state, tone) = match (row.broken, row.status) {
        (Some(_), _) => ("broken", Tone::Bad),
        (None, Some("ok")) => ("ok", Tone::Good),
        (None, Some("failed")) => ("failed", Tone::Bad),
        (None, Some(other)) => (other, Tone::Doubtful),
        (None, None) => ("never run", Tone::Doubtful),
    };
    let failures = if row.failures_in_row > 0 { Tone::Bad } else { Tone::Plain };
    let plain = |text: String| (text, Tone::Plain);
    vec![
        plain(terminal_safe(row.hunt)),
        plain(row.tenant.unwrap_or("-").to_owned()),
        plain(row.severity.to_string()),
        plain(row.schedule.to_owned()),
        if row.enabled { plain(time(row.next)) } else { ("off".to_owned(), Tone::Doubtful) },
        plain(time(row.last)),
        (state.to_owned(), tone),
        plain(row.new.map_or("-".to_owned(), |new| new.to_string())),
        (row.failures_in_row.to_string(), failures),
    ]
}
