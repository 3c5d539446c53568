//! A change for a person and for a script.

use std::fmt::Write as _;

use serde_json::value::RawValue;

use super::changes::{Change, ChangeKind};
use crate::model::id::{HuntId, RunId, TenantName};
use crate::rules::render::cells::Cells;
use crate::rules::render::json::one_line;
use crate::rules::render::terminal::cells;
use crate::rules::render::visible::short;

/// The longest value that is shown to a person; the whole one is in the JSON.
const VALUE: usize = 60;

/// A change as one line of JSON, without its line end. Rows are the API's, in its spelling.
#[must_use]
pub fn line(change: &Change, hunt: &HuntId, tenant: &TenantName, (from, to): (&RunId, &RunId)) -> String {
    let hit = change.hit.map(|hit| hit.to_string());
    let members = [
        ("hit", serde_json::Value::from(hit)),
        ("hunt", hunt.as_str().into()),
        ("tenant", tenant.as_str().into()),
        ("kind", change.kind.as_str().into()),
        ("from", from.as_str().into()),
        ("to", to.as_str().into()),
        ("changed", change.changed.clone().into()),
        ("expired", change.expired.into()),
    ];
    let mut out = String::from("{");
    for (name, value) in members {
        // Writing to a String can't fail.
        write!(out, "\"{name}\":{},", one_line(&value.to_string())).unwrap_or_default();
    }
    let row = |row: &Option<Box<RawValue>>| row.as_ref().map_or_else(|| "null".to_owned(), |row| one_line(row.get()));
    write!(out, "\"before\":{},\"row\":{}}}", row(&change.before), row(&change.row)).unwrap_or_default();
    out
}

/// A change for a terminal: a line of its kind, the begin of the hit's id and as many cells as fit; then a line for
/// each changed column, old value and new one. `width` is in characters. Without a line end.
#[must_use]
pub fn text(change: &Change, width: usize) -> String {
    let mark = match change.kind {
        ChangeKind::New => '+',
        ChangeKind::Changed => '~',
        ChangeKind::Gone => '-',
    };
    let id = change.hit.map_or_else(|| "-".to_owned(), |hit| hit.to_string().chars().take(12).collect());
    let mut out = format!("{mark} {:<8} {id:<12}  ", change.kind.as_str());
    let room = width.max(40).saturating_sub(25);
    match change.row.as_ref().or(change.before.as_ref()) {
        Some(row) => out.push_str(&cells(row, &[], &change.changed, room)),
        None => out.push_str("its rows are past their retention"),
    }
    if change.kind == ChangeKind::Changed {
        out.push_str(&columns(change));
    }
    out
}

/// The changed columns, a line each.
fn columns(change: &Change) -> String {
    let mut out = String::new();
    match (&change.before, &change.row) {
        (Some(before), Some(row)) => {
            let (before, row) = (Cells::of(before), Cells::of(row));
            let of = |cells: &Cells<'_>, name: &str| {
                let found = cells.iter().find(|cell| cell.name() == name).map(|cell| short(&cell.text(), VALUE));
                found.filter(|text| !text.is_empty()).unwrap_or_else(|| "(nothing)".to_owned())
            };
            let names: Vec<String> = change.changed.iter().map(|name| short(name, VALUE)).collect();
            let wide = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
            for (name, shown) in change.changed.iter().zip(&names) {
                write!(out, "\n    {shown:<wide$}  {} -> {}", of(&before, name), of(&row, name)).unwrap_or_default();
            }
        }
        _ if change.expired => out.push_str("\n    a row of it is past its retention"),
        (Some(_), None) => out.push_str("\n    a row of this key that the later result doesn't hold"),
        (None, _) => out.push_str("\n    a further row of this key"),
    }
    out
}
