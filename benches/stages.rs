//! What a row costs, stage by stage, and what each stage allocates: reading its identity, comparing it, packing it.
//!
//! Ten thousand rows a round. Cutting the body into rows belongs to the client and isn't reachable from here.

use std::hint::black_box;
use std::sync::LazyLock;

use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher};
use huntd::model::hit::{HitKind, RowRecord};
use huntd::model::id::{HitId, HuntId, TenantName};
use huntd::model::known::KnownHits;
use huntd::model::row::{Column, ColumnType, Schema};
use huntd::rules::block::Packer;
use huntd::rules::diff::{Comparison, Scope};
use huntd::rules::identity::{IdentityRule, RowFacts, RowReader};

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

/// A reader, by the key of events or by all columns.
fn reader(keyed: bool) -> Option<RowReader> {
    let column = |(name, kind): &(&str, &str)| Column { name: (*name).to_owned(), kind: ColumnType::parse(kind) };
    let schema = Schema { columns: COLUMNS.iter().map(column).collect() };
    let key = keyed.then(|| KEY.map(str::to_owned).to_vec());
    let rule = IdentityRule { key, ..IdentityRule::default() };
    let (tenant, hunt) = (TenantName::new("t").ok()?, HuntId::new("h").ok()?);
    RowReader::new(&tenant, &hunt, &rule, &schema, &[7; 32]).ok()
}

/// What the comparison needs of each row.
fn facts() -> Vec<RowFacts> {
    let Some(mut reader) = reader(false) else { return Vec::new() };
    ANSWER.iter().filter_map(|row| reader.read(row).ok().map(|row| row.facts)).collect()
}

/// What is known after a run that found all of them.
fn known(facts: &[RowFacts]) -> KnownHits {
    let mut known = KnownHits::default();
    for delta in observe(&KnownHits::default(), facts) {
        known.apply(&delta);
    }
    known
}

fn observe(known: &KnownHits, facts: &[RowFacts]) -> Vec<huntd::model::hit::HitDelta> {
    let mut comparison = Comparison::new(known);
    for row in facts {
        black_box(comparison.observe(row.hit, row.fingerprint, row.event_time));
    }
    comparison.finish(Scope::Adds).deltas
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
    let facts = facts();
    let known = if all_known { known(&facts) } else { KnownHits::default() };
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| observe(&known, &facts));
}

/// Rows into compressed blocks.
#[divan::bench]
fn c_packing(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        let mut packer = Packer::new()?;
        for (ordinal, row) in (0..).zip(ANSWER.iter()) {
            let record = RowRecord { ordinal, kind: HitKind::New, hit: HitId([0; 20]) };
            packer.add(record, |out| out.extend_from_slice(row))?;
        }
        packer.finish()
    });
}
