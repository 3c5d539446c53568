//! Secrets, read where the config says, and again when they change.
