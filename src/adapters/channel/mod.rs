//! Channels: one file each.
