//! The results of a hunt's past, one after the other, each rebuilt from what is stored.
//!
//! A row is stored when it is new or changed, so most rows of a result are those of results before it. The walk goes
//! forward and keeps the rows of the result at hand alone, and of hits of several rows; a row that it lacks is looked up. Which contents a hit had is
//! known exactly, by the steps of the history; where a content's row is no longer stored, it is counted as missing.
//!
//! Two things aren't stored, and so can't be rebuilt: values of columns that the hunt ignored when it ran, where
//! nothing else changed; and whether a manual run was told not to tell.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use roaring::RoaringBitmap;
use serde_json::value::RawValue;

use crate::model::config::HuntDefaults;
use crate::model::hit::{Fingerprint, Ordinal};
use crate::model::hunt::{CatchUp, Hunt};
use crate::model::id::{HuntId, RunId, TenantName};
use crate::model::known::KnownHits;
use crate::model::run::{Run, RunStatus, Trigger};
use crate::model::time::{Timestamp, Zone};
use crate::ports::store::Store;
use crate::ports::store::error::StoreError;
use crate::rules::definition::{self, HuntFile};
use crate::rules::diff::Scope;
use crate::rules::identity::RowReader;
use crate::rules::kql::analyse::analyse;
use crate::rules::kql::schema::Schema;
use crate::rules::replay::{self, Columns, PastResult};
use crate::rules::window::{QueryNature, ResultScope};

/// Whose past.
#[derive(Debug, Clone, Copy)]
pub struct Past<'a> {
    /// Where it is stored.
    pub store: &'a Store,
    /// The hunt.
    pub hunt: &'a HuntId,
    /// The tenant.
    pub tenant: &'a TenantName,
    /// The tables that queries are read against.
    pub schema: &'a Schema,
    /// What stored definitions leave to the config.
    pub defaults: &'a HuntDefaults,
}

/// A run of the past that had a result.
#[derive(Debug)]
pub struct PastRun {
    /// The run.
    pub run: Run,
    /// How many hits it told; none where it has no delivery.
    pub told: Option<u64>,
    /// How many rows of its result aren't stored any more.
    pub missing: u64,
}

impl Past<'_> {
    /// Goes through all results, oldest first, until `each` breaks off.
    pub async fn walk(&self, mut each: impl FnMut(&PastRun, &PastResult) -> ControlFlow<()>) -> Result<(), StoreError> {
        let results = self.store.results(self.hunt, self.tenant).await?;
        let track = self.store.track(self.hunt, self.tenant).await?;
        let stored = results.iter().filter(|(_, ok)| *ok).count() as u64;
        let mut complete = track.complete_runs.saturating_sub(stored);
        let mut walk =
            Walk { past: *self, state: State::default(), versions: HashMap::new(), before: None, last: None };
        for (id, ok) in results {
            let Some(run) = self.store.run(id.as_str()).await? else { continue };
            let (past, result) = walk.step(run, complete == 0, track.coverage.origin()).await?;
            complete += u64::from(ok);
            if each(&past, &result).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// A definition that runs were made by.
struct Version {
    hunt: Hunt,
    nature: QueryNature,
    sets: Vec<String>,
}

/// A row, and its content, where it could be read.
type Kept = (Option<Fingerprint>, Arc<str>);

/// What is known of the hits, and their rows as far as the result at hand holds them.
#[derive(Default)]
struct State {
    known: KnownHits,
    columns: Columns,
    rows: HashMap<Ordinal, Vec<Kept>>,
    /// Hits whose rows are no longer stored.
    lost: RoaringBitmap,
    /// Hits that had several rows at any time.
    several: RoaringBitmap,
}

struct Walk<'a> {
    past: Past<'a>,
    state: State,
    versions: HashMap<String, Option<Arc<Version>>>,
    /// The result before, and the definition that it was made by.
    before: Option<RunId>,
    last: Option<Arc<Version>>,
}

impl Walk<'_> {
    async fn step(
        &mut self,
        run: Run,
        none_before: bool,
        origin: Option<Timestamp>,
    ) -> Result<(PastRun, PastResult), StoreError> {
        let store = self.past.store;
        let version = self.version(&run.hunt_version).await?;
        let members = store.members(&run.run).await?.unwrap_or_default();
        self.look_up(&members).await?;
        for step in store.steps_between(self.before.as_ref(), &run.run).await? {
            if step.rows.len() > 1 {
                self.state.several.insert(step.ordinal);
            }
            self.state.known.apply(&step);
        }
        let stored = store.rows_stored_by(&run.run).await?;
        for schema in &stored.schemas {
            self.state.columns.take(schema);
        }
        let mut reader = version.as_deref().and_then(|version| self.reader(version));
        self.state.take(stored.rows, reader.as_mut());
        let (rows, missing) = self.state.result(&members);
        let is_first =
            none_before || version.as_deref().is_some_and(|version| is_first_past(&version.hunt, &run, origin));
        let result = PastResult {
            schema: self.state.columns.schema(),
            rows,
            count: run.rows,
            scope: version.as_deref().map_or(Scope::Adds, |version| scope(version.nature, &run)),
            is_first,
            now: run.finished,
        };
        (self.before, self.last) = (Some(run.run.clone()), version);
        let told = store.told_by(&run.run).await?;
        Ok((PastRun { run, told, missing }, result))
    }

    /// Looks up the rows of known hits that the result before didn't hold and this one does.
    async fn look_up(&mut self, members: &RoaringBitmap) -> Result<(), StoreError> {
        let Some(before) = self.before.clone() else { return Ok(()) };
        let state = &self.state;
        let is_absent = |at: &Ordinal| !state.rows.contains_key(at) && state.known.get(*at).is_some();
        // What was looked for once in vain is past its retention.
        let absent: RoaringBitmap = (members - &state.lost).iter().filter(is_absent).collect();
        if absent.is_empty() {
            return Ok(());
        }
        let rows = self.past.store.rows_as_of(&before, &absent).await?;
        let version = self.last.clone();
        let mut reader = version.as_deref().and_then(|version| self.reader(version));
        self.state.take(rows.into_iter().map(|(ordinal, _, row)| (ordinal, row)), reader.as_mut());
        let found = |at: &Ordinal| self.state.rows.contains_key(at);
        let lost: RoaringBitmap = absent.iter().filter(|at| !found(at)).collect();
        self.state.lost |= lost;
        Ok(())
    }

    /// The definition of a run, read once.
    async fn version(&mut self, hash: &str) -> Result<Option<Arc<Version>>, StoreError> {
        if let Some(version) = self.versions.get(hash) {
            return Ok(version.clone());
        }
        let text = self.past.store.definition(self.past.hunt, hash).await?;
        let hunt = text.and_then(|text| read_definition(&text, self.past.defaults));
        let version = hunt.map(|hunt| {
            let analysis = analyse(&hunt.query, self.past.schema);
            let nature = QueryNature::of(&hunt.query, &analysis, self.past.schema);
            let sets = analysis.facts.sets.clone();
            Arc::new(Version { hunt, nature, sets })
        });
        self.versions.insert(hash.to_owned(), version.clone());
        Ok(version)
    }

    /// What reads rows as the run did; none where its definition doesn't fit them.
    fn reader(&mut self, version: &Version) -> Option<RowReader> {
        let rule = replay::rule(&version.hunt, version.sets.clone());
        let (past, schema) = (self.past, self.state.columns.schema());
        RowReader::new(past.tenant, past.hunt, &rule, &schema, &past.store.secret()).ok()
    }
}

impl State {
    /// Adds rows that were stored; `reader` says which content each has.
    fn take(&mut self, rows: impl IntoIterator<Item = (Ordinal, Box<RawValue>)>, mut reader: Option<&mut RowReader>) {
        for (ordinal, row) in rows {
            let text: Arc<str> = row.get().into();
            let read = reader.as_mut().and_then(|reader| reader.read(text.as_bytes()).ok());
            let content = read.map(|row| row.facts.fingerprint);
            self.lost.remove(ordinal);
            self.rows.entry(ordinal).or_default().push((content, text));
        }
    }

    /// The rows of a result, and how many of them aren't stored. Rows that it doesn't hold are let go.
    fn result(&mut self, members: &RoaringBitmap) -> (Vec<Arc<str>>, u64) {
        let (mut all, mut missing, mut kept) = (Vec::new(), 0, HashMap::new());
        for ordinal in members {
            let rows = self.rows.remove(&ordinal).unwrap_or_default();
            let contents = self.known.get(ordinal).map(|hit| hit.rows.to_vec()).unwrap_or_default();
            let mut held = Vec::new();
            for content in &contents {
                // The last, as columns that don't count may have another value in it.
                let found = rows.iter().rev().find(|(of, _)| *of == Some(*content));
                // A hit of one row has its last one, whatever an edit made of its content.
                let found = found.or_else(|| rows.last().filter(|_| contents.len() == 1));
                match found {
                    Some((_, text)) => held.push((Some(*content), Arc::clone(text))),
                    None => missing += 1,
                }
            }
            all.extend(held.iter().map(|(_, text)| Arc::clone(text)));
            kept.insert(ordinal, held);
        }
        // Of a hit of several rows the last run that stored any has perhaps one alone: it can't be looked up.
        let rows = std::mem::take(&mut self.rows).into_iter();
        kept.extend(rows.filter(|(ordinal, _)| self.several.contains(*ordinal)));
        self.rows = kept;
        (all, missing)
    }
}

/// What a run's result was taken for.
fn scope(nature: QueryNature, run: &Run) -> Scope {
    let complete = run.status == RunStatus::Ok;
    match nature.scope(run.window) {
        ResultScope::Whole if complete => Scope::Whole,
        ResultScope::Window(window) if complete => Scope::Window(window),
        _ => Scope::Adds,
    }
}

/// Whether a run caught up time from before the hunt was first asked for, which a baseline holds back too.
fn is_first_past(hunt: &Hunt, run: &Run, origin: Option<Timestamp>) -> bool {
    let CatchUp::Past(past) = hunt.catch_up else { return false };
    run.trigger == Trigger::CatchUp && origin.is_some_and(|origin| run.as_of <= origin.plus(past))
}

/// A stored definition; none where this version of huntd doesn't read it.
#[must_use]
pub fn read_definition(text: &str, defaults: &HuntDefaults) -> Option<Hunt> {
    let name = PathBuf::from("stored.yaml");
    let file = HuntFile { shown: name.clone(), relative: name, bytes: text.as_bytes().to_vec() };
    definition::load(&[file], defaults, Zone::UTC).hunts.pop()
}

#[cfg(test)]
mod tests;
