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

/// `Stats.resource_usage.cpu`: its total, whose key has a blank in it, else the sum of its two parts.
pub(super) fn cpu(stats: &Value) -> Option<Duration> {
    let cpu = stats.get("resource_usage")?.get("cpu")?;
    let of = |key: &str| cpu.get(key).and_then(time);
    of("total cpu").or_else(|| Some(of("user")?.saturating_add(of("kernel")?)))
}

/// `00:00:19.0625000`, or a number of seconds, as `ExecutionTime` beside it is one.
fn time(value: &Value) -> Option<Duration> {
    match value {
        Value::String(text) => {
            span::parse(text).or_else(|| Duration::try_from_secs_f64(text.trim().parse().ok()?).ok())
        }
        number => Duration::try_from_secs_f64(number.as_f64()?).ok(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cpu_in_each_form_that_it_may_have() {
        let cases = [
            (
                json!({"user": "00:00:19.0468750", "kernel": "00:00:00.0156250", "total cpu": "00:00:19.06"}),
                Some(19_060),
            ),
            (json!({"total cpu": 19.06}), Some(19_060)),
            (json!({"total cpu": 19}), Some(19_000)),
            (json!({"total cpu": "19.06"}), Some(19_060)),
            (json!({"total cpu": null, "user": "00:00:02", "kernel": 0.5}), Some(2_500)),
            (json!({"user": "00:00:02"}), None),
            (json!({"total cpu": -1}), None),
            (json!({"total cpu": "NaN"}), None),
            (json!({"total cpu": "much"}), None),
            (json!({"total cpu": []}), None),
            (json!(7), None),
        ];
        for (cpu_part, millis) in cases {
            let stats = json!({"ExecutionTime": 4.6, "resource_usage": {"cpu": cpu_part}});
            assert_eq!(cpu(&stats), millis.map(Duration::from_millis), "{stats}");
        }
        for stats in [json!(1), json!({}), json!({"resource_usage": "much"})] {
            assert_eq!(cpu(&stats), None);
        }
    }
}
