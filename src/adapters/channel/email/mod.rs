//! Mail.
//!
//! Promises: a mail counts as sent when the server has answered 250 to its whole text; a password
//! goes only over TLS (or to this very machine, where the config gives up TLS); no error holds a
//! password. Whatever the server does, a send ends within [`LIMIT`].
//!
//! A connection is kept for the next mail. It is kept only after a clean end: an answer that comes
//! late must not be taken for the answer to the next mail, which would then be lost.

mod folder;
mod message;
mod sending;
mod session;

pub use sending::{Email, LIMIT};
