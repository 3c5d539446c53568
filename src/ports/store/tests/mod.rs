//! The store on real files.

mod commits;
mod cost;
mod fixture;
mod lateness;
mod ledger;
mod listings;
mod maintenance;
mod opening;
mod outbox;
mod overload;
mod place;
mod plans;
mod served;
