//! The outbox: claim, send, mark.
