//! The store: runs, hits, the outbox and the quota's ledger, in one SQLite file. The only folder
//! with SQL in it.
//!
//! It promises:
//! - One fact, one transaction: [`Store::commit_run`] leaves a run's hits, rows, watermark and
//!   deliveries, or nothing. What returned `Ok` is on the disk (WAL, `synchronous = FULL`).
//! - What returned `Ok` is in the file that stands at the database's path: a write into one that was
//!   deleted or replaced meanwhile is [`error::StoreError::Gone`].
//! - Several processes may share the file: every write begins with `BEGIN IMMEDIATE` and decides
//!   on what it then reads.
//! - A damaged file gives [`error::StoreError::Damaged`], never a panic and never a wrong answer:
//!   all that is packed bears a checksum.
//!
//! It decides nothing: what may be called, told or tried again is decided by `rules/`.

mod aside;
mod columns;
mod commit;
mod connection;
mod cost;
mod coverage;
mod database;
pub mod error;
mod fault;
mod hits;
mod lateness;
mod leap;
mod ledger;
mod life;
mod maintenance;
mod members;
mod notice;
mod outbox;
mod overload;
mod owner;
mod pack;
mod past;
mod place;
mod rows;
mod runs;
mod saved;
mod schema;
mod seek;
mod seen;
mod served;
mod standing;
#[cfg(test)]
mod tests;
mod told;
mod track;
mod trouble;
mod watched;

pub use database::Store;
pub use hits::HitFilter;
pub use ledger::CallId;
pub use life::HitSearch;
pub use maintenance::{Checked, Complaint, Pruned, Pruning, Space, Step};
pub use outbox::{Claim, DeliveryFilter};
pub use owner::{owner_is_alive, this_owner};
pub use past::StoredRows;
pub use runs::RunFilter;
pub use served::Served;
pub use track::{Track, TrackSummary};
pub use trouble::Look;
