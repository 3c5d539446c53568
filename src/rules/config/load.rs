//! The whole file.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::address;
use super::channel::{channel_names, channels};
use super::directories::Directories;
use super::route::{Known, NO_FAILURES, failures, routes};
use super::schema::schema;
use super::section::{Context, Section};
use super::tenant::tenants;
use super::upstream::upstream;
use crate::model::config::{Config, Heartbeat, HuntDefaults, Listen, Retention};
use crate::model::place::{Finding, Place};
use crate::model::schedule::Schedule;
use crate::model::time::Zone;
use crate::model::upstream::{Upstream, checkout_beside};
use crate::rules::check::notes::Notes;
use crate::rules::definition;
use crate::rules::yaml::{self, Node, Problem, Value};

const KEYS: [&str; 13] = [
    "hunts",
    "git",
    "database",
    "timezone",
    "defaults",
    "tenants",
    "channels",
    "routes",
    "failures",
    "heartbeat",
    "retention",
    "listen",
    "schema",
];
const DEFAULT_RETENTION: Retention =
    Retention { rows: Duration::from_hours(90 * 24), runs: Duration::from_hours(400 * 24), size: None };

/// The defaults of every hunt where the config, or the lack of one, says nothing: daily, over a
/// day, with half an hour for late events.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "it never does: a day is a valid interval")]
pub fn default_hunt_defaults() -> HuntDefaults {
    let daily = Schedule::parse("@daily").ok().or_else(|| Schedule::every(Duration::from_hours(24)));
    #[expect(clippy::expect_used, reason = "a day is more than the second that an interval must have")]
    let schedule = daily.expect("a day is a valid interval");
    HuntDefaults { schedule, lookback: Duration::from_hours(24), late: Duration::from_mins(30) }
}

/// Reads the config. `file` is its path as it was given: findings name it, and relative paths are
/// relative to its folder; `directories` stand in where it names none. A sound config may have warnings.
pub fn load(file: &Path, bytes: &[u8], directories: &Directories) -> Result<(Config, Vec<Finding>), Vec<Finding>> {
    let base = file.parent().map(Path::to_path_buf).unwrap_or_default();
    let mut context = Context { notes: Notes::new(file), base };
    let root = root(&mut context, bytes);
    let config = config(&mut context, &root, directories);
    let failed = context.notes.has_errors();
    let mut findings = context.notes.into_findings();
    findings.sort_by_key(|finding| finding.place);
    match config {
        Some(config) if !failed => Ok((config, findings)),
        _ => Err(findings),
    }
}

/// The one map of the file; an empty one where there is none.
fn root(context: &mut Context, bytes: &[u8]) -> Node {
    let mut root = Node { place: Place::START, value: Value::Map(Vec::new()) };
    for (index, document) in yaml::parse(bytes).into_iter().enumerate() {
        for problem in document.problems {
            context.notes.error("C001", problem);
        }
        let Some(node) = document.root else { continue };
        if index > 0 {
            context.notes.error("C001", Problem::new(node.place, "a config is one document, and here is another"));
        } else if node.entries().is_none() {
            let message = format!("a config is a map of keys, and here is {}", node.kind());
            context.notes.error("C001", Problem::new(node.place, message));
        } else {
            root = node;
        }
    }
    root
}

fn config(context: &mut Context, root: &Node, directories: &Directories) -> Option<Config> {
    // Nothing more can be said of a file that can't be read.
    if context.notes.has_errors() && root.entries().is_some_and(<[_]>::is_empty) {
        return None;
    }
    let section = Section::open(context, root, "", &KEYS)?;
    let hunts = section.read(context, "hunts", paths).unwrap_or_else(|| vec![context.path("hunts")]);
    let database = section.read(context, "database", Context::text);
    let database = database.map_or_else(|| directories.database(), |path| context.path(&path));
    let git = git(context, &section, &database);
    let timezone =
        section.read(context, "timezone", |context, node, _| context.notes.keep("C012", definition::zone(node)));
    let defaults = section.read(context, "defaults", defaults).unwrap_or_else(default_hunt_defaults);
    let tenants = section.read(context, "tenants", |context, node, _| Some(tenants(context, node))).unwrap_or_default();
    let channels = section.read(context, "channels", |context, node, _| Some(channels(context, node)));
    let known =
        Known { channels: channel_names(section.get("channels")), tenants: channel_names(section.get("tenants")) };
    empty(context, &section, &known);
    let routes = section.read(context, "routes", |context, node, _| Some(routes(context, node, &known)));
    let failures = section.read(context, "failures", |context, node, _| failures(context, node, &known));
    Some(Config {
        hunts: git.as_ref().map_or(hunts, |git| vec![git.hunts()]),
        git,
        database,
        timezone: timezone.unwrap_or(Zone::UTC),
        defaults,
        tenants,
        channels: channels.unwrap_or_default(),
        routes: routes.unwrap_or_default(),
        failures: failures.unwrap_or(NO_FAILURES),
        heartbeat: heartbeat(context, &section),
        retention: retention(context, &section),
        listen: listen(context, root, &section, directories),
        schema: section.read(context, "schema", schema).unwrap_or_default(),
    })
}

/// Such a config is allowed, and does nothing.
fn empty(context: &mut Context, section: &Section<'_>, known: &Known) {
    let place = |key: &str| section.entry(key).map_or(Place::START, |entry| entry.key_place);
    if known.tenants.is_empty() {
        context.notes.warning("C014", Problem::new(place("tenants"), "the config has no tenant, so no hunt can run"));
    }
    if known.channels.is_empty() {
        let message = "the config has no channel, so hits are stored and told to nobody";
        context.notes.warning("C014", Problem::new(place("channels"), message));
    }
}

/// The repository of the hunts, and its checkout beside the database.
fn git(context: &mut Context, section: &Section<'_>, database: &Path) -> Option<Upstream> {
    let checkout = checkout_beside(database);
    let git = section.read(context, "git", |context, node, what| upstream(context, node, what, checkout));
    if let (Some(_), Some(hunts)) = (section.entry("git"), section.entry("hunts")) {
        let problem = Problem::new(hunts.key_place, "`hunts` and `git` both say where the hunts are");
        let hint = "leave out one of them; `folder` of `git` names the folder of the repository that holds the hunts";
        context.notes.error("C018", problem.hint(hint));
    }
    git
}

fn paths(context: &mut Context, node: &Node, what: &str) -> Option<Vec<PathBuf>> {
    let words = context.words(node, what)?;
    if words.is_empty() {
        context.notes.error("C004", Problem::new(node.place, format!("`{what}` names no folder")));
        return None;
    }
    Some(words.into_iter().map(|(_, path)| context.path(&path)).collect())
}

fn defaults(context: &mut Context, node: &Node, what: &str) -> Option<HuntDefaults> {
    let section = Section::open(context, node, what, &["schedule", "lookback", "late"])?;
    let built_in = default_hunt_defaults();
    let schedule =
        section.read(context, "schedule", |context, node, _| context.notes.keep("C013", definition::schedule(node)));
    Some(HuntDefaults {
        schedule: schedule.unwrap_or(built_in.schedule),
        lookback: section.read(context, "lookback", positive).unwrap_or(built_in.lookback),
        late: section.read(context, "late", duration).unwrap_or(built_in.late),
    })
}

fn duration(context: &mut Context, node: &Node, what: &str) -> Option<Duration> {
    context.keep(yaml::duration(node, what))
}

pub(super) fn positive(context: &mut Context, node: &Node, what: &str) -> Option<Duration> {
    let length = duration(context, node, what)?;
    if length.is_zero() {
        context.notes.error("C004", Problem::new(node.place, format!("`{what}` must be more than nothing")));
        return None;
    }
    Some(length)
}

fn heartbeat(context: &mut Context, section: &Section<'_>) -> Option<Heartbeat> {
    let entry = section.entry("heartbeat")?;
    let section = Section::open(context, &entry.value, "heartbeat", &["url", "every"])?;
    let url = section.need(context, "url").and_then(|node| address::http(context, node, &section.name("url")));
    let every = section.read(context, "every", positive);
    Some(Heartbeat { url: url?, every: every.unwrap_or(Duration::from_mins(1)) })
}

fn retention(context: &mut Context, section: &Section<'_>) -> Retention {
    let Some(entry) = section.entry("retention") else { return DEFAULT_RETENTION };
    let Some(section) = Section::open(context, &entry.value, "retention", &["rows", "runs", "size"]) else {
        return DEFAULT_RETENTION;
    };
    Retention {
        rows: section.read(context, "rows", positive).unwrap_or(DEFAULT_RETENTION.rows),
        runs: section.read(context, "runs", positive).unwrap_or(DEFAULT_RETENTION.runs),
        size: section.read(context, "size", size),
    }
}

/// A number of bytes, such as `20GiB`.
fn size(context: &mut Context, node: &Node, what: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 3] = [("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];
    let text = context.text(node, what)?;
    let of = |(unit, bytes): &(&str, u64)| {
        text.strip_suffix(unit)?.trim_end().parse::<u64>().ok()?.checked_mul(*bytes).filter(|bytes| *bytes > 0)
    };
    let size = UNITS.iter().find_map(of);
    if size.is_none() {
        let message = format!("`{what}`: `{}` is no size", text.escape_debug());
        context
            .notes
            .error("C004", Problem::new(node.place, message).hint("write it as 20GiB; MiB and TiB are known too"));
    }
    size
}

/// `null` means nowhere, and so differs from a key that is left out.
fn listen(context: &mut Context, root: &Node, section: &Section<'_>, directories: &Directories) -> Option<Listen> {
    let built_in = Listen::Address(SocketAddr::from((Ipv4Addr::LOCALHOST, 9464)));
    let Some(entry) = section.entry("listen") else { return root.get("listen").is_none().then_some(built_in) };
    let (text, place) = (context.text(&entry.value, "listen")?, entry.value.place);
    if text == "unix" {
        return Some(Listen::Unix(directories.socket()));
    }
    if let Some(path) = text.strip_prefix("unix:") {
        if path.is_empty() {
            context.notes.error(
                "C004",
                Problem::new(place, "`listen` names no path after `unix:`; `unix` alone is the service's own socket"),
            );
            return None;
        }
        return Some(Listen::Unix(context.path(path)));
    }
    let wrong = "`listen` must be an address with a port, such as 127.0.0.1:9464, or unix, or unix:/PATH";
    let address = context.keep(text.parse().map_err(|_| Problem::new(place, wrong)))?;
    let listen = Listen::Address(address);
    if !listen.is_loopback() {
        let message = format!("whoever reaches {address} can read metrics and health, with no password and no TLS");
        let hint = "write 127.0.0.1 or unix, or let a proxy or a firewall say who may";
        context.notes.warning("C019", Problem::new(place, message).hint(hint));
    }
    Some(listen)
}
