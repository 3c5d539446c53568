//! huntd runs YAML hunts on a schedule against Microsoft Defender XDR advanced hunting, within the
//! tenant's quota, remembers what it has seen, and tells only what is new.
//!
//! The house has five floors, and names point downwards only (`tests/floors.rs` holds it to that):
//!
//! ```text
//!  4  app/          main.rs -> cli/ daemon: builds everything, owns signals, stdout and exit codes
//!                      |              |            \
//!  3             engine/        adapters/         sim/    none of the three names another
//!                      \              /
//!  2                    ports/                            what the engine needs: TenantApi, Channel, Clock, Store
//!                           |
//!  1                    rules/                            decisions: values in, a named decision out
//!                           |
//!  0                    model/                            words: ids, times, rows, hunts, runs, hits
//! ```
//!
//! docs/architecture.md follows one row through them.

// Some of what tests stand on serves those of `tests/` too, and so calls this crate by its name.
#[cfg(test)]
extern crate self as huntd;

pub mod adapters;
pub mod app;
pub mod engine;
pub mod model;
pub mod ports;
pub mod rules;
pub mod sim;
