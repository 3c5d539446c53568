//! Which event time a run covers.
