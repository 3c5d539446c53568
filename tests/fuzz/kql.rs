//! Any text goes through the whole front end, and as of another time once more.
#![no_main]
#![allow(dead_code, unused_imports, reason = "a part of the daemon stands here without those who use it")]

#[path = "../../src/rules/kql/tests/invariants.rs"]
mod invariants;
mod model;
mod rules;

libfuzzer_sys::fuzz_target!(|text: &str| invariants::all(text));
