//! What becomes of the hunts that run when the tree of hunts is loaded again.
//!
//! Promises: a hunt that no longer loads keeps its last good version running, as long as its file is there; a hunt
//! whose file is gone stops; what was not touched isn't changed; a load that leaves nothing, or that saw only a part of
//! the tree, changes nothing at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::model::id::HuntId;
use crate::model::place::{Finding, Level};
use crate::rules::definition::{FileKind, file_kind};

#[cfg(test)]
mod tests;

/// A hunt, as far as a reload must know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its id.
    pub id: HuntId,
    /// The file that it stands in.
    pub file: PathBuf,
    /// Its version (`definition::version`).
    pub version: String,
}

/// What a load changes for one hunt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Added,
    /// It is another version.
    Changed,
    /// Its file is gone, or no longer holds it: it stops, and its history stays.
    Removed,
    /// It no longer loads: its last good version goes on.
    Broken,
    /// It loads again after it was broken, in the version that ran all the time.
    Mended,
}

impl Change {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Broken => "broken",
            Self::Mended => "mended",
        }
    }
}

/// What a load comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reload {
    /// The hunts that keep their last good version, each with what is wrong now.
    pub kept: BTreeMap<HuntId, Finding>,
    /// All that changes, by hunt.
    pub changes: BTreeMap<HuntId, Change>,
}

/// Why a load changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There are too many files: the rest wasn't read, and which hunts are gone can't be told.
    #[error("{0}")]
    Partial(String),
    /// No hunt would run any more.
    #[error("no hunt would be left, where {0} ran")]
    NothingLeft(usize),
}

impl Refusal {
    /// How to mend it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Partial(_) => "take what is no hunt out of the hunts folder",
            Self::NothingLeft(_) => {
                "put the hunts back where `hunts:` in the config says; to end hunting, stop the service"
            }
        }
    }
}

/// What a load of the tree comes to, where the hunts of `before` ran (those of `broken` in a last good version), and
/// `loaded` and `findings` are what the tree says now.
pub fn reload(
    before: &[Known],
    broken: &BTreeSet<HuntId>,
    loaded: &[Known],
    findings: &[Finding],
) -> Result<Reload, Refusal> {
    if let Some(cut) = findings.iter().find(|finding| finding.code == "H029") {
        return Err(Refusal::Partial(cut.message.clone()));
    }
    let faults = Faults::of(findings);
    let now: BTreeMap<&HuntId, &Known> = loaded.iter().map(|known| (&known.id, known)).collect();
    let mut reload = Reload::default();
    for known in before {
        let here = now.get(&known.id).copied();
        // Where defaults can't be read, what loads below them isn't what was meant.
        let fault = match here {
            Some(here) => faults.of_defaults(&here.file),
            None => faults.of_hunt(known),
        };
        let change = match (fault, here) {
            (Some(fault), _) => {
                reload.kept.insert(known.id.clone(), fault.clone());
                (!broken.contains(&known.id)).then_some(Change::Broken)
            }
            (None, None) => Some(Change::Removed),
            (None, Some(here)) if here.version != known.version => Some(Change::Changed),
            (None, Some(_)) => broken.contains(&known.id).then_some(Change::Mended),
        };
        reload.changes.extend(change.map(|change| (known.id.clone(), change)));
    }
    let known: BTreeSet<&HuntId> = before.iter().map(|known| &known.id).collect();
    for id in now.into_keys().filter(|id| !known.contains(id)) {
        reload.changes.insert(id.clone(), Change::Added);
    }
    if !before.is_empty() && loaded.is_empty() && reload.kept.is_empty() {
        return Err(Refusal::NothingLeft(before.len()));
    }
    Ok(reload)
}

/// Whether a finding may keep a hunt from being loaded.
#[must_use]
pub fn is_fault(finding: &Finding) -> bool {
    finding.level == Level::Error
}

/// The errors that keep hunts from being loaded.
struct Faults<'a> {
    by_file: BTreeMap<&'a Path, Vec<&'a Finding>>,
    by_hunt: BTreeMap<&'a str, &'a Finding>,
}

impl<'a> Faults<'a> {
    fn of(findings: &'a [Finding]) -> Self {
        let mut faults = Self { by_file: BTreeMap::new(), by_hunt: BTreeMap::new() };
        for finding in findings.iter().filter(|finding| is_fault(finding)) {
            faults.by_file.entry(&finding.file).or_default().push(finding);
            if let Some(hunt) = &finding.hunt {
                faults.by_hunt.entry(hunt).or_insert(finding);
            }
        }
        faults
    }

    /// Why a hunt that is no longer there may be meant to be: an error in its file, or of a folder above that can't be
    /// read, or of a hunt with its id in another file. Of a file with an error, all that it held is kept: which of its
    /// hunts is meant can't always be told.
    fn of_hunt(&self, known: &Known) -> Option<&'a Finding> {
        let of_id = self.by_hunt.get(known.id.as_str()).copied();
        let of_file = self.by_file.get(known.file.as_path()).and_then(|findings| {
            let own = findings.iter().find(|finding| finding.hunt.as_deref() == Some(known.id.as_str()));
            own.or(findings.first()).copied()
        });
        of_file.or(of_id).or_else(|| self.of_folder(&known.file)).or_else(|| self.of_defaults(&known.file))
    }

    fn of_folder(&self, file: &Path) -> Option<&'a Finding> {
        let above = file.ancestors().skip(1).filter_map(|folder| self.by_file.get(folder));
        above.flatten().find(|finding| finding.code == "H028").copied()
    }

    /// Defaults above `file` that can't be read at all. What is wrong inside of defaults refuses the hunts itself.
    fn of_defaults(&self, file: &Path) -> Option<&'a Finding> {
        let unread = |(path, findings): (&&'a Path, &Vec<&'a Finding>)| {
            let name = Path::new(path.file_name()?);
            let above = file_kind(name) == FileKind::Defaults && file.starts_with(path.parent()?);
            findings.iter().find(|finding| above && finding.code == "H028").copied()
        };
        self.by_file.iter().find_map(unread)
    }
}
