//! A hunt's past under other settings: what would have been told.
//!
//! [`Replay`] takes the results of a hunt in their order, each as it was rebuilt from the store, and decides of each
//! what the engine would have decided: the same reader of rows, the same comparison, the same rules of telling. With
//! the settings under which the results were made it tells exactly what was told. It calls nobody and stores nothing.

mod result;
mod retelling;

pub use result::{Columns, PastResult};
pub use retelling::{Replay, RetellError, Retold, rule};
