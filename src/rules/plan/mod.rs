//! What is to come: the coming runs of all hunts, laid out against each tenant's quota. docs/plan.md says it in
//! words.
//!
//! What it promises: it counts calls as [`super::quota`] does, so that a plan that fits is one in which no run waits
//! past the next tick of its hunt; it asks nobody, and the same input gives the same plan. What it doesn't know: how
//! much of the tenant's quota people and other tools spend, and what a hunt costs of which no run is known.

mod agenda;
mod catch_up;
mod compare;
mod diff;
mod html;
mod input;
mod json;
mod layout;
mod moves;
mod patch;
mod peaks;
mod places;
mod queue;
mod said;
mod suggest;
#[cfg(test)]
mod tests;
mod text;

pub use agenda::MOST_RUNS;
pub use catch_up::CatchingUp;
pub use compare::{Change, ChangeKind, compare};
pub use diff::{Replacement, unified};
pub use html::html;
pub use input::{Costs, PlanError, PlanHunt, PlanInput, PlanTenant};
pub use json::{change_json, comparison_json, suggestion_json, tenant_json};
pub use layout::{Backlog, Collision, LateHunt, Minute, TenantPlan, plan};
pub use moves::Move;
pub use patch::{Patched, patch};
pub use peaks::{CpuPeak, Peak};
pub use places::Full;
pub use suggest::{Suggested, Suggestion, suggest};
pub use text::{Page, changes, text};
