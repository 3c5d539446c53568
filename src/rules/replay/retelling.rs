//! What would have been told of a result.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use roaring::RoaringBitmap;

use super::result::PastResult;
use crate::model::hit::{Candidate, HitKind, Ordinal};
use crate::model::hunt::Hunt;
use crate::model::id::TenantName;
use crate::model::known::KnownHits;
use crate::model::time::Timestamp;
use crate::rules::diff::{Comparison, Outcome, Seen};
use crate::rules::identity::{IdentityError, IdentityRule, RowError, RowReader};
use crate::rules::route::{self, Facts, Verdict};

/// Why nothing would have been told of a result: the run would have failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RetellError {
    /// The settings don't fit its columns.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A stored row can't be read.
    #[error("a stored row can't be read: {0}")]
    Row(#[from] RowError),
}

/// What would have been said and told of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retold {
    /// Hits that would have been new.
    pub new: u64,
    /// Hits with other contents.
    pub changed: u64,
    /// Hits that would have been gone.
    pub gone: u64,
    /// Hits that would have been back.
    pub returned: u64,
    /// Hits that would have been told.
    pub told: u64,
    /// Why.
    pub verdict: Verdict,
}

/// A hunt's history, made anew. Holds what is known of the hits, and no rows.
#[derive(Debug)]
pub struct Replay {
    tenant: TenantName,
    hunt: Hunt,
    rule: IdentityRule,
    secret: [u8; 32],
    known: KnownHits,
    held: RoaringBitmap,
    suppressed: HashMap<[u8; 16], Timestamp>,
}

impl Replay {
    /// Nothing known yet. The settings are those of `hunt`: its `key`, `ignore`, `report`, `threshold`, `suppress` and
    /// `first_run`; `sets` are the columns whose arrays have no order, as its query makes them. `secret` is the
    /// database's, though any would do.
    #[must_use]
    pub fn new(tenant: TenantName, hunt: Hunt, sets: Vec<String>, secret: [u8; 32]) -> Self {
        let rule = rule(&hunt, sets);
        let (held, suppressed) = (RoaringBitmap::new(), HashMap::new());
        Self { tenant, hunt, rule, secret, known: KnownHits::default(), held, suppressed }
    }

    /// Takes the next result. After an error nothing of it is known, as after a run that failed.
    pub fn take(&mut self, result: &PastResult) -> Result<Retold, RetellError> {
        let (outcome, groups) = self.compare(result)?;
        let candidate = |ordinal: Ordinal, kind| {
            let group = groups.get(&ordinal).copied().flatten();
            Candidate { ordinal, kind, group }
        };
        let moved = outcome.deltas.moved.iter().filter_map(|delta| Some(candidate(delta.ordinal, delta.kind?)));
        let fresh = outcome.deltas.fresh.present().iter().map(|ordinal| candidate(ordinal, HitKind::New));
        let candidates: Vec<Candidate> = moved.chain(fresh).collect();
        let telling = route::tell(&Facts {
            hunt: &self.hunt,
            rows: result.count,
            is_first_complete_run: result.is_first,
            candidates: &candidates,
            members: &outcome.members,
            held: &self.held,
            suppressed: &self.suppressed,
            now: result.now,
        });
        self.known.apply_all(&outcome.deltas);
        self.held = telling.held;
        self.suppressed.retain(|_, until| *until > result.now);
        self.suppressed.extend(telling.suppressions);
        Ok(Retold {
            new: outcome.new,
            changed: outcome.changed,
            gone: outcome.gone,
            returned: outcome.returned,
            told: telling.hits.len() as u64,
            verdict: telling.verdict,
        })
    }

    /// The comparison of a result with what is known, and the groups of what may be told.
    fn compare(&self, result: &PastResult) -> Result<(Outcome, Groups), RetellError> {
        let mut comparison = Comparison::new(&self.known);
        let mut groups = Groups::new();
        if result.rows.is_empty() {
            // Before the first row is stored nobody knows the columns.
            return Ok((comparison.finish(result.scope, self.rule.keeps_bytes()), groups));
        }
        let mut reader = RowReader::new(&self.tenant, &self.hunt.id, &self.rule, &result.schema, &self.secret)?;
        for row in &result.rows {
            let raw = reader.raw(row.as_bytes());
            if comparison.observe_raw(raw).is_some() {
                continue;
            }
            let facts = reader.read(row.as_bytes())?.facts;
            let (content, event_time) = (facts.fingerprint, facts.event_time);
            let seen = comparison.observe(&Seen { hit: facts.hit, content, event_time, raw });
            let Some((group, _)) = facts.group.zip(seen.sighting.stored_as()) else { continue };
            match groups.entry(seen.ordinal) {
                Entry::Vacant(place) => drop(place.insert(Some(group))),
                // A row of another group may be the one that matters: such a hit is never suppressed.
                Entry::Occupied(mut noted) if *noted.get() != Some(group) => drop(noted.insert(None)),
                Entry::Occupied(_) => {}
            }
        }
        Ok((comparison.finish(result.scope, self.rule.keeps_bytes()), groups))
    }
}

/// The groups of suppression, by hit.
type Groups = HashMap<Ordinal, Option<[u8; 16]>>;

/// A hunt's rule of identity, as its runs have it.
#[must_use]
pub fn rule(hunt: &Hunt, sets: Vec<String>) -> IdentityRule {
    IdentityRule {
        key: hunt.key.clone(),
        ignore: hunt.ignore.clone(),
        suppress_by: hunt.suppress.as_ref().map(|suppress| suppress.by.clone()),
        sets,
        arrival: None,
    }
}
