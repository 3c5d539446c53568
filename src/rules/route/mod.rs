//! Whom a run tells, and of what: routes, threshold, suppression.
