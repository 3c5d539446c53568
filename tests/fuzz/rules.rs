//! The front end, built without the daemon around it: an instrumented build of all of it would take
//! longer than a short run.

#[path = "../../src/rules/kql/mod.rs"]
pub mod kql;
