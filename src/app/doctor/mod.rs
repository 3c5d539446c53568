//! What `huntd doctor` measures. What a measured fact means is decided in `rules/doctor`.

pub mod database;
pub mod files;
pub mod network;
pub mod report;
pub mod system;
