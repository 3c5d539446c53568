//! What makes a row the same hit: canonical form, key, fingerprint.
