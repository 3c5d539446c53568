//! The official analyser, asked by way of node.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What the official analyser says of each query, in their order. All go in one call: it takes a
/// second to wake.
///
/// # Panics
///
/// Where `KQL_ORACLE` doesn't name the folder that `tests/oracle/run` installs to, or node fails.
pub(crate) fn verdicts(queries: &[String]) -> Vec<Value> {
    let folder = std::env::var_os("KQL_ORACLE").expect("KQL_ORACLE isn't set: run tests/oracle/run");
    let driver = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/verdict.js");
    let mut node =
        Command::new("node").arg(driver).arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let lines: String = queries.iter().map(|query| Value::from(query.as_str()).to_string() + "\n").collect();
    let mut stdin = node.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = node.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "node failed");
    let told: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told.len(), queries.len(), "a verdict for each query");
    told
}

/// Whether a verdict accepts.
pub(crate) fn accepts(verdict: &Value) -> bool {
    verdict["ok"] == true
}

/// Whether a verdict has an error within one line of `line`.
pub(crate) fn points_at(verdict: &Value, line: usize) -> bool {
    let near = |error: &Value| error["line"].as_u64().is_some_and(|found| found.abs_diff(line as u64) <= 1);
    verdict["errors"].as_array().is_some_and(|errors| errors.iter().any(near))
}

/// The first error of a verdict, for a reader.
pub(crate) fn first(verdict: &Value) -> String {
    let error = &verdict["errors"][0];
    format!(
        "{} line {}: {}",
        error["code"].as_str().unwrap_or("-"),
        error["line"],
        error["message"].as_str().unwrap_or("accepted")
    )
}
