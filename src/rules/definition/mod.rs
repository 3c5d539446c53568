//! YAML to hunts: layers, huntd's own shape, Sentinel's and Graph's, the place of every key.
