//! Metrics and health over HTTP: `routes` says what is answered to whom, `server` listens.

pub mod routes;
pub mod server;
