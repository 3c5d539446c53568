//! A table with its columns.

use crate::rules::kql::types::Type;

/// A table.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name.
    pub name: Box<str>,
    /// The column with the time of a row, that time filters and the API's time span hold on to.
    pub time: Option<Box<str>>,
    /// The columns that tell a row from all others; empty where none do.
    pub key: Vec<Box<str>>,
    /// The key isn't documented but inferred from what the columns mean.
    pub key_inferred: bool,
    /// What a row is.
    pub kind: TableKind,
    /// In the order of the documentation.
    columns: Vec<Column>,
    /// Places in `columns`, by name.
    order: Vec<u16>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: Box<str>,
    /// Its type.
    pub ty: Type,
    /// Another type that it has in the service at times: what fits only this is worth a warning, not
    /// an error.
    pub also: Option<Type>,
}

/// What a row of a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// Something that happened once.
    Event,
    /// The state of a thing at a time; there are many rows of the same thing.
    Entity,
    /// The state of a thing now; the rows are replaced.
    Inventory,
}

impl Table {
    /// A table of a user's: nothing is known of its key.
    #[must_use]
    pub fn of_user(name: &str, columns: Vec<Column>) -> Self {
        let mut table = Self {
            name: name.into(),
            time: None,
            key: Vec::new(),
            key_inferred: true,
            kind: TableKind::Event,
            columns,
            order: Vec::new(),
        };
        table.sort();
        table.guess_time();
        table
    }

    /// The columns, in the order of the documentation.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.get(self.place(name).ok()?)
    }

    /// Where the column stands, or else where it would stand in `order`.
    fn place(&self, name: &str) -> Result<usize, usize> {
        let named = |at: u16| self.columns.get(usize::from(at)).map_or("", |column| &column.name);
        let found = self.order.binary_search_by(|at| named(*at).cmp(name))?;
        self.order.get(found).map(|at| usize::from(*at)).ok_or(found)
    }

    /// Puts a column in, in place of one of the same name.
    pub(super) fn set(&mut self, column: Column) {
        match self.place(&column.name) {
            Ok(at) => {
                if let Some(known) = self.columns.get_mut(at) {
                    *known = column;
                }
            }
            Err(at) => {
                // A table of more columns than fit can't be asked for the last of them.
                let Ok(last) = u16::try_from(self.columns.len()) else { return };
                self.columns.push(column);
                self.order.insert(at, last);
            }
        }
    }

    /// Takes the usual time column for its own, where it has none yet.
    pub(super) fn guess_time(&mut self) {
        if self.time.is_none() {
            let usual = ["Timestamp", "TimeGenerated"].into_iter().filter_map(|name| self.column(name));
            self.time = usual.filter(|column| column.ty == Type::Datetime).map(|column| column.name.clone()).next();
        }
    }

    fn sort(&mut self) {
        let columns = std::mem::take(&mut self.columns);
        self.order.clear();
        for column in columns {
            self.set(column);
        }
    }
}
