//! What the engine needs of the world: a tenant's API, channels, a clock, and the store.

pub mod api;
pub mod channel;
pub mod clock;
pub mod store;
