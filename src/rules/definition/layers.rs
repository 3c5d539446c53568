//! `_defaults.yaml`: the weakest values of a folder's hunts.

use std::path::PathBuf;

use super::file::HuntFile;
use super::load::blank;
use super::read::{OWN_KEYS, Reader};
use crate::model::config::HuntDefaults;
use crate::model::id::HuntId;
use crate::model::place::{Finding, Place};
use crate::model::time::Zone;
use crate::rules::check::nearest::did_you_mean;
use crate::rules::check::notes::Notes;
use crate::rules::yaml::{self, Entry, Problem};

/// Keys that make a hunt what it is, and so can't be given to many.
const NOT_HERE: [&str; 4] = ["id", "name", "query", "tests"];

/// One `_defaults.yaml`.
#[derive(Debug)]
pub(super) struct Layer {
    /// The file, as it was given.
    pub(super) file: PathBuf,
    /// The hunts folder.
    root: PathBuf,
    /// The folder, below the hunts folder.
    folder: PathBuf,
    /// Its values.
    pub(super) entries: Vec<Entry>,
    /// Whether nothing of it can be read.
    pub(super) unreadable: bool,
}

impl Layer {
    /// Reads and checks a layer.
    pub(super) fn read(file: &HuntFile, defaults: &HuntDefaults, zone: Zone) -> (Self, Vec<Finding>) {
        let mut notes = Notes::new(&file.shown);
        let mut layer = Self {
            file: file.shown.clone(),
            root: file.root(),
            folder: file.folder().to_path_buf(),
            entries: Vec::new(),
            unreadable: false,
        };
        layer.read_documents(file, &mut notes);
        layer.check_values(defaults, zone, &mut notes);
        (layer, notes.into_findings())
    }

    fn read_documents(&mut self, file: &HuntFile, notes: &mut Notes) {
        for (index, document) in yaml::parse(&file.bytes).into_iter().enumerate() {
            self.unreadable |= !document.problems.is_empty();
            for problem in document.problems {
                notes.error("H001", problem);
            }
            let Some(root) = document.root else { continue };
            let Some(entries) = root.entries() else {
                self.unreadable = true;
                notes.error("H026", Problem::new(root.place, "the defaults must be a map of keys"));
                continue;
            };
            if index > 0 {
                self.unreadable = true;
                notes.error("H026", Problem::new(root.place, "a file of defaults holds one document"));
                continue;
            }
            self.entries = entries.to_vec();
        }
    }

    /// Tries each value by itself, so that a broken one spoils only the hunts that would take it.
    fn check_values(&mut self, defaults: &HuntDefaults, zone: Zone, notes: &mut Notes) {
        let Ok(id) = HuntId::new("defaults") else { return };
        for entry in &self.entries {
            if NOT_HERE.contains(&entry.key.as_str()) {
                let message = format!("`{}` belongs to one hunt, and can't be a default", entry.key);
                notes.error("H024", Problem::new(entry.key_place, message));
            } else if OWN_KEYS.contains(&entry.key.as_str()) {
                let mut own = Notes::new(&self.file);
                let mut trial = blank(id.clone(), defaults, zone);
                Reader::new(std::slice::from_ref(entry), &[], &mut own).fill(&mut trial);
                for finding in own.into_findings() {
                    let problem = Problem { place: finding.place, message: finding.message, hint: finding.hint };
                    notes.add(finding.level, finding.code, problem);
                }
            } else {
                notes.error("H002", unknown_key(&entry.key, entry.key_place));
            }
        }
        self.entries.retain(|entry| !NOT_HERE.contains(&entry.key.as_str()));
    }

    /// Whether it gives values to the hunts of `file`.
    fn covers(&self, file: &HuntFile) -> bool {
        self.root == file.root() && file.folder().starts_with(&self.folder)
    }
}

/// The layers of a file's hunts, nearest first.
pub(super) fn layers_of<'a>(layers: &'a [Layer], file: &HuntFile) -> Vec<&'a Layer> {
    let mut found: Vec<_> = layers.iter().filter(|layer| layer.covers(file)).collect();
    found.sort_by_key(|layer| std::cmp::Reverse(layer.folder.components().count()));
    found
}

/// An unknown key of huntd's own format.
pub(super) fn unknown_key(key: &str, place: Place) -> Problem {
    let problem = Problem::new(place, format!("`{}` is no key of a hunt", key.escape_debug()));
    match did_you_mean(key, OWN_KEYS) {
        Some(hint) => problem.hint(hint),
        None => problem.hint("the reference names all keys; what is only for you can stand below `extra`"),
    }
}
