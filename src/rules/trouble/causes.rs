//! From what is known to its causes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::failure::FailureClass;
use crate::model::hunt::Hunt;
use crate::model::id::{HuntId, TenantName};
use crate::model::standing::Broken;
use crate::model::time::{Timestamp, format_duration};
use crate::model::trouble::{Affected, Backlog, Failing, Overdue, Trouble, TroubleKind};
use crate::model::upstream::Following;

/// A run that is due for so long, or that goes on for so long, is overdue.
pub const OVERDUE: Duration = Duration::from_mins(30);
/// A delivery that was tried, and still waits after so long, is trouble.
pub const DELIVERY_LATE: Duration = Duration::from_mins(30);
/// A clock that is wrong by more than this is trouble: the API's windows, and tokens, go by its clock.
const SKEW: Duration = Duration::from_mins(2);
/// A disk with less than a twentieth free is full soon, unless that is still much; with less than this, always.
const DISK_SHARE: u64 = 20;
const DISK_PLENTY: u64 = 10 * GIB;
const DISK_LEAST: u64 = GIB / 2;
const GIB: u64 = 1 << 30;
/// So many results in a row without a row, after so many in a row with some, are trouble.
const EMPTY: usize = 3;
const FILLED: usize = 20;
/// The most reasons that are told.
const REASONS: usize = 10;

/// Runs that fail: one cause a tenant where its calls fail whatever the hunt, else one a hunt. `all` is how many hunts
/// each tenant has, `owner` who looks after a hunt.
#[must_use]
pub fn failing(
    failing: &[Failing],
    all: &BTreeMap<TenantName, usize>,
    owner: impl Fn(&HuntId) -> Option<String>,
) -> Vec<Trouble> {
    let mut alike: BTreeMap<(&TenantName, &str), Vec<&Failing>> = BTreeMap::new();
    for one in failing {
        alike.entry((&one.tenant, &one.class)).or_default().push(one);
    }
    let (mut troubles, mut by_hunt): (Vec<Trouble>, BTreeMap<&HuntId, Vec<&Failing>>) = (Vec::new(), BTreeMap::new());
    for ((tenant, class), runs) in alike {
        let hunts = all.get(tenant).copied().unwrap_or_default();
        if is_of_tenant(class, runs.len(), hunts) {
            troubles.push(tenant_fails(tenant, class, &runs));
        } else {
            for run in runs {
                by_hunt.entry(&run.hunt).or_default().push(run);
            }
        }
    }
    troubles.extend(by_hunt.into_iter().map(|(hunt, runs)| hunt_fails(hunt, &runs, owner(hunt))));
    troubles
}

/// Whether runs of a tenant that fail alike fail for the tenant's sake: always where the sign-in fails; where the
/// service does, if it fails for most hunts.
fn is_of_tenant(class: &str, failing: usize, hunts: usize) -> bool {
    let always = [
        FailureClass::SignIn,
        FailureClass::Secret,
        FailureClass::Unauthorized,
        FailureClass::Unlicensed,
        FailureClass::Forbidden,
    ];
    let mostly = [FailureClass::Service, FailureClass::Timeout, FailureClass::BrokenBody, FailureClass::ThrottledCpu];
    let is = |classes: &[FailureClass]| classes.iter().any(|one| one.as_str() == class);
    let throttled = class == "throttled_calls";
    is(&always) || (is(&mostly) || throttled) && hunts > 1 && failing * 2 >= hunts
}

fn tenant_fails(tenant: &TenantName, class: &str, runs: &[&Failing]) -> Trouble {
    let what = match class {
        "sign_in" | "secret" | "unauthorized" => "huntd can't sign in to",
        "forbidden" => "huntd may not hunt on",
        "unlicensed" => "there is no licence for hunting on",
        "service" | "broken_body" => "no sound answer comes from",
        "timeout" => "answers take too long from",
        _ => "calls are throttled by",
    };
    let hunts = runs.len();
    let many = if hunts == 1 { "1 hunt fails".to_owned() } else { format!("{hunts} hunts fail") };
    Trouble {
        kind: TroubleKind::TenantFails,
        subject: format!("{tenant}:{class}"),
        headline: format!("{what} {tenant}: {many}"),
        reasons: reasons(runs.iter().map(|run| run.error.clone())),
        hint: Some(format!("`huntd doctor` looks at the way to {tenant}, step by step")),
        hunts: runs.iter().map(|run| Affected::on(&run.hunt, &run.tenant)).collect(),
        owners: Vec::new(),
        failures: most(runs),
    }
}

fn hunt_fails(hunt: &HuntId, runs: &[&Failing], owner: Option<String>) -> Trouble {
    let tenants: BTreeSet<&str> = runs.iter().map(|run| run.tenant.as_str()).collect();
    let on = match tenants.iter().copied().collect::<Vec<_>>()[..] {
        [only] => format!(" on {only}"),
        _ => format!(" on {} tenants", tenants.len()),
    };
    Trouble {
        kind: TroubleKind::HuntFails,
        subject: hunt.to_string(),
        headline: format!("{hunt} keeps failing{on}"),
        reasons: reasons(runs.iter().map(|run| format!("{}: {}", run.tenant, run.error))),
        hint: Some(format!("`huntd runs {hunt} --failed` lists the runs, `huntd run {hunt}` tries it now")),
        hunts: runs.iter().map(|run| Affected::on(&run.hunt, &run.tenant)).collect(),
        owners: owner.into_iter().collect(),
        failures: most(runs),
    }
}

fn most(runs: &[&Failing]) -> u32 {
    runs.iter().map(|run| run.row).max().unwrap_or_default()
}

/// Each once, in order, whichever request met it; of many the first, and how many more.
fn reasons(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let without_id = |reason: &str| match reason.split_once(" [request ") {
        Some((before, rest)) => format!("{before}{}", rest.split_once(']').map_or("", |(_, after)| after)),
        None => reason.to_owned(),
    };
    let mut reasons: Vec<String> = all.filter(|reason| seen.insert(without_id(reason))).collect();
    let more = reasons.len().saturating_sub(REASONS);
    reasons.truncate(REASONS);
    if more > 0 {
        reasons.push(format!("and {more} more"));
    }
    reasons
}

/// Hunts that no longer load, each with what is wrong: one cause a hunt, as each has its owner.
pub fn broken<'a>(hunts: impl Iterator<Item = (&'a Hunt, &'a Broken)>) -> Vec<Trouble> {
    let of = |(hunt, broken): (&Hunt, &Broken)| {
        let author = broken.author.as_ref().map(|author| format!("last changed by {author}"));
        Trouble {
            kind: TroubleKind::HuntBroken,
            // Another fault is another cause: who mends one and makes the next is told of that.
            subject: format!("{}:{}:{}", hunt.id, broken.code, broken.message),
            headline: format!("{} no longer loads: its last good version runs on", hunt.id),
            reasons: [Some(broken.to_string()), author].into_iter().flatten().collect(),
            hint: broken.hint.clone(),
            hunts: vec![Affected::everywhere(&hunt.id)],
            owners: hunt.owner.iter().cloned().collect(),
            failures: 0,
        }
    };
    hunts.map(of).collect()
}

/// Files that don't load, and of which no hunt runs.
#[must_use]
pub fn unloaded(files: &[Broken]) -> Vec<Trouble> {
    let of = |broken: &Broken| {
        let author = broken.author.as_ref().map(|author| format!("last changed by {author}"));
        let name = broken.file.file_name().unwrap_or_default().to_string_lossy();
        system(
            TroubleKind::HuntBroken,
            &format!("{}:{}:{}", broken.file.display(), broken.code, broken.message),
            &format!("{name} doesn't load: what it holds isn't hunted"),
            [Some(broken.to_string()), author].into_iter().flatten(),
            broken.hint.clone(),
        )
    };
    files.iter().map(of).collect()
}

/// A tree or a config that can't be loaded again, with the hint.
#[must_use]
pub fn reload(error: Option<&(String, Option<String>)>) -> Vec<Trouble> {
    let of = |(error, hint): &(String, Option<String>)| {
        system(
            TroubleKind::ReloadFails,
            "load",
            "changes are not loaded: what ran before runs on",
            [error.clone()],
            hint.clone(),
        )
    };
    error.map(of).into_iter().collect()
}

/// The repository of the hunts: that it can't be seen, which may pass by itself, and that what it holds isn't taken,
/// which somebody has to look into. One may be there without the other.
#[must_use]
pub fn git(following: &Following) -> Vec<Trouble> {
    let unseen = following.unseen.as_ref().map(|(failures, ill)| Trouble {
        failures: *failures,
        ..system(
            TroubleKind::GitFails,
            "fetch",
            "the hunts' repository can't be seen: the commit from before runs on",
            [ill.error.clone()],
            Some(ill.hint.clone()),
        )
    });
    let refused = following.refused.as_ref().map(|ill| {
        system(
            TroubleKind::GitFails,
            "commit",
            "the hunts' branch is not taken: the commit from before runs on",
            [ill.error.clone()],
            Some(ill.hint.clone()),
        )
    });
    unseen.into_iter().chain(refused).collect()
}

/// Runs that don't begin or don't end: one cause a tenant.
#[must_use]
pub fn overdue(overdue: &[Overdue], now: Timestamp) -> Vec<Trouble> {
    let mut by_tenant: BTreeMap<&TenantName, Vec<&Overdue>> = BTreeMap::new();
    for one in overdue {
        by_tenant.entry(&one.tenant).or_default().push(one);
    }
    let of = |(tenant, runs): (&TenantName, Vec<&Overdue>)| {
        let line = |run: &&Overdue| {
            let what = if run.runs { "under way since" } else { "due since" };
            format!("{}: {what} {}", run.hunt, format_duration(now.since(run.since)))
        };
        Trouble {
            hunts: runs.iter().map(|run| Affected::on(&run.hunt, &run.tenant)).collect(),
            ..system(
                TroubleKind::RunsOverdue,
                tenant.as_str(),
                &format!("runs on {tenant} are overdue"),
                reasons(runs.iter().map(line)),
                Some("`huntd quota` shows what holds calls back, the log what holds runs back".to_owned()),
            )
        }
    };
    by_tenant.into_iter().map(of).collect()
}

/// A hunt that finds no row any more: `rows` is what its last complete results held, newest first.
#[must_use]
pub fn rows_missing(hunt: &Hunt, tenant: &TenantName, rows: &[u64]) -> Option<Trouble> {
    let empty = rows.iter().take_while(|rows| **rows == 0).count();
    let filled = rows.iter().skip(empty).take_while(|rows| **rows > 0).count();
    let is_missing = empty >= EMPTY && filled >= FILLED;
    is_missing.then(|| Trouble {
        kind: TroubleKind::RowsMissing,
        subject: format!("{}:{tenant}", hunt.id),
        headline: format!("{} finds nothing on {tenant}, where it always found rows", hunt.id),
        reasons: vec![format!("the last {empty} results are empty; the {filled} before had rows")],
        hint: Some("see whether the table still gets events, and whether the query still fits them".to_owned()),
        hunts: vec![Affected::on(&hunt.id, tenant)],
        owners: hunt.owner.iter().cloned().collect(),
        failures: 0,
    })
}

/// A hunt whose answer has other columns than before: what came and what went.
#[must_use]
pub fn columns(hunt: &Hunt, tenant: &TenantName, before: &[String], now: &[String]) -> Option<Trouble> {
    let missing = |of: &[String], from: &[String]| -> Vec<String> {
        of.iter().filter(|name| !from.contains(name)).cloned().collect()
    };
    let (gone, new) = (missing(before, now), missing(now, before));
    let line = |what: &str, names: &[String]| (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")));
    let reasons: Vec<String> = [line("gone", &gone), line("new", &new)].into_iter().flatten().collect();
    (!reasons.is_empty()).then(|| Trouble {
        kind: TroubleKind::ColumnsChanged,
        subject: format!("{}:{tenant}:{}", hunt.id, now.join(",")),
        headline: format!("the columns of {} on {tenant} have changed, and its query hasn't", hunt.id),
        reasons,
        hint: Some(
            "a row is known by its columns: name a `key` that stays, and see whether filters still hold".to_owned(),
        ),
        hunts: vec![Affected::on(&hunt.id, tenant)],
        owners: hunt.owner.iter().cloned().collect(),
        failures: 0,
    })
}

/// Hunts that have run for `span` and more and have never found anything: one cause for all, as most are no trouble.
#[must_use]
pub fn never_fired(hunts: &[HuntId], span: Duration) -> Vec<Trouble> {
    if hunts.is_empty() {
        return Vec::new();
    }
    let (many, span) = (hunts.len(), format_duration(span));
    let headline = if many == 1 {
        format!("1 hunt has found nothing in {span}")
    } else {
        format!("{many} hunts have found nothing in {span}")
    };
    let trouble = system(
        TroubleKind::NeverFired,
        "hunts",
        &headline,
        reasons(hunts.iter().map(ToString::to_string)),
        Some(
            "give each a unit test (`tests:`), or a row of its own to find: a hunt that can't fire is worse than none"
                .to_owned(),
        ),
    );
    vec![trouble]
}

/// Deliveries that fail or wait for long: one cause a channel.
#[must_use]
pub fn deliveries(backlogs: &[Backlog], now: Timestamp) -> Vec<Trouble> {
    let of = |backlog: &Backlog| {
        let Backlog { channel, waiting, failed, oldest, error } = backlog;
        let waits = format!("{waiting} wait, the oldest for {}", format_duration(now.since(*oldest)));
        let counts = match (waiting, failed) {
            (0, failed) => format!("{failed} were given up"),
            (_, 0) => waits,
            (_, failed) => format!("{waits}; {failed} were given up"),
        };
        system(
            TroubleKind::DeliveriesFail,
            channel.as_str(),
            &format!("notices don't reach the channel {channel}"),
            [Some(counts), error.clone()].into_iter().flatten(),
            Some("`huntd deliveries --failed` lists them, `huntd deliveries retry --all` tries them again".to_owned()),
        )
    };
    backlogs.iter().map(of).collect()
}

/// The database's disk: free bytes of all.
#[must_use]
pub fn disk(free: u64, all: u64) -> Vec<Trouble> {
    let is_full = free < DISK_LEAST || free < DISK_PLENTY && free < all / DISK_SHARE;
    let of = || {
        let reason = format!("{} of {} are free", gib(free), gib(all));
        let hint = "free some space, or keep less: `retention:` in the config, then `huntd db prune`";
        system(TroubleKind::DiskFills, "database", "the database's disk fills", [reason], Some(hint.to_owned()))
    };
    is_full.then(of).into_iter().collect()
}

/// The database's own size against what the config allows it.
#[must_use]
pub fn database(bytes: u64, most: Option<u64>) -> Vec<Trouble> {
    let Some(most) = most.filter(|most| bytes >= most / 10 * 9) else { return Vec::new() };
    let reason = format!("it has {} of {}", gib(bytes), gib(most));
    let hint = "keep less: `retention:` in the config, then `huntd db prune`; or allow it more";
    vec![system(TroubleKind::DatabaseFills, "database", "the database nears its size", [reason], Some(hint.to_owned()))]
}

fn gib(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) / GIB;
    format!("{}.{} GiB", tenths / 10, tenths % 10)
}

/// A clock that isn't the API's: how far this machine's is ahead, by tenant, in nanoseconds.
#[must_use]
pub fn clock(ahead: &BTreeMap<TenantName, i64>) -> Vec<Trouble> {
    let limit = i64::try_from(SKEW.as_nanos()).unwrap_or(i64::MAX);
    let wrong: Vec<_> = ahead.iter().filter(|(_, nanos)| nanos.unsigned_abs() > limit.unsigned_abs()).collect();
    if wrong.is_empty() {
        return Vec::new();
    }
    let line = |(tenant, nanos): &(&TenantName, &i64)| {
        let by = format_duration(Duration::from_secs(nanos.unsigned_abs() / 1_000_000_000));
        format!("it is {by} {} the clock of {tenant}", if **nanos > 0 { "ahead of" } else { "behind" })
    };
    let hint = "keep the clock by NTP: `timedatectl set-ntp true`, and `timedatectl timesync-status` to see it";
    vec![system(
        TroubleKind::ClockWrong,
        "clock",
        "this machine's clock is wrong",
        reasons(wrong.iter().map(line)),
        Some(hint.to_owned()),
    )]
}

/// A cause that is no hunt's own.
pub(super) fn system(
    kind: TroubleKind,
    subject: &str,
    headline: &str,
    reasons: impl IntoIterator<Item = String>,
    hint: Option<String>,
) -> Trouble {
    Trouble {
        kind,
        subject: subject.to_owned(),
        headline: headline.to_owned(),
        reasons: reasons.into_iter().collect(),
        hint,
        hunts: Vec::new(),
        owners: Vec::new(),
        failures: 0,
    }
}
