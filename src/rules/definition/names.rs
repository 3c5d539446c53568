//! Tenants and channels that a hunt names, against the config.

use std::path::Path;

use super::load::{LoadedHunts, Spot};
use crate::model::config::Config;
use crate::model::hunt::Hunt;
use crate::model::id::{ChannelName, TenantName};
use crate::model::place::{Finding, Level, Place};
use crate::rules::check::nearest::did_you_mean;

/// An error for each tenant and channel that a hunt names and the config doesn't have.
#[must_use]
pub fn check_names(loaded: &LoadedHunts, config: &Config) -> Vec<Finding> {
    let tenants: Vec<_> = config.tenants.keys().map(TenantName::as_str).collect();
    let channels: Vec<_> = config.channels.keys().map(ChannelName::as_str).collect();
    let mut findings = Vec::new();
    for hunt in &loaded.hunts {
        let named = hunt.tenants.iter().flatten().map(TenantName::as_str).enumerate();
        let kind = Kind { key: "tenants", word: "tenant", code: "H020", known: &tenants };
        findings.extend(named.filter_map(|(index, name)| kind.check(loaded, hunt, index, name)));
        let named = hunt.notify.iter().flatten().map(ChannelName::as_str).enumerate();
        let kind = Kind { key: "notify", word: "channel", code: "H021", known: &channels };
        findings.extend(named.filter_map(|(index, name)| kind.check(loaded, hunt, index, name)));
    }
    findings
}

struct Kind<'a> {
    key: &'static str,
    word: &'static str,
    code: &'static str,
    known: &'a [&'a str],
}

impl Kind<'_> {
    fn check(&self, loaded: &LoadedHunts, hunt: &Hunt, index: usize, name: &str) -> Option<Finding> {
        if self.known.contains(&name) {
            return None;
        }
        let values = loaded.places.get(&hunt.id).map(|places| &places.values);
        let spot = values.and_then(|v| v.get(&format!("{}[{index}]", self.key)).or_else(|| v.get(self.key)));
        let whole = Spot { file: hunt.source.file.clone(), place: Place::in_line(hunt.source.line, 1, 1) };
        let Spot { file, place } = spot.cloned().unwrap_or(whole);
        let all = match self.known {
            [] => format!("huntd.yaml has no {} at all", self.word),
            known => format!("known are {}", known.join(", ")),
        };
        Some(Finding {
            file: Path::new(&file).to_path_buf(),
            place,
            level: Level::Error,
            code: self.code,
            message: format!("no {} is named `{name}`", self.word),
            hint: Some(did_you_mean(name, self.known.iter().copied()).unwrap_or(all)),
            hunt: Some(hunt.id.to_string()),
            fix: None,
        })
    }
}
