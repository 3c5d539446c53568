//! What huntd does not do yet. Each is switched on here once it does, and the referee asks for more.

/// The window of a row-wise hunt is cut in halves at the row limit, and where it is too much for the service.
pub(crate) const SPLITS: bool = true;

/// A hunt that looks at the clock itself is run as of each moment that was missed.
pub(crate) const STEPS_OWN_TIME: bool = true;

/// The event time of a hunt's first run is covered by a later one when it failed.
pub(crate) const KEEPS_FIRST_WINDOW: bool = true;

/// A wall clock that runs ahead by less than the time for which it is wrong loses nothing.
pub(crate) const SURVIVES_FAST_CLOCK: bool = true;
