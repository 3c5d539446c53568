//! What a row costs, stage by stage, and what each stage allocates: cutting it out of the body, reading its identity,
//! comparing it, packing it, committing it.
//!
//! Ten thousand rows a round.

use std::hint::black_box;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher};
use huntd::adapters::api::splitter::{Splitter, is_full};
use huntd::model::delivery::NoticeHunt;
use huntd::model::hit::{HitKind, RowRecord};
use huntd::model::id::{HuntId, RunId, TenantName};
use huntd::model::known::{Deltas, KnownHits};
use huntd::model::row::{Column, ColumnType, RowChunk, Schema};
use huntd::model::run::{Run, RunCommit, RunStatus, Trigger};
use huntd::model::severity::Severity;
use huntd::model::time::Timestamp;
use huntd::ports::store::Store;
use huntd::rules::block::Packer;
use huntd::rules::diff::{Comparison, Scope, Seen};
use huntd::rules::identity::{IdentityRule, RowReader};
use roaring::RoaringBitmap;

#[path = "support/answer.rs"]
mod answer;

use answer::{Answer, COLUMNS, Content, Dialect, KEY};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const ROWS: u64 = 10_000;

static ANSWER: LazyLock<Answer> =
    LazyLock::new(|| answer::answer(Dialect::Graph, Content { first: 0, rows: ROWS, changed: 0 }));

fn main() {
    LazyLock::force(&ANSWER);
    divan::main();
}

fn schema() -> Arc<Schema> {
    let column = |(name, kind): &(&str, &str)| Column { name: (*name).to_owned(), kind: ColumnType::parse(kind) };
    Arc::new(Schema { columns: COLUMNS.iter().map(column).collect() })
}

/// A reader, by the key of events or by all columns.
fn reader(keyed: bool) -> Option<RowReader> {
    let key = keyed.then(|| KEY.map(str::to_owned).to_vec());
    let rule = IdentityRule { key, ..IdentityRule::default() };
    let (tenant, hunt) = (TenantName::new("t").ok()?, HuntId::new("h").ok()?);
    RowReader::new(&tenant, &hunt, &rule, &schema(), &[7; 32]).ok()
}

/// What the comparison needs of each row.
fn seen() -> Vec<Seen> {
    let Some(mut reader) = reader(false) else { return Vec::new() };
    let read = |row: &[u8]| {
        let raw = reader.raw(row);
        let facts = reader.read(row).ok()?.facts;
        Some(Seen { hit: facts.hit, content: facts.fingerprint, event_time: facts.event_time, raw })
    };
    ANSWER.iter().filter_map(read).collect()
}

/// What is known after a run that found all of them.
fn known(rows: &[Seen]) -> KnownHits {
    let mut known = KnownHits::default();
    known.apply_all(&observe(&KnownHits::default(), rows));
    known
}

fn observe(known: &KnownHits, rows: &[Seen]) -> Deltas {
    let mut comparison = Comparison::new(known);
    for row in rows {
        if comparison.observe_raw(row.raw).is_none() {
            black_box(comparison.observe(row));
        }
    }
    comparison.finish(Scope::Adds, true).deltas
}

/// A body in pieces of 64 KiB, cut into rows.
#[divan::bench]
fn a_cutting(bencher: Bencher<'_, '_>) {
    let pieces: Vec<Bytes> = ANSWER.body.chunks(64 * 1024).map(Bytes::copy_from_slice).collect();
    let bencher = bencher.counter(ItemsCount::new(ROWS)).counter(BytesCount::new(ANSWER.body.len()));
    bencher.bench_local(|| {
        let (mut splitter, mut rows) = (Splitter::default(), RowChunk::default());
        for piece in &pieces {
            let mut piece = piece.clone();
            while !piece.is_empty() {
                let Ok(took) = splitter.feed(&piece, &mut rows) else { return None };
                piece = piece.slice(took..);
                if is_full(&rows) {
                    black_box(std::mem::take(&mut rows));
                }
            }
        }
        splitter.finish().ok()
    });
}

/// The hash of a row as it was sent: all that a known row costs.
#[divan::bench]
fn a_bytes(bencher: Bencher<'_, '_>) {
    let bytes: usize = ANSWER.iter().map(<[u8]>::len).sum();
    let bencher = bencher.counter(ItemsCount::new(ROWS)).counter(BytesCount::new(bytes));
    bencher.with_inputs(|| reader(false)).bench_local_refs(|reader| {
        let Some(reader) = reader else { return };
        for row in ANSWER.iter() {
            black_box(reader.raw(row));
        }
    });
}

/// Id and fingerprint of a row, from its bytes.
#[divan::bench(args = [false, true])]
fn a_identity(bencher: Bencher<'_, '_>, keyed: bool) {
    let bytes: usize = ANSWER.iter().map(<[u8]>::len).sum();
    let bencher = bencher.counter(ItemsCount::new(ROWS)).counter(BytesCount::new(bytes));
    bencher.with_inputs(|| reader(keyed)).bench_local_refs(|reader| {
        let Some(reader) = reader else { return };
        for row in ANSWER.iter() {
            black_box(reader.read(row).map(|row| row.facts)).ok();
        }
    });
}

/// All rows against what is known: nothing, or all of them.
#[divan::bench(args = [false, true])]
fn b_comparison(bencher: Bencher<'_, '_>, all_known: bool) {
    let rows = seen();
    let known = if all_known { known(&rows) } else { KnownHits::default() };
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| observe(&known, &rows));
}

/// Rows into compressed blocks with their sieves; reading them is in it.
#[divan::bench]
fn c_packing(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        let mut packer = Packer::new(schema(), None)?;
        let Some(mut reader) = reader(false) else { return packer.finish() };
        for (ordinal, row) in (0..).zip(ANSWER.iter()) {
            let Ok(mut row) = reader.read(row) else { continue };
            packer.add(RowRecord { ordinal, kind: HitKind::New }, |out| row.write_values(out))?;
        }
        packer.finish()
    });
}

/// What a run of new rows leaves, as the engine hands it to the store.
fn commit(number: u32) -> Option<RunCommit> {
    let (fresh, mut packer) = (observe(&KnownHits::default(), &seen()), Packer::new(schema(), None).ok()?);
    let mut reader = reader(false)?;
    for (ordinal, row) in (0..).zip(ANSWER.iter()) {
        let mut row = reader.read(row).ok()?;
        packer.add(RowRecord { ordinal, kind: HitKind::New }, |out| row.write_values(out)).ok()?;
    }
    let (hunt, tenant) = (HuntId::new(format!("h{number}")).ok()?, TenantName::new("t").ok()?);
    let run = Run {
        run: RunId::derive("20261124T090000Z", &[&number.to_le_bytes()]),
        hunt,
        tenant,
        due: Timestamp::EPOCH,
        started: Timestamp::EPOCH,
        finished: Timestamp::EPOCH,
        window: None,
        as_of: Timestamp::EPOCH,
        status: RunStatus::Ok,
        rows: ROWS,
        new: ROWS,
        changed: 0,
        gone: 0,
        returned: 0,
        calls: 1,
        api: Duration::ZERO,
        cpu: None,
        late: None,
        error: None,
        hunt_version: "v".to_owned(),
        commit: None,
        trigger: Trigger::Manual,
        query: "DeviceProcessEvents".to_owned(),
    };
    let notice = NoticeHunt {
        id: run.hunt.to_string(),
        name: String::new(),
        description: String::new(),
        severity: Severity::High,
        tactics: Vec::new(),
        techniques: Vec::new(),
        tags: Vec::new(),
        owner: None,
        entities: Vec::new(),
    };
    Some(RunCommit {
        run,
        definition: String::new(),
        notice,
        generation: 0,
        members: fresh.fresh.present().clone(),
        deltas: fresh,
        blocks: packer.finish().ok()?,
        watermark: None,
        coverage: Vec::new(),
        lateness: None,
        deliveries: Vec::new(),
        held: RoaringBitmap::new(),
        suppressions: Vec::new(),
        failing_as: None,
    })
}

/// One commit of new rows to a file, until it is on the disk; each round is of another hunt.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn d_commit(bencher: Bencher<'_, '_>) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    let Ok(folder) = tempfile::tempdir() else { return };
    let Ok(store) = runtime.block_on(Store::open(&folder.path().join("huntd.db"))) else { return };
    let mut number = 0;
    let inputs = || {
        number += 1;
        commit(number)
    };
    bencher.counter(ItemsCount::new(ROWS)).with_inputs(inputs).bench_local_refs(|made| {
        let Some(made) = made else { return };
        black_box(runtime.block_on(store.commit_run(made))).ok();
    });
}
