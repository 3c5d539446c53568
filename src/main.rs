//! The `huntd` binary: arguments in, an exit code out.
fn main() {}
