//! What a plan is made from.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::config::Quota;
use crate::model::cost::Cost;
use crate::model::hunt::Hunt;
use crate::model::id::{HuntId, TenantName};
use crate::model::time::Timestamp;
use crate::rules::kql::analyse::analyse;
use crate::rules::kql::schema::Schema;
use crate::rules::window::{Asks, QueryNature, Splits};

/// What a run costs, as measured, by hunt and tenant. What isn't in it is guessed ([`Cost::GUESS`]).
pub type Costs = HashMap<(HuntId, TenantName), Cost>;

/// A hunt, with what its query says of catching up.
#[derive(Debug, Clone)]
pub struct PlanHunt {
    /// The hunt.
    pub hunt: Arc<Hunt>,
    /// How it is asked about the past.
    pub asks: Asks,
    /// Whether a result that is too big can be asked in parts.
    pub splits: bool,
}

impl PlanHunt {
    /// Reads the hunt's query.
    #[must_use]
    pub fn of(hunt: Arc<Hunt>, schema: &Schema) -> Self {
        let nature = QueryNature::of(&hunt.query, &analyse(&hunt.query, schema), schema);
        Self { asks: Asks::of(nature), splits: nature.splits != Splits::Never, hunt }
    }

    /// Whether it runs on `tenant` at all.
    pub(super) fn runs_on(&self, tenant: &TenantName) -> bool {
        self.hunt.enabled && self.hunt.runs_on(tenant)
    }
}

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanTenant {
    /// Its name.
    pub name: TenantName,
    /// What may be spent.
    pub quota: Quota,
}

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    /// The hunts; those that are switched off are left out.
    pub hunts: &'a [PlanHunt],
    /// The tenants that are asked.
    pub tenants: &'a [PlanTenant],
    /// What is known of the hunts' costs.
    pub costs: &'a Costs,
    /// The first moment of the plan.
    pub from: Timestamp,
    /// How long it is.
    pub length: Duration,
    /// The downtime of which catching up is laid out.
    pub downtime: Duration,
}

impl PlanInput<'_> {
    /// The first moment after the plan.
    #[must_use]
    pub fn to(&self) -> Timestamp {
        self.from.plus(self.length)
    }
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// It would have more than [`super::MOST_RUNS`] runs.
    #[error("the plan would have more than {} runs", super::MOST_RUNS)]
    TooManyRuns,
}
