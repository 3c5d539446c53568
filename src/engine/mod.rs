//! The engine carries values between ports and rules; it holds no policy of its own.
//!
//! `tick` says what is due, `runner` makes one run, `intake` turns an answer into an outcome,
//! `dispatcher` empties the outbox. The daemon, `huntd run`, `huntd demo` and the tests all go
//! through the same [`runner::Runner`] and [`dispatcher::Dispatcher`].

pub mod bell;
pub mod dispatcher;
pub mod intake;
pub mod runner;
pub mod tenant;
pub mod tick;
pub mod turns;
