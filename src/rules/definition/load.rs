//! Files to hunts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::dialect::dialect_of;
use super::file::{FileKind, HuntFile, file_kind};
use super::layers::{Layer, layers_of, unknown_key};
use super::read::{OWN_KEYS, Reader, Schedules, Slot};
use super::sentinel::Translated;
use super::{custom_detection, sentinel};
use crate::model::config::HuntDefaults;
use crate::model::hit::HitKind;
use crate::model::hunt::{CatchUp, Dialect, FirstRun, Hunt, Severity, Source};
use crate::model::id::{HuntId, NameError};
use crate::model::limits::REQUEST_TIME;
use crate::model::place::{Finding, Level, Place};
use crate::model::time::Zone;
use crate::rules::check::notes::Notes;
use crate::rules::yaml::{self, Document, Entry, Node, Problem, Style, Value};

/// The default of `splay`.
pub(super) const SPLAY: Duration = Duration::from_secs(30);
/// The default of `report`.
pub(super) const REPORT: [HitKind; 2] = [HitKind::New, HitKind::Returned];
/// The default of `timeout`: as long as the service itself works on a request.
pub(super) const TIMEOUT: Duration = REQUEST_TIME;

/// What a set of files holds.
#[derive(Debug, Clone, Default)]
pub struct LoadedHunts {
    /// The hunts that are sound, in the order of their files.
    pub hunts: Vec<Hunt>,
    /// Every problem of every file, by file and place.
    pub findings: Vec<Finding>,
    /// Where the values of each hunt stand.
    pub places: BTreeMap<HuntId, HuntPlaces>,
}

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The file, as it was given: the hunt's own, or a `_defaults.yaml`.
    pub file: PathBuf,
    /// Where in it.
    pub place: Place,
}

/// Where the values of a hunt stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HuntPlaces {
    /// By key, such as `schedule`; entries of lists as `notify[0]`, of maps as `suppress.by[0]`. Of
    /// `allow`, the place is that of the code.
    pub values: BTreeMap<String, Spot>,
    /// How the query is written; with its place, its characters can be found in the file.
    pub query_style: Option<Style>,
    /// The codes of which `allow` has silenced a finding on loading.
    pub silenced: BTreeSet<&'static str>,
}

impl HuntPlaces {
    /// Where a value stands: the first of `keys` that has a place.
    #[must_use]
    pub fn spot(&self, keys: &[&str]) -> Option<&Spot> {
        keys.iter().find_map(|key| self.values.get(*key))
    }
}

/// Reads hunts. Files are taken by path, whatever order they come in, so that of two hunts with
/// the same id it is always the same one that is refused. Files that hold no hunts by their name
/// are left out.
#[must_use]
pub fn load(files: &[HuntFile], defaults: &HuntDefaults, zone: Zone) -> LoadedHunts {
    let mut files: Vec<_> = files.iter().collect();
    files.sort_by(|a, b| a.shown.cmp(&b.shown));
    let mut loader = Loader::begin(files.iter().copied(), defaults, zone);
    for file in files {
        loader.file(file);
    }
    loader.loaded.findings.sort_by(|a, b| (&a.file, a.place).cmp(&(&b.file, b.place)));
    loader.loaded
}

/// Reads hunts as [`load`] does, one file at a time: who looks at each once needn't hold the text of all, nor the place
/// of every value. The files come in the order of their paths.
#[must_use]
pub fn load_each(mut files: Vec<HuntFile>, defaults: &HuntDefaults, zone: Zone) -> Loading<'_> {
    files.sort_by(|a, b| a.shown.cmp(&b.shown));
    let loader = Loader::begin(files.iter(), defaults, zone);
    Loading { loader, files: files.into_iter() }
}

/// Hunts that are read one file at a time: each file, and what it holds. What is wrong with any defaults comes with the
/// first.
pub struct Loading<'a> {
    loader: Loader<'a>,
    files: std::vec::IntoIter<HuntFile>,
}

impl Iterator for Loading<'_> {
    type Item = (HuntFile, LoadedHunts);

    fn next(&mut self) -> Option<Self::Item> {
        let file = self.files.next()?;
        self.loader.file(&file);
        Some((file, std::mem::take(&mut self.loader.loaded)))
    }
}

/// A hunt with every default in its place, and no query.
pub(super) fn blank(id: HuntId, defaults: &HuntDefaults, zone: Zone) -> Hunt {
    Hunt {
        name: id.as_str().to_owned(),
        id,
        description: String::new(),
        severity: Severity::default(),
        tactics: Vec::new(),
        techniques: Vec::new(),
        tags: Vec::new(),
        owner: None,
        query: String::new(),
        schedule: defaults.schedule.clone(),
        timezone: zone,
        lookback: defaults.lookback,
        late: defaults.late,
        catch_up: CatchUp::default(),
        key: None,
        ignore: Vec::new(),
        report: REPORT.to_vec(),
        threshold: None,
        suppress: None,
        first_run: FirstRun::default(),
        tenants: None,
        notify: None,
        splay: SPLAY,
        timeout: TIMEOUT,
        enabled: true,
        allow: BTreeMap::new(),
        entities: Vec::new(),
        tests: Vec::new(),
        extra: BTreeMap::new(),
        dialect: Dialect::default(),
        source: Source::default(),
    }
}

struct Loader<'a> {
    defaults: &'a HuntDefaults,
    zone: Zone,
    layers: Vec<Layer>,
    loaded: LoadedHunts,
    /// Whose id is whose, broken hunts included: else a hunt would take the place of another while
    /// that one is broken.
    taken: BTreeMap<HuntId, Source>,
    schedules: Schedules,
}

impl<'a> Loader<'a> {
    /// With the layers of `files`.
    fn begin<'f>(files: impl Iterator<Item = &'f HuntFile>, defaults: &'a HuntDefaults, zone: Zone) -> Self {
        let mut loader = Self {
            defaults,
            zone,
            layers: Vec::new(),
            loaded: LoadedHunts::default(),
            taken: BTreeMap::new(),
            schedules: Schedules::default(),
        };
        for file in files.filter(|file| file_kind(&file.relative) == FileKind::Defaults) {
            let (layer, findings) = Layer::read(file, defaults, zone);
            loader.layers.push(layer);
            loader.loaded.findings.extend(findings);
        }
        loader
    }

    /// Reads a file, unless it holds no hunts by its name.
    fn file(&mut self, file: &HuntFile) {
        if file_kind(&file.relative) != FileKind::Hunts {
            return;
        }
        let documents = yaml::parse(&file.bytes);
        if documents.is_empty() {
            let mut notes = Notes::new(&file.shown);
            notes.warning("H026", Problem::new(Place::START, "the file holds no hunt"));
            self.loaded.findings.extend(notes.into_findings());
        }
        for document in documents {
            let mut notes = Notes::new(&file.shown);
            let hunt = self.document(file, &document, &mut notes);
            let allow = hunt.as_ref().map(|(hunt, _)| hunt.allow.clone()).unwrap_or_default();
            let meant = |finding: &Finding| finding.level != Level::Error && allow.contains_key(finding.code);
            let sound = !notes.has_errors();
            let (silenced, told): (Vec<_>, Vec<_>) = notes.into_findings().into_iter().partition(meant);
            if let Some((hunt, mut places)) = hunt.filter(|_| sound) {
                places.silenced = silenced.iter().map(|finding| finding.code).collect();
                self.loaded.places.insert(hunt.id.clone(), places);
                self.loaded.hunts.push(hunt);
            }
            self.loaded.findings.extend(told);
        }
    }

    /// Reads a document as far as it goes, so that all of its problems are found at once.
    fn document(&mut self, file: &HuntFile, document: &Document, notes: &mut Notes) -> Option<(Hunt, HuntPlaces)> {
        for problem in &document.problems {
            notes.error("H001", problem.clone());
        }
        let root = document.root.as_ref()?;
        let Some(entries) = root.entries() else {
            let message = format!("a hunt is a map of keys, and here is {}", root.kind());
            notes.error("H026", Problem::new(root.place, message));
            return None;
        };
        let dialect = dialect_of(entries);
        let Translated { entries: own, extra } = match dialect {
            Dialect::Huntd => own_document(entries, notes),
            Dialect::Sentinel => sentinel::translate(entries, notes),
            Dialect::CustomDetection => custom_detection::translate(entries, notes),
        };
        let line = entries.first().map_or(document.line, |entry| entry.key_place.line);
        let id = id_of(file, document.number, root.place, &own, notes)?;
        let source = Source { file: file.shown.clone(), line, commit: None };
        self.take(&id, &source, own.iter().find(|e| e.key == "id").map_or(root.place, |e| e.value.place), notes);
        let layers = layers_of(&self.layers, file);
        for layer in layers.iter().filter(|layer| layer.unreadable) {
            let message = format!("the defaults in {} can't be read, so the hunt isn't loaded", layer.file.display());
            notes.error("H025", Problem::new(root.place, message).hint("mend that file first"));
        }
        let mut hunt = blank(id, self.defaults, self.zone);
        hunt.extra = extra;
        hunt.dialect = dialect;
        hunt.source = source;
        let mut reader = Reader::new(&own, &layers, notes).in_file(&file.bytes).knowing(&self.schedules);
        reader.fill(&mut hunt);
        let places = places(&reader, file);
        missing_query(&hunt, &own, root.place, notes);
        Some((hunt, places))
    }

    /// Claims the id for the hunt at `source`, or refuses it.
    fn take(&mut self, id: &HuntId, source: &Source, place: Place, notes: &mut Notes) {
        let Some(Source { file, line, .. }) = self.taken.get(id) else {
            self.taken.insert(id.clone(), source.clone());
            return;
        };
        let message = format!("the id `{id}` is taken: {} has it, line {line}", file.display());
        notes.error("H009", Problem::new(place, message).hint("give one of the two hunts another id"));
    }
}

/// The id that is given, or else the default id.
fn id_of(file: &HuntFile, number: usize, root: Place, own: &[Entry], notes: &mut Notes) -> Option<HuntId> {
    let given = own.iter().find(|entry| entry.key == "id");
    let default = file.default_id(number);
    let mut warn = |place: Place, why: String| {
        let message = format!("{why}; `{}` is taken for it", default.escape_debug());
        notes.warning("H008", Problem::new(place, message));
    };
    match given.map(|entry| (entry, usable_id(&entry.value))) {
        Some((_, Ok(id))) => {
            notes.name_hunt(id.as_str());
            return Some(id);
        }
        Some((entry, Err(why))) => warn(entry.value.place, why),
        None => {}
    }
    match HuntId::new(&default) {
        Ok(id) => {
            notes.name_hunt(id.as_str());
            Some(id)
        }
        Err(error) => {
            let problem = Problem::new(root, format!("the path can't be the hunt's id: {error}"));
            notes.error("H008", problem.hint("give the hunt an `id`"));
            None
        }
    }
}

/// A query that is a list or a map has its finding already.
fn missing_query(hunt: &Hunt, own: &[Entry], root: Place, notes: &mut Notes) {
    let entry = own.iter().find(|entry| entry.key == "query");
    let wrong_kind = entry.is_some_and(|entry| !matches!(entry.value.value, Value::Scalar(_)));
    if hunt.query.trim().is_empty() && !wrong_kind {
        let problem = Problem::new(entry.map_or(root, |entry| entry.key_place), "the hunt has no query");
        notes.error("H004", problem.hint("give it one: `query: |`, and KQL below"));
    }
}

fn usable_id(node: &Node) -> Result<HuntId, String> {
    if node.is_null() {
        return Err("the id is empty".to_owned());
    }
    let text = yaml::text(node, "id").map_err(|problem| problem.message)?;
    HuntId::new(text.trim()).map_err(|error: NameError| error.to_string())
}

/// A document in huntd's own format: unknown keys are errors.
fn own_document(entries: &[Entry], notes: &mut Notes) -> Translated {
    let mut own = Translated::default();
    for entry in entries {
        if OWN_KEYS.contains(&entry.key.as_str()) {
            own.entries.push(entry.clone());
        } else {
            notes.error("H002", unknown_key(&entry.key, entry.key_place));
        }
    }
    own
}

fn places(reader: &Reader<'_>, file: &HuntFile) -> HuntPlaces {
    let mut places = HuntPlaces::default();
    for key in OWN_KEYS {
        let Some(Slot { entry, layer }) = reader.slot(key) else { continue };
        let file = layer.unwrap_or(Path::new(&file.shown));
        let mut put = |name: String, place: Place| {
            places.values.insert(name, Spot { file: file.to_path_buf(), place });
        };
        put(key.to_owned(), entry.value.place);
        match &entry.value.value {
            Value::List(nodes) => put_entries(key, nodes, &mut put),
            Value::Map(entries) if matches!(key, "suppress" | "allow") => {
                for entry in entries {
                    let name = format!("{key}.{}", entry.key);
                    put(name.clone(), if key == "allow" { entry.key_place } else { entry.value.place });
                    if let Value::List(nodes) = &entry.value.value {
                        put_entries(&name, nodes, &mut put);
                    }
                }
            }
            Value::Scalar(scalar) if key == "query" => places.query_style = Some(scalar.style),
            _ => {}
        }
    }
    places
}

fn put_entries(key: &str, nodes: &[Node], put: &mut impl FnMut(String, Place)) {
    for (index, node) in nodes.iter().enumerate() {
        put(format!("{key}[{index}]"), node.place);
    }
}
