//! Any text is parted into tokens that put together are the text.
#![no_main]
#![allow(dead_code, unused_imports, reason = "a part of the daemon stands here without those who use it")]

#[path = "../../src/rules/kql/tests/invariants.rs"]
mod invariants;
mod model;
mod rules;

libfuzzer_sys::fuzz_target!(|text: &str| invariants::whole(text));
