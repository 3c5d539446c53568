//! What a row costs, stage by stage, and what each stage allocates: reading its identity, comparing it, packing it.
//!
//! Ten thousand rows a round. Cutting the body into rows belongs to the client and isn't reachable from here.

use std::hint::black_box;
use std::sync::{Arc, LazyLock};

use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher};
use huntd::model::hit::{HitKind, RowRecord};
use huntd::model::id::{HuntId, TenantName};
use huntd::model::known::{Deltas, KnownHits};
use huntd::model::row::{Column, ColumnType, Schema};
use huntd::rules::block::Packer;
use huntd::rules::diff::{Comparison, Scope, Seen};
use huntd::rules::identity::{IdentityRule, RowReader};

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
