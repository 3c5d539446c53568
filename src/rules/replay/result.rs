//! A result of the past.

use std::sync::Arc;

use crate::model::row::{Column, Schema};
use crate::model::time::Timestamp;
use crate::rules::diff::Scope;

/// A result, rebuilt from the store.
#[derive(Debug, Clone)]
pub struct PastResult {
    /// The columns of its rows.
    pub schema: Arc<Schema>,
    /// Its rows, each once, as far as they are still stored.
    pub rows: Vec<Arc<str>>,
    /// How many rows the API returned: what a threshold compares.
    pub count: u64,
    /// What the result was taken for.
    pub scope: Scope,
    /// Whether it was the first that a `baseline` holds back.
    pub is_first: bool,
    /// The moment of the decision.
    pub now: Timestamp,
}

/// The columns of all rows that results may still hold. Rows are stored with the columns that the result had when they
/// were new or changed, so those of one result may have several schemas.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    columns: Vec<Column>,
    schema: Option<Arc<Schema>>,
}

impl Columns {
    /// Adds the columns of a later result. A column that is spelt in another case from now on is the same one, where
    /// no result has both.
    pub fn take(&mut self, later: &Schema) {
        for column in &later.columns {
            let exact = self.columns.iter().position(|known| known.name == column.name);
            let respelt = || {
                self.columns.iter().position(|known| {
                    known.name.eq_ignore_ascii_case(&column.name)
                        && !later.columns.iter().any(|other| other.name == known.name)
                })
            };
            match exact.or_else(respelt).and_then(|at| self.columns.get_mut(at)) {
                Some(known) => *known = column.clone(),
                None => self.columns.push(column.clone()),
            }
        }
        self.schema = None;
    }

    /// All of them as one schema.
    pub fn schema(&mut self) -> Arc<Schema> {
        let columns = &self.columns;
        Arc::clone(self.schema.get_or_insert_with(|| Arc::new(Schema { columns: columns.clone() })))
    }
}
