//! Decisions: values in, a named decision out. No async, no I/O, no clock.

pub mod advise;
pub mod block;
pub mod check;
pub mod compare;
pub mod config;
pub mod coverage;
pub mod definition;
pub mod diff;
pub mod filter;
pub mod health;
pub mod identity;
pub mod kql;
pub mod lint;
pub mod metrics;
pub mod overload;
pub mod plan;
pub mod queue;
pub mod quota;
pub mod remedy;
pub mod render;
pub mod replay;
pub mod route;
pub mod schedule;
pub mod sieve;
pub mod window;
mod words;
pub mod yaml;
