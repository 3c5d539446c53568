//! Our front end for KQL against the official analyser. `tests/oracle/run` installs that, and runs this.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a test may stop at the first surprise, and this one is for reading")]

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
