//! The engine carries values between ports and rules; it holds no policy of its own.

pub mod dispatcher;
pub mod intake;
pub mod runner;
pub mod tick;
