//! Reads a scenario, and says where it is wrong before anything starts.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::{Map, Value};

use super::super::cell::{Fill, Kind, cell};
use super::{Scenario, SimHunt};
use crate::model::time::Timestamp;

/// Why a text is no scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// It isn't YAML, or has keys or values that a scenario has not; says the line and column.
    #[error("the scenario can't be read: {0}")]
    Form(String),
    /// It has no tenant.
    #[error("the scenario has no tenant: give `tenants` at least one with id, client_id and secret")]
    NoTenant,
    /// The same name twice.
    #[error("two {what} of the scenario are called `{name}`: rename one")]
    Twice {
        /// `hunts` or `tenants`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A hunt that would answer every query.
    #[error("hunt `{hunt}` of the scenario matches every query: give `match` a query, a table or `contains`")]
    MatchesAll {
        /// The hunt.
        hunt: String,
    },
    /// A row names a column that the hunt has not.
    #[error("hunt `{hunt}` of the scenario has a row with `{column}`, which is none of its columns")]
    Column {
        /// The hunt.
        hunt: String,
        /// The column.
        column: String,
    },
    /// A value that doesn't fit its column.
    #[error("hunt `{hunt}` of the scenario, column `{column}`: {reason}")]
    Value {
        /// The hunt.
        hunt: String,
        /// The column.
        column: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A stream without end at one instant.
    #[error("hunt `{hunt}` of the scenario has a stream with `every: 0` and no `count`: it would have no end")]
    Endless {
        /// The hunt.
        hunt: String,
    },
    /// A probability that is none.
    #[error("fault {number} of the scenario has probability {value}: it must be from 0 to 1")]
    Probability {
        /// The fault's number, from 1.
        number: usize,
        /// What it says.
        value: String,
    },
    /// A fault for a hunt that isn't there.
    #[error("fault {number} of the scenario is for hunt `{hunt}`, which isn't there")]
    NoHunt {
        /// The fault's number, from 1.
        number: usize,
        /// The hunt.
        hunt: String,
    },
}

/// Reads a scenario, in YAML or JSON, and checks all that can be checked before it runs.
pub fn parse_scenario(text: &str) -> Result<Scenario, ScenarioError> {
    let scenario: Scenario = serde_saphyr::from_str(text).map_err(|error| ScenarioError::Form(error.to_string()))?;
    if scenario.tenants.is_empty() {
        return Err(ScenarioError::NoTenant);
    }
    once("tenants", scenario.tenants.iter().map(|tenant| tenant.id.as_str()))?;
    once("hunts", scenario.hunts.iter().map(|hunt| hunt.name.as_str()))?;
    scenario.hunts.iter().try_for_each(check_hunt)?;
    for (place, fault) in scenario.faults.iter().enumerate() {
        let number = place + 1;
        if !(0.0..=1.0).contains(&fault.on.probability) {
            return Err(ScenarioError::Probability { number, value: fault.on.probability.to_string() });
        }
        if let Some(hunt) = &fault.on.hunt
            && !scenario.hunts.iter().any(|known| known.name == *hunt)
        {
            return Err(ScenarioError::NoHunt { number, hunt: hunt.clone() });
        }
    }
    Ok(scenario)
}

fn once<'a>(what: &'static str, names: impl Iterator<Item = &'a str>) -> Result<(), ScenarioError> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(ScenarioError::Twice { what, name: name.to_owned() });
        }
    }
    Ok(())
}

fn check_hunt(hunt: &SimHunt) -> Result<(), ScenarioError> {
    let matches = &hunt.matches;
    if matches.query.is_none() && matches.table.is_none() && matches.contains.iter().all(String::is_empty) {
        return Err(ScenarioError::MatchesAll { hunt: hunt.name.clone() });
    }
    if hunt.streams.iter().any(|stream| stream.every.0.is_zero() && stream.count.is_none()) {
        return Err(ScenarioError::Endless { hunt: hunt.name.clone() });
    }
    check_row(hunt, &hunt.base)?;
    hunt.rows.iter().try_for_each(|row| check_row(hunt, &row.row))?;
    hunt.streams.iter().try_for_each(|stream| check_row(hunt, &stream.row))
}

/// The placeholders are tried with any event, so that `{n}` is taken in a long column and `{hash}` isn't.
fn check_row(hunt: &SimHunt, row: &Map<String, Value>) -> Result<(), ScenarioError> {
    let fill = Fill { start: Timestamp::EPOCH, at: Timestamp::EPOCH, arrived: Timestamp::EPOCH, n: 0, hash: 0xabc };
    for (column, value) in row {
        let Some((_, kind)) = hunt.columns.iter().find(|(name, _)| name == column) else {
            return Err(ScenarioError::Column { hunt: hunt.name.clone(), column: column.clone() });
        };
        cell(*kind, value, &fill).map_err(|reason| ScenarioError::Value {
            hunt: hunt.name.clone(),
            column: column.clone(),
            reason,
        })?;
    }
    Ok(())
}

/// Columns are a map, name to type, whose order is the answer's.
pub(super) fn columns<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, Kind)>, D::Error> {
    let map = Map::<String, Value>::deserialize(deserializer)?;
    map.into_iter()
        .map(|(name, kind)| {
            let parsed = Kind::deserialize(&kind).map_err(|_| {
                D::Error::custom(format!(
                    "column `{name}` has type {kind}: use string, datetime, long, int, real, bool, guid or dynamic"
                ))
            })?;
            Ok((name, parsed))
        })
        .collect()
}
