//! Which columns no hit had: most likely misspelt.

use std::collections::BTreeSet;

use super::cell::each_member;
use super::own::Own;
use super::pick::Found;
use super::tree::Column;
use crate::model::hit::Hit;
use crate::rules::check::nearest::nearest;

/// The most names of columns that are remembered for a hint: rows may have any number of them.
const NAMES: usize = 2_000;

/// Remembers which columns were found.
#[derive(Debug)]
pub struct Watch {
    /// Each column, and whether some hit had it.
    columns: Vec<(Column, bool)>,
    looked_at: u64,
    /// Columns of rows that lacked one.
    names: BTreeSet<String>,
}

/// A column that no hit had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// The column, as an expression may spell it.
    pub column: String,
    /// The nearest name that there was.
    pub near: Option<String>,
}

impl Watch {
    /// For these columns.
    #[must_use]
    pub fn new(columns: &[Column]) -> Self {
        let columns = columns.iter().map(|column| (column.clone(), false)).collect();
        Self { columns, looked_at: 0, names: BTreeSet::new() }
    }

    /// Takes note of what a hit has under each of the columns.
    pub fn look(&mut self, hit: &Hit, found: &[Found<'_>]) {
        self.looked_at += 1;
        let mut lacks = false;
        for ((_, met), found) in self.columns.iter_mut().zip(found) {
            *met |= *found != Found::Missing;
            lacks |= !*met;
        }
        if lacks && self.names.len() < NAMES {
            let remember = |name: &str, _: &str| {
                if !self.names.contains(name) {
                    self.names.insert(name.to_owned());
                }
            };
            // A row that can't be read has no names to offer.
            each_member(hit.row.get(), remember).unwrap_or_default();
        }
    }

    /// The columns that none of the hits had, each once; none where there was no hit.
    #[must_use]
    pub fn unmet(&self) -> Vec<Unmet> {
        let mut unmet: Vec<Unmet> = Vec::new();
        for (column, _) in self.columns.iter().filter(|(_, met)| self.looked_at > 0 && !*met) {
            let known = self.names.iter().map(String::as_str).chain(Own::ALL.map(Own::as_str));
            let near = column.in_row().first().and_then(|name| nearest(name, known));
            // Where a member is missing, its column isn't.
            let near = near.filter(|near| !column.parts.iter().any(|part| part == near)).map(str::to_owned);
            let next = Unmet { column: column.to_string(), near };
            if !unmet.contains(&next) {
                unmet.push(next);
            }
        }
        unmet
    }
}
