//! `huntd.yaml` to [`crate::model::config::Config`].
