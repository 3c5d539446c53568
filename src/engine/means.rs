//! What runs are made with.

use std::sync::Arc;

use super::gate::Gates;
use super::turns::Turns;
use super::vitals::Vitals;
use crate::model::config::{Failures, Route};
use crate::ports::clock::SharedClock;
use crate::ports::store::Store;
use crate::rules::kql::schema::Schema;

/// Makes runs.
#[derive(Clone)]
pub struct Runner {
    /// The store.
    pub store: Store,
    /// The clock.
    pub clock: SharedClock,
    /// Who is told of what.
    pub routes: Arc<[Route]>,
    /// Who is told of a hunt that keeps failing.
    pub failures: Arc<Failures>,
    /// Keeps a hunt from overlapping itself.
    pub turns: Turns,
    /// Where runs wait for the quota.
    pub gates: Gates,
    /// What is told to who watches.
    pub vitals: Vitals,
    /// The tables and columns by which queries are understood.
    pub schema: Arc<Schema>,
}
