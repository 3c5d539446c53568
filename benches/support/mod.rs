//! What `rows.rs` stands on.

pub(crate) mod answer;
pub(crate) mod floor;
pub(crate) mod process;
pub(crate) mod site;
pub(crate) mod tenant;
