//! Reads the text tables: `defender.tsv`, whose form its head says, and a user's.

use super::{Column, Table, TableKind};
use crate::rules::kql::types::Type;

const DEFENDER: &str = include_str!("defender.tsv");

/// A line of a user's schema file that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct SchemaError {
    /// Which line, from 1.
    pub line: usize,
    /// What is wrong with it, and how it must be.
    pub what: String,
}

/// Lines that hold something, in their fields.
pub(super) fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| line.split('\t').collect())
}

/// The day that the head of the file says.
pub(super) fn version() -> &'static str {
    DEFENDER.lines().find_map(|line| line.strip_prefix("# state\t")).unwrap_or_default()
}

/// All tables of Defender XDR.
pub(super) fn defender() -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    for row in rows(DEFENDER) {
        if let ["@", name, time, key, kind] = row[..] {
            tables.push(table(name, time, key, kind));
        } else if let (Some(table), [name, ty, also @ ..]) = (tables.last_mut(), &row[..]) {
            let also = also.first().and_then(|ty| Type::named(ty));
            table.set(Column { name: (*name).into(), ty: Type::named(ty).unwrap_or(Type::Unknown), also });
        }
    }
    tables
}

fn table(name: &str, time: &str, key: &str, kind: &str) -> Table {
    let mut table = Table::of_user(name, Vec::new());
    table.time = (time != "-").then(|| time.into());
    table.key_inferred = key.starts_with('~');
    table.key = key.trim_start_matches('~').split(',').filter(|name| *name != "-").map(Into::into).collect();
    table.kind = match kind {
        "entity" => TableKind::Entity,
        "inventory" => TableKind::Inventory,
        _ => TableKind::Event,
    };
    table
}

/// The columns of a user's file, each with its table.
pub(super) fn user(text: &str) -> Result<Vec<(&str, Column)>, SchemaError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    lines.map(|(at, line)| column(line).map_err(|what| SchemaError { line: at + 1, what })).collect()
}

fn column(line: &str) -> Result<(&str, Column), String> {
    let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
    let [table, name, ty] = fields[..] else {
        let count = fields.len();
        return Err(format!("there must be a table, a column and a type, parted by tabs; {count} found"));
    };
    if table.is_empty() || name.is_empty() {
        return Err("the name of the table or of the column is empty".to_owned());
    }
    let ty = Type::named(&ty.to_ascii_lowercase()).ok_or_else(|| {
        format!(
            "there is no type \"{ty}\"; the types are bool, int, long, real, decimal, string, datetime, \
             timespan, guid and dynamic"
        )
    })?;
    Ok((table, Column { name: name.into(), ty, also: None }))
}
