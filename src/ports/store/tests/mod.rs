//! The store on real files.

mod commits;
mod cost;
pub(super) mod fixture;
mod lateness;
mod laying;
mod ledger;
mod life;
mod listings;
mod maintenance;
mod opening;
mod outbox;
mod overload;
mod place;
mod plans;
mod retention;
mod seeking;
mod served;
mod told;
mod watched;
