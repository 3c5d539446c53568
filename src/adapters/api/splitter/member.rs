//! The members of an answer, and what two of them say.

use std::time::Duration;

use serde_json::Value;

use super::super::span;
use crate::model::row::{Column, ColumnType, Schema};

/// A member of the answer, by its key in either dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    Schema,
    Results,
    Stats,
    Error,
    Other,
}

impl Member {
    pub(super) fn of(key: &str) -> Self {
        match key {
            "schema" | "Schema" => Self::Schema,
            "results" | "Results" => Self::Results,
            "stats" | "Stats" => Self::Stats,
            "error" | "Error" => Self::Error,
            _ => Self::Other,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Results => "results",
            Self::Stats => "stats",
            Self::Error => "error",
            Self::Other => "",
        }
    }
}

/// The columns: `name` and `type`, which one of the two dialects writes with capitals.
pub(super) fn schema(value: &Value) -> Option<Schema> {
    let text = |column: &Value, keys: [&str; 2]| {
        let found = keys.into_iter().find_map(|key| column.get(key));
        found.and_then(Value::as_str).map(str::to_owned)
    };
    let column = |column: &Value| {
        let name = text(column, ["name", "Name"])?;
        let kind = text(column, ["type", "Type"])?;
        Some(Column { name, kind: ColumnType::parse(&kind) })
    };
    let columns = value.as_array()?.iter().map(column).collect::<Option<Vec<_>>>()?;
    Some(Schema { columns })
}

/// `Stats.resource_usage.cpu`, whose key has a blank in it.
pub(super) fn cpu(stats: &Value) -> Option<Duration> {
    let total = stats.get("resource_usage")?.get("cpu")?.get("total cpu")?;
    span::parse(total.as_str()?)
}
