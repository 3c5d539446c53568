//! The two dialects of the advanced hunting API over HTTP.
//!
//! Promises, beyond those of [`crate::ports::api::TenantApi`]: a result is `Ok` only when its body
//! was one whole JSON object with a schema and rows; a row's bytes are handed on unchanged; no
//! message holds the secret or the token; plain HTTP goes to this machine alone.
//!
//! ```text
//!  client ──> token ──> signin        the token, renewed before it ends
//!     │
//!     ├─────> answer ──> inflate ──> splitter     body bytes to rows, in bounded memory
//!     └─────> classify ──> envelope               a refusal to its class
//! ```
//!
//! docs/api.md tells the same from outside, with the sources.

mod answer;
mod body;
mod classify;
mod client;
mod envelope;
mod fault;
mod hosts;
mod inflate;
mod probe;
pub mod reach;
mod signin;
mod span;
pub mod splitter;
mod text;
mod tls;
mod token;
mod transport;

pub use self::client::{ClientError, ClientOptions, client_with};
pub use self::hosts::HostError;
pub use self::probe::Probe;
pub use self::tls::SharedTls;
pub use self::transport::TimeLimits;
