//! Names that aren't in the schema, and what to write instead.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::read::rows;
use crate::rules::kql::known::Known;
use crate::rules::kql::types::Type;

/// What has another name today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// The new names; several where it was split.
    pub new: Vec<&'static str>,
    /// Since when (`2020-12`, `2025-12-09`), where known.
    pub since: Option<&'static str>,
}

struct Names {
    /// By the whole old name: `Table`, `Table.Column`, `Table.Column=value`.
    renamed: Known<&'static str, (Vec<&'static str>, Option<&'static str>)>,
    /// Columns of which a value was renamed.
    valued: HashSet<&'static str>,
    maybe: Known<(&'static str, &'static str), Type>,
    workspace: Known<&'static str, Vec<&'static str>>,
    columns: Known<&'static str, Vec<&'static str>>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
    renamed: rows(include_str!("renamed.tsv"))
        .filter_map(|row| match row[..] {
            [old, new, since] => Some((old, (new.split(',').collect(), (since != "-").then_some(since)))),
            _ => None,
        })
        .collect(),
    valued: rows(include_str!("renamed.tsv"))
        .filter_map(|row| row.first()?.split_once('=')?.0.split_once('.').map(|(_, column)| column))
        .collect(),
    maybe: rows(include_str!("maybe.tsv"))
        .filter_map(|row| match row[..] {
            [table, column, ty] => Some(((table, column), Type::named(ty)?)),
            _ => None,
        })
        .collect(),
    workspace: lists(include_str!("workspace.tsv")),
    columns: lists(include_str!("columns.tsv")),
});

/// Functions that only a workspace offers.
const WORKSPACE_FUNCTIONS: [&str; 5] = ["workspace", "app", "resource", "adx", "arg"];

/// How names of a workspace begin: parsers of ASIM, watchlists.
const WORKSPACE_PREFIXES: [&str; 7] = ["_Im_", "_ASim_", "_Get", "ASim", "vim", "imAuth", "Watchlist"];

fn lists(text: &'static str) -> Known<&'static str, Vec<&'static str>> {
    let pairs = rows(text).filter_map(|row| match row[..] {
        [name, others] => Some((name, others.split(',').filter(|other| *other != "-").collect())),
        _ => None,
    });
    pairs.collect()
}

/// A table that was renamed once more is followed to its name of today.
pub(super) fn table(name: &str) -> Option<Renamed> {
    let (first, since) = NAMES.renamed.get(name).filter(|_| !name.contains('.'))?;
    let (mut new, mut seen) = (first.clone(), HashSet::new());
    while let Some(at) = new.iter().position(|name| NAMES.renamed.contains_key(name)) {
        let old = new.remove(at);
        if !seen.insert(old) {
            break;
        }
        let next = NAMES.renamed.get(old).map(|(next, _)| next.as_slice()).unwrap_or_default();
        new.splice(at..at, next.iter().copied());
    }
    Some(Renamed { new, since: *since })
}

pub(super) fn column(table: &str, column: &str) -> Option<Renamed> {
    let device = if table.starts_with("Device") { "*" } else { "" };
    let here = |(old, (new, since)): (&&str, &(Vec<&'static str>, Option<&'static str>))| {
        let (of, named) = old.split_once('.')?;
        // The table may itself be the new one of an old table, with the column renamed at once.
        let new = new.iter().filter_map(|new| new.split_once('.'));
        let mine = |of: &str| of == table || of == device;
        let mut new = new.filter(|(to, _)| mine(of) || mine(to)).map(|(_, new)| new).peekable();
        (named == column && new.peek().is_some()).then(|| Renamed { new: new.collect(), since: *since })
    };
    NAMES.renamed.iter().filter(|(old, _)| !old.contains('=')).find_map(here)
}

pub(super) fn value(table: &str, column: &str, value: &str) -> Option<Renamed> {
    // Most columns have no such value, and this is asked of each comparison.
    if !NAMES.valued.contains(column) {
        return None;
    }
    let (new, since) = NAMES.renamed.get(format!("{table}.{column}={value}").as_str())?;
    let new = new.iter().filter_map(|new| new.split_once('=')).map(|(_, new)| new).collect();
    Some(Renamed { new, since: *since })
}

pub(super) fn maybe(table: &str, column: &str) -> Option<Type> {
    NAMES.maybe.get(&(table, column)).copied()
}

pub(super) fn of_workspace(name: &str) -> Option<&'static [&'static str]> {
    if let Some(instead) = NAMES.workspace.get(name) {
        return Some(instead);
    }
    let known = name.ends_with("_CL")
        || WORKSPACE_FUNCTIONS.contains(&name)
        || WORKSPACE_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    known.then_some(&[])
}

pub(super) fn likewise(column: &str) -> &'static [&'static str] {
    NAMES.columns.get(column).map(Vec::as_slice).unwrap_or_default()
}

/// Every table of a workspace that is known.
#[cfg(test)]
pub(super) fn workspace() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    NAMES.workspace.iter().map(|(name, instead)| (*name, instead.as_slice()))
}
