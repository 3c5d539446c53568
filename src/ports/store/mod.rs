//! The store: runs, hits, the outbox and the quota's ledger, in one SQLite file. The only folder
//! with SQL in it.

pub mod error;
