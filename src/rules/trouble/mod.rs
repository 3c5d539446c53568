//! No silent failure: which causes of trouble there are, and which of them are news.
//!
//! Promises: one notice a cause, and not a hunt; the first after as many failures in a row as the config says, again
//! each `every` while it lasts, and one when it is over; a cause that can't be judged for a while is neither told again
//! nor called over. Hunts that run late for want of quota are judged in `rules/overload`, and are a cause like any other.

mod causes;
mod check;
mod ends;
mod news;
#[cfg(test)]
mod tests;

pub use causes::{
    DELIVERY_LATE, OVERDUE, broken, clock, columns, database, deliveries, disk, failing, git, never_fired, overdue,
    reload, rows_missing, unloaded,
};
pub use check::{Facts, Health, check};
pub use ends::{AHEAD, certificates, secrets};
pub use news::{Channels, Step, news, plan};
