//! Check, backup, retention: what `huntd db` does.

pub(super) mod backup;
pub(super) mod check;
pub(super) mod history;
pub(super) mod prune;
pub(super) mod steps;

pub use check::{Checked, Complaint};
pub use prune::{Pruned, Pruning, Space, Step};
