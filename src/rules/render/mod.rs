//! What a notice looks like in each medium; each escapes for its own.
