//! An order: what is to be run.

use std::sync::Arc;

use super::tenant::Tenant;
use crate::model::hunt::Hunt;
use crate::model::run::Trigger;
use crate::model::time::{Timestamp, Window};

/// What is to be run, and why.
#[derive(Debug, Clone)]
pub struct Order {
    /// The hunt.
    pub hunt: Arc<Hunt>,
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// The tick that it serves; the start for a manual run.
    pub due: Timestamp,
    /// Why.
    pub trigger: Trigger,
    /// The event time asked for; `None` lets the rules choose it.
    pub window: Option<Window>,
    /// The moment that it stands at; `None` is now.
    pub as_of: Option<Timestamp>,
    /// Whether its hits are told.
    pub notify: bool,
}
