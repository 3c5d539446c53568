//! An answer's pieces to a run's outcome: identity, diff and blocks, on one blocking task.
