//! The hunts that run: those that load, and the last good versions of those that don't.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::adapters::checkout;
use crate::model::config::Config;
use crate::model::hunt::Hunt;
use crate::model::id::HuntId;
use crate::model::notice_hunt::NoticeHunt;
use crate::model::place::Finding;
use crate::model::standing::{Broken, Standing, StandingVersion};
use crate::model::time::Timestamp;
use crate::ports::store::Store;
use crate::ports::store::error::StoreError;
use crate::rules::definition::{self, HuntFile};
use crate::rules::reload::{self, Change, Known, Refusal};

use super::setup::Tree;

/// A hunt that runs.
#[derive(Debug, Clone)]
pub struct Stander {
    /// The version that runs.
    pub hunt: Arc<Hunt>,
    /// What is wrong with its file; then the version is the last good one. Boxed, as of ten thousand hunts few have it.
    pub broken: Option<Box<Broken>>,
}

/// The hunts that run, by id.
#[derive(Debug, Clone, Default)]
pub struct Stand {
    /// Them.
    pub hunts: BTreeMap<HuntId, Stander>,
    /// What is wrong with files of which no hunt runs, the first of each.
    pub unloaded: Vec<Broken>,
}

impl Stand {
    /// What runs at a start: what loads, and in their last good versions the hunts that stood before and are broken
    /// now.
    pub async fn begin(
        store: &Store,
        config: &Config,
        hunts: &[Arc<Hunt>],
        findings: &[Finding],
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut stand = Self::default();
        for hunt in hunts {
            stand.hunts.insert(hunt.id.clone(), Stander { hunt: Arc::clone(hunt), broken: None });
        }
        stand.hunts.extend(Self::last_good(store, config, hunts, findings, now).await?.hunts);
        stand.unloaded = unloaded(&whole_paths(findings), &stand.hunts, &[], now);
        Ok(stand)
    }

    /// The last good versions of hunts that stood at the last load, and that don't load now.
    pub async fn last_good(
        store: &Store,
        config: &Config,
        hunts: &[Arc<Hunt>],
        findings: &[Finding],
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut stand = Self::default();
        if !findings.iter().any(reload::is_fault) {
            return Ok(stand);
        }
        let stood = store.standing().await?;
        for (id, broken) in kept(&stood, hunts, findings, now) {
            let Some(before) = stood.iter().find(|one| one.hunt == id) else { continue };
            let Some(text) = store.definition(&id, &before.version).await? else { continue };
            if let Some(hunt) = again(before, text, config) {
                stand.hunts.insert(id, Stander { hunt: Arc::new(hunt), broken: Some(Box::new(broken)) });
            }
        }
        Ok(stand)
    }

    /// What runs after the tree was loaded again, and what that changes.
    pub fn reload(&self, tree: &Tree, now: Timestamp) -> Result<(Self, BTreeMap<HuntId, Change>), Refusal> {
        let before: Vec<Known> = self.hunts.values().map(|one| known(&one.hunt)).collect();
        let broken: BTreeSet<HuntId> =
            self.hunts.iter().filter(|(_, one)| one.broken.is_some()).map(|(id, _)| id.clone()).collect();
        let loaded: Vec<Known> = tree.hunts.iter().map(|hunt| known(hunt)).collect();
        let findings = whole_paths(&tree.findings);
        let reload = reload::reload(&before, &broken, &loaded, &findings)?;
        let mut after = Self::default();
        for hunt in &tree.hunts {
            after.hunts.insert(hunt.id.clone(), Stander { hunt: Arc::clone(hunt), broken: None });
        }
        for (id, finding) in reload.kept {
            let Some(one) = self.hunts.get(&id) else { continue };
            let fault = fault(&finding, one.broken.as_deref(), now);
            after.hunts.insert(id, Stander { hunt: Arc::clone(&one.hunt), broken: Some(Box::new(fault)) });
        }
        after.unloaded = unloaded(&findings, &after.hunts, &self.unloaded, now);
        Ok((after, reload.changes))
    }

    /// The versions that run.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Hunt>> {
        self.hunts.values().map(|one| Arc::clone(&one.hunt)).collect()
    }

    /// Those that run in their last good version, and why.
    pub fn broken(&self) -> impl Iterator<Item = (&Arc<Hunt>, &Broken)> {
        self.hunts.values().filter_map(|one| Some((&one.hunt, one.broken.as_deref()?)))
    }

    /// Keeps how the hunts stand, for the next start and for `list`. Of ten thousand, some are compared at a time, and
    /// what changed is written: the texts of all at once would be larger than the hunts.
    pub async fn keep(&self, store: &Store) -> Result<(), StoreError> {
        let (mut hunts, mut after) = (self.hunts.values().peekable(), None);
        loop {
            let page = store.standing_after(after.as_ref(), AT_ONCE).await?;
            // Nothing stood after a page that isn't full.
            after = page.get(AT_ONCE - 1).map(|one| one.hunt.clone());
            let stood: BTreeMap<HuntId, Standing> = page.into_iter().map(|one| (one.hunt.clone(), one)).collect();
            let gone: Vec<HuntId> = stood.keys().filter(|id| !self.hunts.contains_key(*id)).cloned().collect();
            store.stand(&[], &gone).await?;
            let mut put = Vec::new();
            while let Some(one) = hunts.next_if(|one| after.as_ref().is_none_or(|last| one.hunt.id <= *last)) {
                put.extend(changed(one, &stood));
                if put.len() == AT_ONCE {
                    store.stand(&put, &[]).await?;
                    put.clear();
                }
            }
            store.stand(&put, &[]).await?;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

/// So many hunts are read and written at a time.
const AT_ONCE: usize = 200;

/// How a hunt stands, where that isn't how it stood.
fn changed(one: &Stander, stood: &BTreeMap<HuntId, Standing>) -> Option<StandingVersion> {
    let Known { id, file, version } = known(&one.hunt);
    let commit = one.hunt.source.commit.as_deref().map(str::to_owned);
    let standing = Standing { hunt: id, file, version, commit, broken: one.broken.as_deref().cloned() };
    (stood.get(&standing.hunt) != Some(&standing)).then(|| StandingVersion {
        standing,
        definition: definition::print(&one.hunt),
        notice: NoticeHunt::of(&one.hunt),
    })
}

/// The hunts that stood, and that are broken now, with what is wrong.
fn kept(stood: &[Standing], hunts: &[Arc<Hunt>], findings: &[Finding], now: Timestamp) -> BTreeMap<HuntId, Broken> {
    let before: Vec<Known> = stood
        .iter()
        .map(|one| Known { id: one.hunt.clone(), file: one.file.clone(), version: one.version.clone() })
        .collect();
    let loaded: Vec<Known> = hunts.iter().map(|hunt| known(hunt)).collect();
    // At a start there is nothing to go on with: what can be told broken is, however little was read.
    let Ok(reload) = reload::reload(&before, &BTreeSet::new(), &loaded, &whole_paths(findings)) else {
        return BTreeMap::new();
    };
    let broken = |(id, finding): (HuntId, Finding)| {
        let before = stood.iter().find(|one| one.hunt == id).and_then(|one| one.broken.as_ref());
        let fault = fault(&finding, before, now);
        (id, fault)
    };
    reload.kept.into_iter().map(broken).collect()
}

fn known(hunt: &Hunt) -> Known {
    Known { id: hunt.id.clone(), file: whole_path(&hunt.source.file), version: definition::version(hunt) }
}

/// What is wrong with files, where no hunt runs on in a last good version for it.
fn unloaded(faults: &[Finding], hunts: &BTreeMap<HuntId, Stander>, before: &[Broken], now: Timestamp) -> Vec<Broken> {
    let told: BTreeSet<&Path> = hunts.values().filter_map(|one| Some(one.broken.as_deref()?.file.as_path())).collect();
    let mut seen = BTreeSet::new();
    let first = faults.iter().filter(|finding| !told.contains(finding.file.as_path()) && seen.insert(&finding.file));
    let of = |finding: &Finding| {
        let alike = before.iter().find(|broken| broken.file == finding.file);
        fault(finding, alike, now)
    };
    first.map(of).collect()
}

/// The daemon and `list` may name one file by different paths.
fn whole_path(file: &Path) -> PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| file.to_owned())
}

fn whole_paths(findings: &[Finding]) -> Vec<Finding> {
    let faults = findings.iter().filter(|finding| reload::is_fault(finding));
    faults.map(|finding| Finding { file: whole_path(&finding.file), ..finding.clone() }).collect()
}

/// A finding as the fault of a hunt. One that was there before is since then.
fn fault(finding: &Finding, before: Option<&Broken>, now: Timestamp) -> Broken {
    let mut broken = Broken {
        file: finding.file.clone(),
        line: finding.place.line,
        column: finding.place.column,
        code: finding.code.to_owned(),
        message: finding.message.clone(),
        hint: finding.hint.clone(),
        author: None,
        since: now,
    };
    match before.filter(|before| before.is_as(&broken)) {
        Some(before) => (broken.author, broken.since) = (before.author.clone(), before.since),
        None => broken.author = checkout::author(&finding.file),
    }
    broken
}

/// A stored version as a hunt again; none where this huntd can't read what an older one wrote.
fn again(stood: &Standing, text: String, config: &Config) -> Option<Hunt> {
    let shown = stood.file.clone();
    let file = HuntFile { shown, relative: "standing.yaml".into(), bytes: text.into_bytes() };
    let mut hunt = definition::load(&[file], &config.defaults, config.timezone).hunts.pop()?;
    // A definition doesn't say its id.
    hunt.id = stood.hunt.clone();
    hunt.source.commit = stood.commit.as_deref().map(Into::into);
    (definition::version(&hunt) == stood.version).then_some(hunt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Zone;
    use crate::rules::config::default_hunt_defaults;

    /// Hunts by number, each with the query that is given for it.
    fn stand(hunts: impl Iterator<Item = (usize, &'static str)>) -> Stand {
        let file = |(number, query)| HuntFile {
            shown: format!("/hunts/h{number:04}.yaml").into(),
            relative: format!("h{number:04}.yaml").into(),
            bytes: format!("query: {query}\n").into_bytes(),
        };
        let files: Vec<HuntFile> = hunts.map(file).collect();
        let loaded = definition::load(&files, &default_hunt_defaults(), Zone::UTC);
        let stander = |hunt: Hunt| (hunt.id.clone(), Stander { hunt: Arc::new(hunt), broken: None });
        Stand { hunts: loaded.hunts.into_iter().map(stander).collect(), unloaded: Vec::new() }
    }

    #[tokio::test]
    async fn what_is_kept_is_what_stands_however_many_hunts_there_are() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("huntd.db")).await.unwrap();
        let of = |from: usize, to: usize| (from..to).map(|number| (number, "print 1"));
        let edited =
            of(0, 3 * AT_ONCE).map(|(number, query)| (number, if number % 7 == 0 { "print 2" } else { query }));
        let stands = [
            stand(of(0, AT_ONCE)),
            stand(of(0, 2 * AT_ONCE + 1)),
            stand(of(AT_ONCE / 2, 3 * AT_ONCE)),
            stand(edited),
            stand(of(0, AT_ONCE - 1)),
            stand(of(5 * AT_ONCE, 5 * AT_ONCE + 1)),
        ];
        for stand in stands {
            stand.keep(&store).await.unwrap();
            let kept: Vec<(HuntId, String)> =
                store.standing().await.unwrap().into_iter().map(|one| (one.hunt, one.version)).collect();
            let stands: Vec<(HuntId, String)> =
                stand.hunts.values().map(|one| (one.hunt.id.clone(), definition::version(&one.hunt))).collect();
            assert_eq!(kept, stands);
        }
        store.close().await.unwrap();
    }
}
