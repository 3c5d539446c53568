//! Our front end for KQL against the official analyser. `tests/oracle/run` installs that, and runs this.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a test may stop at the first surprise, and this one is for reading")]

mod mutate;
mod source;
mod tokens;
mod verdicts;

use std::fs;

use huntd::rules::kql::schema::Schema;

/// Writes our verdicts on the queries of a file, for a comparison by other means.
///
/// `KQL_QUERIES` names the file (a JSON string a line), `KQL_VERDICTS` where the verdicts go;
/// with `KQL_WORKSPACE` a Sentinel workspace is taken to be connected.
#[test]
#[ignore = "writes verdicts on the file that KQL_QUERIES names"]
fn verdicts_of_a_file() {
    let Some(queries) = std::env::var_os("KQL_QUERIES") else { return };
    let schema = Schema::defender().clone().with_workspace(std::env::var_os("KQL_WORKSPACE").is_some());
    let mut told = String::new();
    for line in fs::read_to_string(queries).unwrap().lines() {
        let text: String = serde_json::from_str(line).unwrap();
        told += &verdicts::ours(&text, &schema).to_string();
        told.push('\n');
    }
    fs::write(std::env::var_os("KQL_VERDICTS").unwrap(), told).unwrap();
}

/// Writes broken variants of the queries of a file, for a comparison by other means: a line is
/// `{"kind", "text", "line"}`. `KQL_QUERIES` as above, `KQL_MUTANTS` where they go, `KQL_EACH` how many
/// of a kind for each query.
#[test]
#[ignore = "writes mutants of the file that KQL_QUERIES names"]
fn mutants_of_a_file() {
    let Some(queries) = std::env::var_os("KQL_QUERIES") else { return };
    let each: u64 = std::env::var("KQL_EACH").map_or(1, |each| each.parse().unwrap());
    let schema = Schema::defender();
    let mut told = String::new();
    for (number, line) in (0_u64..).zip(fs::read_to_string(queries).unwrap().lines()) {
        let text: String = serde_json::from_str(line).unwrap();
        let source = source::Source::new(&text, schema);
        for (place, (kind, breaker)) in (0_u64..).zip(mutate::KINDS) {
            for again in 0..each {
                let mut rng = fastrand::Rng::with_seed(number * 1_000_003 + place * 1_009 + again);
                let Some(mutant) = breaker(&source, &mut rng).filter(|mutant| mutant.text != text) else { continue };
                told += &serde_json::json!({ "kind": kind, "text": mutant.text, "line": mutant.line }).to_string();
                told.push('\n');
            }
        }
    }
    fs::write(std::env::var_os("KQL_MUTANTS").unwrap(), told).unwrap();
}
