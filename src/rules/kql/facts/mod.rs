//! Facts of a query: what huntd must know of it to choose windows, check keys and ask a past moment.
//!
//! They are told from the tree and the schema alone. Where a fact can't be told the answer is the
//! one that promises less: not row-wise, no reach of its own.

mod arrival;
mod back;
mod length;
mod reach;
mod rows;
mod shape;
#[cfg(test)]
mod tests;

pub use back::back;
pub use reach::{Leaf, Moment, Reach};
use reach::{Lets, Reader};
use rows::Rows;
pub(super) use rows::is_plain_call;
pub use shape::Cut;
use shape::Shape;

use super::binder::Column;
use super::schema::Schema;
use super::tree::Query;

/// What is known of a query beside its columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts<'a> {
    /// The tables that it reads, each once, in the order of the text.
    pub tables: Vec<&'a str>,
    /// Each place where it reads a table, and how far back it looks there.
    pub leaves: Vec<Leaf<'a>>,
    /// How far back it looks by itself, all places together.
    pub reach: Reach,
    /// It reads the clock: `now()`, `ago()`.
    pub reads_clock: bool,
    /// Its result is cut: by which operator, and whether always at the same place.
    pub cut: Option<Cut>,
    /// The same data and the same clock give the same rows.
    pub deterministic: bool,
    /// Rows come out one by one: the results of the parts of a window add up to the result of the whole.
    pub row_wise: bool,
    /// The tables whose rows come out one by one, each once.
    pub feeds: Vec<&'a str>,
    /// Columns whose arrays have no order: of `make_set` and its like.
    pub sets: Vec<String>,
    /// The columns that hold an event's own time and its `ingestion_time()`, where both come out.
    pub arrival: Option<(String, String)>,
    /// Columns that may tell its rows apart, the best first.
    pub keys: Vec<Vec<String>>,
    /// A guess of what it costs, in units of one read of an event table over a day.
    pub cost: u32,
}

impl<'a> Facts<'a> {
    /// The facts of a query. `columns` are those that come out, where they are known.
    #[must_use]
    pub fn of(query: &Query<'a>, columns: Option<&[Column<'a>]>, schema: &'a Schema) -> Self {
        let shape = Shape::of(query);
        let lets = Lets::of(query);
        let mut reader = Reader::new(&lets, schema, shape.nested);
        let leaves = reader.all(query);
        let feeds = Rows::of(query, &lets, schema, shape.suspect || reader.is_nested());
        let mut tables: Vec<&'a str> = Vec::new();
        for leaf in &leaves {
            if !tables.contains(&leaf.table) {
                tables.push(leaf.table);
            }
        }
        Self {
            reach: Reach::of(&leaves),
            reads_clock: shape.reads_clock,
            deterministic: shape.deterministic && shape.cut.as_ref().is_none_or(|cut| cut.stable),
            row_wise: feeds.is_some(),
            feeds: feeds.unwrap_or_default(),
            arrival: shape.arrives.then(|| arrival::arrival(query, &lets, columns, schema)).flatten(),
            sets: shape::sets(&shape.sets, columns),
            keys: shape::keys(query, &tables, columns, schema),
            cost: cost(&leaves, shape.heavy),
            cut: shape.cut,
            tables,
            leaves,
        }
    }
}

/// A read of an event table costs the days that it looks back, at least one and at most thirty.
fn cost(leaves: &[Leaf<'_>], heavy: u32) -> u32 {
    let days = |leaf: &Leaf<'_>| match leaf.back {
        Some(Moment::Ago(span)) => u32::try_from(span.as_secs().div_ceil(86_400)).unwrap_or(30).clamp(1, 30),
        _ => 1,
    };
    leaves.iter().filter(|leaf| leaf.time.is_some()).map(days).sum::<u32>().saturating_add(heavy)
}
