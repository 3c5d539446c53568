//! How long KQL takes to be read, stage by stage: over the project's own hunts, and over the queries
//! that its tests know to be accepted.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use huntd::adapters::folder;
use huntd::model::time::Zone;
use huntd::rules::config::default_hunt_defaults;
use huntd::rules::definition::{self, HuntFile, LoadedHunts};
use huntd::rules::kql::analyse::analyse;
use huntd::rules::kql::binder::{Bound, bind};
use huntd::rules::kql::facts::Facts;
use huntd::rules::kql::lexer::tokens;
use huntd::rules::kql::parser::{Parsed, parse};
use huntd::rules::kql::schema::Schema;
use huntd::rules::lint::{self, World};

fn main() {
    divan::main();
}

/// The hunts that come with huntd.
struct Shipped {
    files: Vec<HuntFile>,
    loaded: LoadedHunts,
}

static SHIPPED: LazyLock<Shipped> = LazyLock::new(|| {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("hunts");
    let files = folder::read_paths(&[folder]).files;
    let loaded = definition::load(&files, &default_hunt_defaults(), Zone::UTC);
    assert!(!loaded.hunts.is_empty(), "there are hunts to measure with");
    Shipped { files, loaded }
});

static HUNTS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| SHIPPED.loaded.hunts.iter().map(|hunt| hunt.query.as_str()).collect());

/// Each stands before the columns that the tests expect of it.
static ACCEPTED: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let cases = include_str!("../src/rules/kql/tests/accepted.kql").split("\n\n");
    cases.filter_map(|case| case.split_once("\n--> ")).map(|(query, _)| query).collect()
});

const SETS: [&str; 2] = ["hunts", "accepted"];

fn queries(set: &str) -> &'static [&'static str] {
    if set == "hunts" { &HUNTS } else { &ACCEPTED }
}

/// Measures a stage over all queries of a set. `before` makes what the stage starts from, and isn't counted.
fn stage<'q, I, O>(bencher: Bencher<'_, '_>, set: &str, before: impl Fn(&'q str) -> I, work: impl Fn(&I) -> O) {
    let queries = queries(set);
    let inputs: Vec<I> = queries.iter().map(|query| before(query)).collect();
    bencher
        .counter(ItemsCount::new(queries.len()))
        .counter(BytesCount::new(queries.iter().map(|query| query.len()).sum::<usize>()))
        .bench_local(|| {
            for input in &inputs {
                black_box(work(black_box(input)));
            }
        });
}

#[divan::bench(args = SETS)]
fn a_lex(bencher: Bencher<'_, '_>, set: &str) {
    stage(bencher, set, |query| query, |query| tokens(query));
}

#[divan::bench(args = SETS)]
fn b_parse(bencher: Bencher<'_, '_>, set: &str) {
    stage(bencher, set, |query| query, |query| parse(query));
}

#[divan::bench(args = SETS)]
fn c_bind(bencher: Bencher<'_, '_>, set: &str) {
    stage(bencher, set, parse, |parsed| bind(&parsed.query, Schema::defender()));
}

#[divan::bench(args = SETS)]
fn d_facts(bencher: Bencher<'_, '_>, set: &str) {
    let bound = |query| {
        let parsed = parse(query);
        let bound = bind(&parsed.query, Schema::defender());
        (parsed, bound)
    };
    let facts = |(parsed, bound): &(Parsed<'static>, Bound<'static>)| {
        Facts::of(&parsed.query, bound.columns.as_deref(), Schema::defender())
    };
    stage(bencher, set, bound, facts);
}

#[divan::bench(args = SETS)]
fn e_all(bencher: Bencher<'_, '_>, set: &str) {
    stage(bencher, set, |query| query, |query| analyse(query, Schema::defender()));
}

/// What `huntd check` does with hunts that are read: all of the above, and the lints.
#[divan::bench]
fn f_check(bencher: Bencher<'_, '_>) {
    let world = World::plain();
    let Shipped { files, loaded } = &*SHIPPED;
    bencher.counter(ItemsCount::new(loaded.hunts.len())).bench_local(|| black_box(lint::check(loaded, files, &world)));
}
