//! The engine carries values between ports and rules; it holds no policy of its own.
//!
//! `agenda` says what is due and `tick` launches it; `clockwatch` follows a clock that was set; `runner` makes one run,
//! `asking` says what it asks, `collecting` asks for the whole and for parts of it, `gate` is the queue before a tenant and
//! `admission` a place in its quota, `caller` makes its calls, `intake` turns an answer into an outcome; `catching_up` asks
//! for event time that was missed; `punctual` says on
//! which tenants runs are late; `under_way` names the runs that a stop waits for; `insisting` makes a write again that met a lock; `learning` keeps what a refusal teaches; `probing` makes one call without
//! a run; `past` goes
//! through the results of before; `dispatcher` empties the outbox; `vitals` says to who watches that all this goes on. The
//! daemon, `huntd run`, `huntd demo` and the tests all go through the same [`runner::Runner`] and
//! [`dispatcher::Dispatcher`].

mod admission;
pub mod agenda;
mod asking;
pub mod bell;
mod caller;
pub mod catching_up;
mod clockwatch;
mod collecting;
pub mod dispatcher;
pub mod gate;
mod insisting;
pub mod intake;
mod learning;
mod means;
mod order;
pub mod past;
pub mod probing;
pub mod punctual;
pub mod runner;
pub mod tenant;
pub mod tick;
pub mod turns;
mod under_way;
pub mod vitals;
mod waiting;
