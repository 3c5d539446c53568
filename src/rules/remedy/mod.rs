//! What to do about a failed call.
