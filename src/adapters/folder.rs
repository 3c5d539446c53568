//! Hunts folders: which files there are, and their bytes.
