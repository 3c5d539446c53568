//! Our front end for KQL against the official analyser. `tests/oracle/run` installs that, and runs this.
//!
//! Three questions: do both accept the queries of the project and those that are made by rule; do both
//! refuse what is broken in the ways that people break queries; do both leave alone what is harmless.
//! What is known to differ stands in `known.txt` with its reason.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unnecessary_wraps,
    reason = "a test may stop at the first surprise, and this one tells rates; every breaker has the same shape"
)]

mod generate;
mod harmless;
mod known;
mod mutate;
mod official;
mod project;
mod source;
mod tokens;
mod verdicts;

use std::collections::BTreeMap;
use std::env;
use std::fs;

use fastrand::Rng;
use huntd::rules::kql::schema::Schema;
use serde_json::{Value, json};

use crate::mutate::Breaker;
use crate::source::{Mutant, Source};

/// How many queries are made by rule.
const MADE: u64 = 400;

/// How many of the made queries are broken, beside those of the project.
const BROKEN: u64 = 24;

/// The queries of the project, and those of the seeds `0..made`.
fn queries(made: u64) -> Vec<String> {
    let mut queries = project::queries();
    assert!(queries.len() > 5, "the project's queries are found");
    queries.extend((0..made).map(|seed| generate::query(seed, Schema::defender())));
    queries
}

/// Changes each query in each way, always alike.
fn changed<'a>(queries: &[String], ways: &'a [(&'a str, Breaker)], each: u64) -> Vec<(&'a str, Mutant)> {
    let mut found = Vec::new();
    for (number, text) in (0_u64..).zip(queries) {
        let source = Source::new(text, Schema::defender());
        for (place, (kind, change)) in (0_u64..).zip(ways) {
            for again in 0..each {
                let mut rng = Rng::with_seed(number * 1_000_003 + place * 1_009 + again);
                if let Some(mutant) = change(&source, &mut rng).filter(|mutant| mutant.text != *text) {
                    found.push((*kind, mutant));
                }
            }
        }
    }
    found
}

/// Only what the official analyser accepts can be broken.
fn sound(queries: Vec<String>) -> Vec<String> {
    let verdicts = official::verdicts(&queries);
    queries
        .into_iter()
        .zip(verdicts)
        .filter(|(_, verdict)| official::accepts(verdict))
        .map(|(query, _)| query)
        .collect()
}

/// How the two differ on these queries, but for what is known.
fn disagreements(queries: &[String]) -> Vec<String> {
    let official = official::verdicts(queries);
    let accepted = official.iter().filter(|verdict| official::accepts(verdict)).count();
    println!("{} queries, the official analyser accepts {accepted}", queries.len());
    queries
        .iter()
        .zip(&official)
        .filter_map(|(query, theirs)| {
            let ours = verdicts::ours(query, Schema::defender());
            let (side, first) = match (official::accepts(theirs), official::accepts(&ours)) {
                (true, false) => ("alarm", official::first(&ours)),
                (false, true) => ("missed", official::first(theirs)),
                _ => return None,
            };
            (!known::is_known(side, &first)).then(|| format!("{side}: {first}\n{query}\n"))
        })
        .collect()
}

#[test]
#[ignore = "needs node and the official parser: tests/oracle/run"]
fn sound_queries_are_sound_to_both() {
    let differing = disagreements(&queries(MADE));
    assert!(differing.is_empty(), "{} differ:\n\n{}", differing.len(), differing.join("\n"));
}

#[test]
#[ignore = "needs node and the official parser: tests/oracle/run"]
fn what_is_harmless_is_no_error() {
    let changed = changed(&sound(queries(BROKEN)), harmless::CHANGES, 1);
    let texts: Vec<String> = changed.into_iter().map(|(_, mutant)| mutant.text).collect();
    let differing = disagreements(&texts);
    assert!(differing.is_empty(), "{} differ:\n\n{}", differing.len(), differing.join("\n"));
}

/// What came of the mutants of a kind.
#[derive(Default)]
struct Tally {
    made: usize,
    refused: usize,
    refused_by_us: usize,
    placed: usize,
    placed_by_them: usize,
    example: Option<String>,
}

impl Tally {
    fn add(&mut self, mutant: &Mutant, theirs: &Value, ours: &Value) {
        self.made += 1;
        if official::accepts(theirs) {
            return;
        }
        self.refused += 1;
        self.placed_by_them += usize::from(official::points_at(theirs, mutant.line));
        if official::accepts(ours) {
            self.example.get_or_insert_with(|| format!("{}\n{}", official::first(theirs), mutant.text));
            return;
        }
        self.refused_by_us += 1;
        self.placed += usize::from(official::points_at(ours, mutant.line));
    }
}

/// `part` of `whole` in per cent; all of nothing is all.
fn per_cent(part: usize, whole: usize) -> usize {
    (part * 100).checked_div(whole).unwrap_or(100)
}

#[test]
#[ignore = "needs node and the official parser: tests/oracle/run"]
fn what_is_broken_is_refused_at_its_line() {
    let mutants = changed(&sound(queries(BROKEN)), mutate::KINDS, 1);
    let texts: Vec<String> = mutants.iter().map(|(_, mutant)| mutant.text.clone()).collect();
    let official = official::verdicts(&texts);
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for ((kind, mutant), theirs) in mutants.iter().zip(&official) {
        let ours = verdicts::ours(&mutant.text, Schema::defender());
        tallies.entry(kind).or_default().add(mutant, theirs, &ours);
    }
    let mut failures = Vec::new();
    println!("{:28} {:>5} {:>9} {:>6} {:>6} {:>11}", "kind", "made", "official%", "ours%", "line%", "their line%");
    for (kind, _) in mutate::KINDS {
        let Some(tally) = tallies.get(kind) else {
            failures.push(format!("{kind}: no query offers a place for it"));
            continue;
        };
        let official = per_cent(tally.refused, tally.made);
        let (flagged, placed) =
            (per_cent(tally.refused_by_us, tally.refused), per_cent(tally.placed, tally.refused_by_us));
        let theirs = per_cent(tally.placed_by_them, tally.refused);
        println!("{kind:28} {:5} {official:9} {flagged:6} {placed:6} {theirs:11}", tally.made);
        if official < 80 && !known::is_silent(kind) {
            failures.push(format!("{kind}: the official analyser refuses {official} %: no mistake, or not made well"));
        }
        let (least, least_placed) = known::floors(kind);
        if flagged < least || placed < least_placed {
            let example = tally.example.as_deref().unwrap_or("at the wrong line");
            failures.push(format!(
                "{kind}: refused {flagged} % of {least} %, placed {placed} % of {least_placed} %: {example}"
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// The queries of the file that `KQL_QUERIES` names, a JSON string a line.
fn given() -> Option<Vec<String>> {
    let text = fs::read_to_string(env::var_os("KQL_QUERIES")?).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// Writes lines to the file that a variable names.
fn give(variable: &str, lines: impl Iterator<Item = Value>) {
    fs::write(env::var_os(variable).unwrap(), lines.map(|line| line.to_string() + "\n").collect::<String>()).unwrap();
}

/// How many of each are asked for.
fn each(otherwise: u64) -> u64 {
    env::var("KQL_EACH").map_or(otherwise, |each| each.parse().unwrap())
}

/// Writes our verdicts on given queries to `KQL_VERDICTS`, in the shape of the official ones; with
/// `KQL_WORKSPACE` a Sentinel workspace is taken to be connected.
#[test]
#[ignore = "works on the file that KQL_QUERIES names"]
fn verdicts_of_a_file() {
    let Some(queries) = given() else { return };
    let schema = Schema::defender().clone().with_workspace(env::var_os("KQL_WORKSPACE").is_some());
    give("KQL_VERDICTS", queries.iter().map(|text| verdicts::ours(text, &schema)));
}

/// Writes broken variants of given queries to `KQL_MUTANTS`: `{"kind", "text", "line"}`.
#[test]
#[ignore = "works on the file that KQL_QUERIES names"]
fn mutants_of_a_file() {
    let Some(queries) = given() else { return };
    let ways = if env::var_os("KQL_HARMLESS").is_some() { harmless::CHANGES } else { mutate::KINDS };
    let mutants = changed(&queries, ways, each(1));
    give(
        "KQL_MUTANTS",
        mutants.iter().map(|(kind, mutant)| json!({ "kind": kind, "text": mutant.text, "line": mutant.line })),
    );
}

/// Writes queries made by rule to `KQL_MADE`: a JSON string a line.
#[test]
#[ignore = "works on the file that KQL_MADE names"]
fn made_queries() {
    if env::var_os("KQL_MADE").is_some() {
        give("KQL_MADE", (0..each(1000)).map(|seed| json!(generate::query(seed, Schema::defender()))));
    }
}
