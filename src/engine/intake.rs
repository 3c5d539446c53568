//! An answer's pieces to a run's outcome: identity, diff and blocks, on one blocking task.
//!
//! [`take`] reads the pieces while they arrive and keeps of each row only what the comparison needs;
//! rows that say something new are kept compressed. So memory is bounded by what is new, compressed,
//! and by the known hits, not by the answer.
//!
//! Whether the answer was whole isn't known here. Whoever asked knows, and then says so by the scope
//! given to [`Intake::finish`], or drops the intake.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use roaring::RoaringBitmap;
use tokio::sync::mpsc;

use crate::model::hit::{Aside, Candidate, HitKind, Ordinal, RowBlock, RowRecord};
use crate::model::id::{HuntId, TenantName};
use crate::model::known::{Deltas, KnownHits};
use crate::model::lateness::Lateness;
use crate::model::limits::BODY_CAP;
use crate::model::row::{RowChunk, Schema};
use crate::ports::api::AnswerPiece;
use crate::rules::block::Packer;
use crate::rules::diff::{self, Comparison, Scope, Seen, Sighting};
use crate::rules::identity::{IdentityError, IdentityRule, RowError, RowReader};

/// What an intake needs to begin.
#[derive(Debug, Clone)]
pub struct IntakeJob {
    /// The tenant asked.
    pub tenant: TenantName,
    /// The hunt.
    pub hunt: HuntId,
    /// What makes a row the same hit.
    pub rule: IdentityRule,
    /// The database's secret.
    pub secret: [u8; 32],
    /// What is known before this run. Shared, so that a call made again begins from the same.
    pub known: Arc<KnownHits>,
    /// Where compressed rows are put while the run lasts; in memory, where it is none.
    pub aside: Option<Arc<dyn Aside>>,
}

/// Why an answer can't be taken in. Nothing of it may be stored.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The hunt's key doesn't fit the result: a fault of the hunt.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A row that can't be read: a broken body.
    #[error("row {row} of the answer can't be read: {why}")]
    Row {
        /// Which row, from 1.
        row: u64,
        /// Why.
        why: RowError,
    },
    /// Rows and no schema: a broken body.
    #[error("the answer has rows and no schema")]
    NoSchema,
    /// The schema came twice, and not the same: a broken body.
    #[error("the answer has two schemas that differ")]
    TwoSchemas,
    /// The schema comes so late that the rows before it can't be held.
    #[error("the answer has more than {} MiB of rows before its schema", BODY_CAP >> 20)]
    LateSchema,
    /// Rows can't be compressed for lack of memory, or not be put aside for lack of space on the disk.
    #[error("rows can't be compressed and put aside: {0}")]
    Compress(#[from] std::io::Error),
}

/// All that a run learns from its answers.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Rows that the API returned.
    pub rows: u64,
    /// Hits that are new.
    pub new: u64,
    /// Hits with other contents.
    pub changed: u64,
    /// Hits that are gone.
    pub gone: u64,
    /// Hits that are back.
    pub returned: u64,
    /// How each hit moved.
    pub deltas: Deltas,
    /// The rows to store.
    pub blocks: Vec<RowBlock>,
    /// The hits that the result held.
    pub members: RoaringBitmap,
    /// What may be told, by ordinal.
    pub candidates: Vec<Candidate>,
    /// How many hits are known from now on, gone ones among them.
    pub known_after: Ordinal,
    /// The columns of the last answer.
    pub schema: Option<Arc<Schema>>,
    /// How late the rows of new hits arrived, where the result says so. Those of known ones were counted before.
    pub lateness: Lateness,
}

/// What was taken in so far: one answer, or several that together are one result. A clone is a place
/// to come back to when the next answer breaks off.
#[derive(Debug, Clone)]
pub struct Intake {
    job: Arc<IntakeJob>,
    comparison: Comparison<Arc<KnownHits>>,
    rows: u64,
    blocks: Vec<Arc<RowBlock>>,
    /// The groups of stored rows, where the hunt is suppressed by columns.
    groups: HashMap<Ordinal, Option<[u8; 16]>>,
    schema: Option<Arc<Schema>>,
    lateness: Lateness,
}

/// Takes in one answer. Blocks while it waits for pieces: run it on a blocking task. Returns when the
/// sender is gone; an error returns at once, and the closed channel then ends the call.
pub fn take(job: IntakeJob, pieces: mpsc::Receiver<AnswerPiece>) -> Result<Intake, IntakeError> {
    Intake::new(job).more(pieces)
}

impl Intake {
    /// Nothing taken in yet.
    #[must_use]
    pub fn new(job: IntakeJob) -> Self {
        let comparison = Comparison::new(Arc::clone(&job.known));
        let job = Arc::new(job);
        let (groups, lateness) = (HashMap::new(), Lateness::default());
        Self { job, comparison, rows: 0, blocks: Vec::new(), groups, schema: None, lateness }
    }

    /// Takes in a further answer of the same result, as [`take`] does.
    pub fn more(mut self, mut pieces: mpsc::Receiver<AnswerPiece>) -> Result<Self, IntakeError> {
        let mut answer = Answer { schema: None, waiting: Vec::new(), waiting_bytes: 0 };
        while let Some(piece) = pieces.blocking_recv() {
            match piece {
                AnswerPiece::Schema(schema) => self.take_schema(&mut answer, schema)?,
                AnswerPiece::Rows(chunk) => self.take_rows(&mut answer, chunk)?,
            }
        }
        if !answer.waiting.is_empty() {
            return Err(IntakeError::NoSchema);
        }
        if let Some(Reading { schema, packer, .. }) = answer.schema {
            self.blocks.extend(packer.finish()?.into_iter().map(Arc::new));
            self.schema = Some(schema);
        }
        Ok(self)
    }

    /// Rows that the API has returned so far.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Hits that the result has held so far.
    #[must_use]
    pub fn met(&self) -> u64 {
        self.comparison.met()
    }

    /// Ends the intake of a result that was `scope`.
    #[must_use]
    pub fn finish(self, scope: Scope) -> Outcome {
        let diff::Outcome { deltas, members, new, changed, gone, returned, known_after } =
            self.comparison.finish(scope, self.job.rule.keeps_bytes());
        let candidate = |ordinal: Ordinal, kind| {
            let group = self.groups.get(&ordinal).copied().flatten();
            Candidate { ordinal, kind, group }
        };
        let moved = deltas.moved.iter().filter_map(|delta| Some(candidate(delta.ordinal, delta.kind?)));
        let fresh = deltas.fresh.present().iter().map(|ordinal| candidate(ordinal, HitKind::New));
        Outcome {
            rows: self.rows,
            new,
            changed,
            gone,
            returned,
            candidates: moved.chain(fresh).collect(),
            deltas,
            blocks: self.blocks.into_iter().map(Arc::unwrap_or_clone).collect(),
            members,
            known_after,
            schema: self.schema,
            lateness: self.lateness,
        }
    }

    fn take_schema(&mut self, answer: &mut Answer, schema: Schema) -> Result<(), IntakeError> {
        if let Some(reading) = &answer.schema {
            return if *reading.schema == schema { Ok(()) } else { Err(IntakeError::TwoSchemas) };
        }
        let (job, schema) = (&self.job, Arc::new(schema));
        let reader = RowReader::new(&job.tenant, &job.hunt, &job.rule, &schema, &job.secret)?;
        let packer = Packer::new(Arc::clone(&schema), job.aside.clone())?;
        let mut reading = Reading { schema, reader, packer };
        for chunk in std::mem::take(&mut answer.waiting) {
            self.read_rows(&mut reading, &chunk)?;
        }
        answer.schema = Some(reading);
        Ok(())
    }

    fn take_rows(&mut self, answer: &mut Answer, chunk: RowChunk) -> Result<(), IntakeError> {
        if let Some(reading) = &mut answer.schema {
            return self.read_rows(reading, &chunk);
        }
        answer.waiting_bytes = answer.waiting_bytes.saturating_add(chunk.byte_len() as u64);
        if answer.waiting_bytes > BODY_CAP {
            return Err(IntakeError::LateSchema);
        }
        answer.waiting.push(chunk);
        Ok(())
    }

    fn read_rows(&mut self, reading: &mut Reading, chunk: &RowChunk) -> Result<(), IntakeError> {
        let Reading { reader, packer, .. } = reading;
        for bytes in chunk.iter() {
            self.rows += 1;
            let raw = reader.raw(bytes);
            // Most rows of most results were there before, byte by byte: those aren't even read.
            if self.comparison.observe_raw(raw).is_some() {
                continue;
            }
            let mut row = reader.read(bytes).map_err(|why| IntakeError::Row { row: self.rows, why })?;
            let facts = row.facts;
            let (content, event_time) = (facts.fingerprint, facts.event_time);
            let seen = self.comparison.observe(&Seen { hit: facts.hit, content, event_time, raw });
            if let (Sighting::New, Some(late)) = (seen.sighting, facts.lateness) {
                self.lateness.note(late);
            }
            let Some(kind) = seen.sighting.stored_as() else { continue };
            packer.add(RowRecord { ordinal: seen.ordinal, kind }, |out| row.write_values(out))?;
            if let Some(group) = facts.group {
                self.note_group(seen.ordinal, group);
            }
        }
        Ok(())
    }

    fn note_group(&mut self, ordinal: Ordinal, group: [u8; 16]) {
        match self.groups.entry(ordinal) {
            Entry::Vacant(place) => drop(place.insert(Some(group))),
            // A row of another group may be the one that matters: such a hit is never suppressed.
            Entry::Occupied(mut noted) if *noted.get() != Some(group) => drop(noted.insert(None)),
            Entry::Occupied(_) => {}
        }
    }
}

/// One answer while it arrives.
struct Answer {
    /// Once the schema has come.
    schema: Option<Reading>,
    /// Rows that came before the schema.
    waiting: Vec<RowChunk>,
    waiting_bytes: u64,
}

/// What reads the rows of one answer, and stores them.
struct Reading {
    schema: Arc<Schema>,
    reader: RowReader,
    packer: Packer,
}

#[cfg(test)]
mod tests;
