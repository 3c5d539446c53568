//! The canary: a hunt of huntd's own that finds one new row a day, and so proves API, comparison, store and channels.

use crate::model::config::Config;
use crate::model::hunt::Hunt;
use crate::rules::definition::{self, HuntFile};

/// The canary's id; a hunt of the site that has it takes its place.
pub const ID: &str = "huntd-canary";

/// The canary's definition, as it ships.
const TEXT: &str = include_str!("canary.yaml");

/// The canary for the tenants that want it; none where none does.
#[must_use]
pub fn hunt(config: &Config) -> Option<Hunt> {
    let wanted = config.tenants.values().filter(|tenant| tenant.enabled && tenant.canary);
    let tenants: Vec<_> = wanted.map(|tenant| tenant.name.clone()).collect();
    if tenants.is_empty() {
        return None;
    }
    let file =
        HuntFile { shown: "canary.yaml".into(), relative: "canary.yaml".into(), bytes: TEXT.as_bytes().to_vec() };
    let hunt = definition::load(&[file], &config.defaults, config.timezone).hunts.pop()?;
    Some(Hunt { tenants: Some(tenants), ..hunt })
}
