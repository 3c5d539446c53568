//! The simulated tenant: a token endpoint and both dialects of the hunting API, over real HTTP.
//!
//! It promises to answer as the service answers, faults and oddities included, and to do the same
//! again for the same scenario, seed and times. It shares no code and no constant with `adapters`: a
//! number that is wrong on both sides would hide the fault. It runs no KQL: a scenario says which
//! rows a query gives, and the simulator decides by event time and by arrival which of them there
//! are now. docs/simulator.md is its reference.
//!
//! ```text
//! simulator   accepts connections, routes requests
//!   control   /_sim/…: what happened, for tests in other processes
//!   hunting   one hunting call: token, quota, faults, rows
//!   sign_in   the token endpoint
//!     state     the scenario, the clock and the ledger, shared by the connections
//!     ledger    tokens, rolling counts, journal: all that changes while it runs
//!     encode    a row as each dialect writes it
//!     events    which rows there are for a window, now
//!     bodies    the service's own texts
//!       scenario  what the tenant holds and how it misbehaves
//!         cell      one value
//!         moment    times that a scenario and a request name
//!   http      requests in, answers out, whole or broken
//!     packer    gzip and deflate
//! ```

pub mod bodies;
pub mod cell;
pub mod control;
pub mod encode;
pub mod events;
pub mod http;
pub mod hunting;
pub mod ledger;
pub mod moment;
pub mod packer;
mod printing;
pub mod rewritten;
pub mod scenario;
pub mod sign_in;
pub mod simulator;
pub mod state;
