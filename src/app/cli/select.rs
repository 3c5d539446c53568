//! Which hunts and tenants a command means.

use std::sync::Arc;
use std::time::Duration;

use globset::GlobBuilder;

use crate::app::exit::AppError;
use crate::model::config::{Config, Tenant};
use crate::model::hunt::Hunt;
use crate::model::id::TenantName;
use crate::model::time::{Timestamp, parse_duration};
use crate::rules::check::nearest::did_you_mean;
use crate::rules::render::terminal::terminal_safe;

/// The hunts whose ids the words name, as an id or a glob, in the order of their ids. A word that
/// names none is an error with the nearest id.
pub fn hunts(words: &[String], all: &[Arc<Hunt>]) -> Result<Vec<Arc<Hunt>>, AppError> {
    let mut chosen: Vec<Arc<Hunt>> = Vec::new();
    for word in words {
        let matcher = matcher(word)?;
        let before = chosen.len();
        for hunt in all.iter().filter(|hunt| matcher(hunt.id.as_str())) {
            if !chosen.iter().any(|other| other.id == hunt.id) {
                chosen.push(Arc::clone(hunt));
            }
        }
        let known = chosen.len() > before || all.iter().any(|hunt| matcher(hunt.id.as_str()));
        if !known {
            let near = did_you_mean(word, all.iter().map(|hunt| hunt.id.as_str()));
            let hint = near.unwrap_or_else(|| "`huntd list` names them all".to_owned());
            return Err(AppError::new(format!("no hunt `{word}`"), hint));
        }
    }
    chosen.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(chosen)
}

/// Whether an id is the word, or matches it as a glob in which `*` crosses no `/` and `**` does.
pub fn matcher(word: &str) -> Result<impl Fn(&str) -> bool + use<>, AppError> {
    let glob = GlobBuilder::new(word)
        .literal_separator(true)
        .build()
        .map_err(|error| {
            AppError::new(
                format!("`{word}` is no hunt id or glob: {error}"),
                "quote it, and escape `[` and `{` with a backslash",
            )
        })?
        .compile_matcher();
    let word = word.to_owned();
    Ok(move |id: &str| id == word || word == "*" || glob.is_match(id))
}

/// The tenants of the config that are named, or all, in the order of their names. A name that none has is an error with
/// the nearest one.
pub fn tenants<'a>(names: &[String], config: &'a Config) -> Result<Vec<&'a Tenant>, AppError> {
    let known = || config.tenants.keys().map(TenantName::as_str);
    if let Some(name) = names.iter().find(|name| known().all(|other| other != name.as_str())) {
        let hint = did_you_mean(name, known()).unwrap_or_else(|| "see `tenants:` in the config".to_owned());
        return Err(AppError::new(format!("no tenant `{}`", terminal_safe(name)), hint));
    }
    let wanted = |tenant: &&Tenant| names.is_empty() || names.iter().any(|name| name == tenant.name.as_str());
    Ok(config.tenants.values().filter(wanted).collect())
}

/// A duration of an option.
pub fn duration(option: &str, text: &str) -> Result<Duration, AppError> {
    parse_duration(text)
        .map_err(|error| AppError::new(format!("`{option}`: {error}"), "write it as 90m, 36h, 7d or PT1H"))
}

/// An instant of an option.
pub fn instant(option: &str, text: &str) -> Result<Timestamp, AppError> {
    Timestamp::parse(text).ok_or_else(|| {
        AppError::new(format!("`{option}`: `{text}` is no time"), "write it as RFC 3339, such as 2026-11-24T16:00:00Z")
    })
}
