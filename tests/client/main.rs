//! The API client over real sockets, against a server that answers well and badly.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests are tests too")]

mod answers;
mod faults;
mod server;
mod sign_in;
mod support;
