//! huntd's own keys, merged over layers, to the values of a hunt.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use serde_json::Value as Json;

use super::layers::Layer;
use super::placeholder::placeholder;
use super::values::{allow, is_technique, pick, schedule, suppress, test_problems, threshold, zone};
use crate::model::hit::HitKind;
use crate::model::hunt::{CatchUp, FirstRun, Hunt, Severity};
use crate::model::id::{ChannelName, NameError, TenantName};
use crate::model::limits::DATA_AGE;
use crate::model::place::Place;
use crate::model::schedule::Schedule;
use crate::model::time::format_duration;
use crate::rules::check::nearest::did_you_mean;
use crate::rules::check::notes::Notes;
use crate::rules::yaml::{self, Entry, Node, Problem, Words};

/// Every key of huntd's own, in the order of the reference.
pub(super) const OWN_KEYS: [&str; 29] = [
    "id",
    "name",
    "description",
    "severity",
    "tactics",
    "techniques",
    "tags",
    "owner",
    "query",
    "schedule",
    "timezone",
    "lookback",
    "late",
    "catch_up",
    "key",
    "ignore",
    "report",
    "threshold",
    "suppress",
    "first_run",
    "tenants",
    "notify",
    "splay",
    "timeout",
    "enabled",
    "allow",
    "entities",
    "extra",
    "tests",
];

/// Reads one hunt, or one layer.
pub(super) struct Reader<'a> {
    own: &'a [Entry],
    /// Nearest first.
    layers: &'a [&'a Layer],
    /// The bytes of the hunt's file.
    file: &'a [u8],
    notes: &'a mut Notes,
    /// The schedules of the hunts before.
    schedules: Option<&'a Schedules>,
}

/// Schedules by their text: to read one again takes time, and to keep it twice space.
pub(super) type Schedules = RefCell<BTreeMap<String, Schedule>>;

/// A value, and the file that it stands in where that isn't the hunt's own.
#[derive(Clone, Copy)]
pub(super) struct Slot<'a> {
    pub(super) entry: &'a Entry,
    pub(super) layer: Option<&'a Path>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(own: &'a [Entry], layers: &'a [&'a Layer], notes: &'a mut Notes) -> Self {
        Self { own, layers, file: &[], notes, schedules: None }
    }

    /// With the file's bytes, for places inside the query.
    pub(super) fn in_file(self, file: &'a [u8]) -> Self {
        Self { file, ..self }
    }

    /// Knowing the schedules that were read before, and adding to them.
    pub(super) fn knowing(self, schedules: &'a Schedules) -> Self {
        Self { schedules: Some(schedules), ..self }
    }

    /// The strongest value of a key, also where it is nothing.
    pub(super) fn slot(&self, key: &str) -> Option<Slot<'a>> {
        let of = |entries: &'a [Entry]| entries.iter().find(|entry| entry.key == key);
        let own = of(self.own).map(|entry| Slot { entry, layer: None });
        own.or_else(|| {
            self.layers.iter().find_map(|layer| Some(Slot { entry: of(&layer.entries)?, layer: Some(&layer.file) }))
        })
    }

    /// Reads a key, unless it is missing or nothing. Values of a layer were checked there: their
    /// findings aren't repeated here, and a broken one refuses the hunt.
    fn read<T>(&mut self, key: &str, read: impl FnOnce(&mut Self, &'a Node) -> Option<T>) -> Option<T> {
        let slot = self.slot(key).filter(|slot| !slot.entry.value.is_null())?;
        let Some(file) = slot.layer else { return read(self, &slot.entry.value) };
        self.notes.mute(true);
        let value = read(self, &slot.entry.value);
        self.notes.mute(false);
        if value.is_none() {
            let message = format!("`{key}` comes from {}, and is broken there", file.display());
            self.notes
                .error("H025", Problem::new(self.start(), message).hint("mend it there, or give the hunt its own"));
        }
        value
    }

    /// Where the document begins.
    fn start(&self) -> Place {
        self.own.first().map_or(Place::START, |entry| entry.key_place)
    }

    fn text(&mut self, key: &str) -> Option<String> {
        self.read(key, |reader, node| reader.notes.keep("H003", yaml::text(node, key)))
    }

    fn boolean(&mut self, key: &str) -> Option<bool> {
        self.read(key, |reader, node| reader.notes.keep("H003", yaml::boolean(node, key)))
    }

    fn duration(&mut self, key: &str) -> Option<Duration> {
        self.read(key, |reader, node| reader.notes.keep("H003", yaml::duration(node, key)))
    }

    fn positive(&mut self, key: &str) -> Option<Duration> {
        self.read(key, |reader, node| {
            let length = reader.notes.keep("H003", yaml::duration(node, key))?;
            if length.is_zero() {
                reader.notes.error("H003", Problem::new(node.place, format!("`{key}` must be more than nothing")));
                return None;
            }
            Some(length)
        })
    }

    /// The texts of a list; one text in its place is taken with a warning.
    fn words(&mut self, key: &str, node: &'a Node) -> Option<Words<'a>> {
        let (words, single) = self.notes.keep("H003", yaml::word_list(node, key))?;
        if single {
            let problem = Problem::new(node.place, format!("`{key}` is a list, and here is a single text"));
            self.notes.warning("H012", problem.hint(format!("write `{key}: [{}]`", yaml::word(&node_text(node)))));
        }
        if let Some((empty, _)) = words.iter().find(|(_, word)| word.is_empty()) {
            self.notes.error("H003", Problem::new(empty.place, format!("an entry of `{key}` is empty")));
            return None;
        }
        Some(words)
    }

    fn word_list(&mut self, key: &str) -> Option<Vec<String>> {
        self.read(key, |reader, node| Some(reader.words(key, node)?.into_iter().map(|(_, word)| word).collect()))
    }

    /// Texts of a list in which public files have empty entries: these are left out with a warning.
    fn loose_words(&mut self, key: &str, node: &'a Node) -> Option<Words<'a>> {
        let yaml::Value::List(nodes) = &node.value else { return self.words(key, node) };
        let mut words = Vec::new();
        for node in nodes {
            match yaml::text(node, key) {
                Ok(word) if !word.trim().is_empty() => words.push((node, word.trim().to_owned())),
                Ok(_) => self.empty_entry(key, node),
                Err(_) if node.is_null() => self.empty_entry(key, node),
                Err(problem) => {
                    self.notes.error("H003", problem);
                    return None;
                }
            }
        }
        Some(words)
    }

    fn empty_entry(&mut self, key: &str, node: &Node) {
        self.notes.warning("H012", Problem::new(node.place, format!("an entry of `{key}` is empty, and is left out")));
    }

    /// Names of tenants or channels.
    fn names<T>(&mut self, key: &str, node: &'a Node, make: impl Fn(String) -> Result<T, NameError>) -> Option<Vec<T>> {
        let words = self.words(key, node)?.into_iter();
        let names = words.map(|(node, word)| make(word).map_err(|error| Problem::new(node.place, error.to_string())));
        self.notes.keep("H003", names.collect())
    }

    /// A word out of a few.
    fn choice<T: Copy>(&mut self, key: &str, choices: &[(&'static str, T)]) -> Option<T> {
        self.read(key, |reader, node| {
            let word = reader.notes.keep("H003", yaml::text(node, key))?;
            reader.notes.keep("H010", pick(key, node.place, &word, choices))
        })
    }

    /// Fills a hunt that has its id, and the defaults in every other place.
    pub(super) fn fill(&mut self, hunt: &mut Hunt) {
        self.fill_words(hunt);
        self.fill_timing(hunt);
        self.fill_identity(hunt);
        self.fill_telling(hunt);
        self.fill_rest(hunt);
    }

    fn fill_words(&mut self, hunt: &mut Hunt) {
        if let Some(name) = self.text("name").map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()) {
            hunt.name = name;
        }
        set(&mut hunt.description, self.text("description"));
        set(&mut hunt.severity, self.read("severity", Self::severity));
        let tactics = self.read("tactics", |reader, node| reader.loose_words("tactics", node));
        set(&mut hunt.tactics, tactics.map(|words| words.into_iter().map(|(_, word)| word).collect()));
        set(&mut hunt.techniques, self.read("techniques", Self::techniques));
        set(&mut hunt.tags, self.word_list("tags"));
        hunt.owner = self.text("owner").map(|owner| owner.trim().to_owned()).filter(|owner| !owner.is_empty());
        set(&mut hunt.entities, self.word_list("entities"));
    }

    /// An unknown severity still tells hits, with a warning: public files have such.
    fn severity(&mut self, node: &'a Node) -> Option<Severity> {
        let names = Severity::ALL.map(Severity::as_str);
        let word = self.notes.keep("H003", yaml::text(node, "severity"))?;
        Some(Severity::parse(&word).unwrap_or_else(|| {
            let message = format!("`{}` is no severity, and medium is taken", word.escape_debug());
            let hint = did_you_mean(&word, names).unwrap_or_else(|| format!("one of {}", names.join(", ")));
            self.notes.warning("H011", Problem::new(node.place, message).hint(hint));
            Severity::default()
        }))
    }

    fn techniques(&mut self, node: &'a Node) -> Option<Vec<String>> {
        let words = self.loose_words("techniques", node)?;
        for (node, word) in words.iter().filter(|(_, word)| !is_technique(word)) {
            let message = format!("`{}` is no ATT&CK technique", word.escape_debug());
            self.notes.warning("H013", Problem::new(node.place, message).hint("they look like T1059 or T1059.001"));
        }
        Some(words.into_iter().map(|(_, word)| word).collect())
    }

    fn fill_timing(&mut self, hunt: &mut Hunt) {
        set(&mut hunt.schedule, self.read("schedule", Self::schedule));
        set(&mut hunt.timezone, self.read("timezone", |reader, node| reader.notes.keep("H006", zone(node))));
        if let Some(lookback) = self.positive("lookback") {
            hunt.lookback = lookback;
            self.long_lookback(lookback);
        }
        set(&mut hunt.late, self.duration("late"));
        set(&mut hunt.catch_up, self.catch_up());
        set(&mut hunt.splay, self.duration("splay"));
        set(&mut hunt.timeout, self.positive("timeout"));
    }

    /// `auto`, `skip`, or how much of the past a new hunt catches up.
    fn catch_up(&mut self) -> Option<CatchUp> {
        let choices = [("auto", CatchUp::Auto), ("skip", CatchUp::Skip)];
        self.read("catch_up", |reader, node| {
            match yaml::duration(node, "catch_up") {
                Ok(past) if !past.is_zero() => return Some(CatchUp::Past(past.min(DATA_AGE))),
                _ => {}
            }
            let word = reader.notes.keep("H003", yaml::text(node, "catch_up"))?;
            reader.notes.keep("H010", pick("catch_up", node.place, &word, &choices))
        })
    }

    fn schedule(&mut self, node: &'a Node) -> Option<Schedule> {
        let text = node.scalar().map_or("", |scalar| scalar.text.as_str());
        if let Some(known) = self.schedules.and_then(|schedules| schedules.borrow().get(text).cloned()) {
            return Some(known);
        }
        let schedule = self.notes.keep("H005", schedule(node))?;
        if let Some(schedules) = self.schedules {
            schedules.borrow_mut().insert(text.to_owned(), schedule.clone());
        }
        Some(schedule)
    }

    fn long_lookback(&mut self, lookback: Duration) {
        let Some(slot) = self.slot("lookback").filter(|slot| slot.layer.is_none()) else { return };
        if lookback > DATA_AGE {
            let age = format_duration(DATA_AGE);
            let problem = Problem::new(slot.entry.value.place, format!("the API's data reaches back only {age}"));
            self.notes.warning("H027", problem.hint(format!("write `lookback: {age}`, or less")));
        }
    }

    fn fill_identity(&mut self, hunt: &mut Hunt) {
        hunt.key = self.read("key", |reader, node| {
            let words = reader.words("key", node)?;
            if words.is_empty() {
                let problem = Problem::new(node.place, "`key` names no column");
                reader.notes.error("H015", problem.hint("leave `key` out, and every column is the key"));
                return None;
            }
            Some(words.into_iter().map(|(_, word)| word).collect())
        });
        set(&mut hunt.ignore, self.word_list("ignore"));
        let both = hunt.key.iter().flatten().find(|column| hunt.ignore.contains(column));
        if let Some(column) = both {
            let own = ["ignore", "key"].into_iter().filter_map(|key| self.slot(key)).find(|slot| slot.layer.is_none());
            let place = own.map_or_else(|| self.start(), |slot| slot.entry.value.place);
            let message = format!("the column `{}` is both in `key` and in `ignore`", column.escape_debug());
            self.notes.warning("H015", Problem::new(place, message).hint("take it out of one of them"));
        }
    }

    fn fill_telling(&mut self, hunt: &mut Hunt) {
        set(&mut hunt.report, self.read("report", Self::report));
        hunt.threshold = self.read("threshold", |reader, node| reader.notes.keep("H016", threshold(node)));
        hunt.suppress = self.read("suppress", |reader, node| reader.notes.keep("H017", suppress(node)));
        let first_run = [("notify", FirstRun::Notify), ("baseline", FirstRun::Baseline)];
        set(&mut hunt.first_run, self.choice("first_run", &first_run));
        hunt.tenants = self.read("tenants", |reader, node| {
            let tenants = reader.names("tenants", node, TenantName::new)?;
            if tenants.is_empty() {
                let problem = Problem::new(node.place, "`tenants` names no tenant");
                reader.notes.error("H003", problem.hint("leave it out for all tenants, or say `enabled: false`"));
                return None;
            }
            Some(tenants)
        });
        hunt.notify = self.read("notify", |reader, node| reader.names("notify", node, ChannelName::new));
    }

    fn report(&mut self, node: &'a Node) -> Option<Vec<HitKind>> {
        let words = self.words("report", node)?;
        if words.is_empty() {
            let problem = Problem::new(node.place, "`report` names no kind of hit");
            self.notes.error("H010", problem.hint("leave it out for `[new, returned]`; `notify: []` tells nobody"));
            return None;
        }
        let choices = HitKind::ALL.map(|kind| (kind.as_str(), kind));
        let picked = words.into_iter().map(|(node, word)| pick("report", node.place, &word, &choices));
        let mut kinds = self.notes.keep("H010", picked.collect::<Result<Vec<_>, _>>())?;
        kinds.sort_unstable();
        kinds.dedup();
        Some(kinds)
    }

    fn fill_rest(&mut self, hunt: &mut Hunt) {
        set(&mut hunt.enabled, self.boolean("enabled"));
        set(&mut hunt.allow, self.read("allow", |reader, node| reader.notes.keep("H019", allow(node))));
        let extra = self.read("extra", |reader, node| reader.notes.keep("H003", yaml::map(node, "extra")));
        for entry in extra.into_iter().flatten() {
            hunt.extra.insert(entry.key.clone(), entry.value.to_json());
        }
        set(&mut hunt.tests, self.read("tests", Self::tests));
        self.query(hunt);
    }

    fn query(&mut self, hunt: &mut Hunt) {
        let Some(query) = self.text("query") else { return };
        if let Some(bytes) = placeholder(&query) {
            let found = query.get(bytes.clone()).unwrap_or_default();
            let message = format!("the placeholder `{}` is left in the query", found.escape_debug());
            let place = self.in_query(bytes);
            self.notes.warning("H014", Problem::new(place, message).hint("put a value in its place"));
        }
        hunt.query = query;
    }

    /// The place of a stretch of the query; of all of it where that can't be said.
    fn in_query(&self, bytes: Range<usize>) -> Place {
        let Some(slot) = self.slot("query") else { return Place::START };
        let node = &slot.entry.value;
        let file = std::str::from_utf8(self.file).unwrap_or_default();
        let origin = node.scalar().and_then(|scalar| yaml::Origin::of(file, node.place, scalar));
        origin.map_or(node.place, |origin| origin.place(bytes))
    }

    fn tests(&mut self, node: &'a Node) -> Option<Vec<Json>> {
        let yaml::Value::List(tests) = &node.value else {
            let message = format!("`tests` must be a list, and here is {}", node.kind());
            self.notes.error("H018", Problem::new(node.place, message));
            return None;
        };
        let problems: Vec<_> = tests.iter().flat_map(test_problems).collect();
        let sound = problems.is_empty();
        for problem in problems {
            self.notes.error("H018", problem);
        }
        sound.then(|| tests.iter().map(Node::to_json).collect())
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn node_text(node: &Node) -> String {
    node.scalar().map(|scalar| scalar.text.trim().to_owned()).unwrap_or_default()
}
