//! How findings are shown: for people, JSON, SARIF, GitHub.
