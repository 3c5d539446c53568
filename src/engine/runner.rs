//! One run: claim, call, stream, compare, commit.
