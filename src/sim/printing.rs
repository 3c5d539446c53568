//! `print`: the one query that needs no table. As much of it as huntd itself asks.

use std::time::Duration;

use super::cell::{Cell, Kind};
use crate::model::time::Timestamp;

const DAY: Duration = Duration::from_hours(24);

/// The columns of `print A = "text", 1, B = startofday(datetime(2026-11-24))`; none where the query is no `print`, or says more.
pub(super) fn printed(query: &str) -> Option<Vec<(String, Kind, Cell)>> {
    let list = query.trim().strip_prefix("print ")?;
    let column = |(number, part): (usize, &str)| {
        let part = part.trim();
        let named = part.split_once('=').filter(|(name, _)| is_name(name.trim()));
        let (name, value) = named
            .map_or_else(|| (format!("print_{number}"), part), |(name, value)| (name.trim().to_owned(), value.trim()));
        let (kind, cell) = value_of(value)?;
        Some((name, kind, cell))
    };
    list.split(',').enumerate().map(column).collect()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn value_of(text: &str) -> Option<(Kind, Cell)> {
    if let Some(inside) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return Some((Kind::String, Cell::Text(inside.to_owned())));
    }
    if let Some(inside) = call(text, "startofday") {
        let (kind, Cell::Time(at)) = value_of(inside)? else { return None };
        return Some((kind, Cell::Time(at.floor_to(DAY))));
    }
    if let Some(inside) = call(text, "datetime") {
        let at = Timestamp::parse(inside).or_else(|| Timestamp::parse(&format!("{inside}T00:00:00Z")))?;
        return Some((Kind::DateTime, Cell::Time(at)));
    }
    text.parse().ok().map(|number| (Kind::Long, Cell::Whole(number)))
}

fn call<'a>(text: &'a str, function: &str) -> Option<&'a str> {
    text.strip_prefix(function)?.trim_start().strip_prefix('(')?.strip_suffix(')').map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_huntd_prints_is_understood_and_nothing_else() {
        let said = |query: &str| {
            let line = |(name, kind, _): (String, Kind, Cell)| format!("{name} {kind:?}");
            printed(query).map(|columns| columns.into_iter().map(line).collect::<Vec<_>>())
        };
        assert_eq!(said("print 1").unwrap(), ["print_0 Long"]);
        let canary = "print Canary = \"huntd\", Day = startofday(datetime(2026-11-24T10:30:00Z))";
        assert_eq!(said(canary).unwrap(), ["Canary String", "Day DateTime"]);
        let Cell::Time(day) = printed(canary).unwrap()[1].2 else { panic!() };
        assert_eq!(day.to_string(), "2026-11-24T00:00:00Z");
        for other in ["DeviceInfo", "print", "print now()", "print x = 1 | where x > 0", "print startofday(1)"] {
            assert_eq!(said(other), None, "{other}");
        }
    }
}
