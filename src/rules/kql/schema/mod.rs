//! What a tenant holds: tables, columns, and the functions that Defender XDR adds.
//!
//! [`Schema::defender`] is what every tenant may have. A user's own tables, and those of a Sentinel
//! workspace, are laid over it with [`Schema::extended`] and [`Schema::extend_tsv`]. Where a workspace
//! is connected ([`Schema::with_workspace`]) there are hundreds of tables that can't be known here:
//! what is unknown then is at most a warning. Names are case-sensitive, as in KQL.
//!
//! What is known of other names (old ones, those of a workspace, those of other products) serves hints.
//!
//! Sources: <https://learn.microsoft.com/defender-xdr/advanced-hunting-schema-tables> and the pages of
//! its tables, as of [`Schema::version`].

use std::sync::{Arc, LazyLock};

use super::known::Known;
use super::types::Type;

pub use function::{FunctionParam, ParamKind, SchemaFunction};
pub use names::Renamed;
pub use read::SchemaError;
pub use table::{Column, Table, TableKind};

mod function;
mod names;
mod read;
mod table;
#[cfg(test)]
mod tests;

/// Tables and functions that a query may name.
#[derive(Debug, Clone)]
pub struct Schema {
    tables: Known<Box<str>, Arc<Table>>,
    functions: Arc<Known<&'static str, SchemaFunction>>,
    workspace: bool,
}

static DEFENDER: LazyLock<Schema> = LazyLock::new(|| Schema {
    tables: read::defender().into_iter().map(|table| (table.name.clone(), Arc::new(table))).collect(),
    functions: Arc::new(function::all()),
    workspace: false,
});

/// Columns that every table of a workspace has, Defender's own among them.
const EVERYWHERE: [(&str, Type); 6] = [
    ("TimeGenerated", Type::Datetime),
    ("TenantId", Type::String),
    ("Type", Type::String),
    ("SourceSystem", Type::String),
    ("MachineGroup", Type::String),
    ("_ResourceId", Type::String),
];

impl Schema {
    /// What every tenant may have, each as far as its licences go.
    #[must_use]
    pub fn defender() -> &'static Self {
        &DEFENDER
    }

    /// The day of the newest documentation that this holds: `2026-08-04`.
    #[must_use]
    pub fn version() -> &'static str {
        read::version()
    }

    /// The table of that name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name).map(Arc::as_ref)
    }

    /// All tables, in no order.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.values().map(Arc::as_ref)
    }

    /// The function of that name that Defender XDR adds.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<&SchemaFunction> {
        self.functions.get(name)
    }

    /// All functions that Defender XDR adds, in no order.
    pub fn functions(&self) -> impl Iterator<Item = &SchemaFunction> {
        self.functions.values()
    }

    /// A Sentinel workspace is connected: what isn't known may be there all the same.
    #[must_use]
    pub const fn workspace(&self) -> bool {
        self.workspace
    }

    /// The same with or without a workspace.
    #[must_use]
    pub fn with_workspace(self, workspace: bool) -> Self {
        Self { workspace, ..self }
    }

    /// The same with these tables laid over: one of a name that is there already replaces it.
    #[must_use]
    pub fn extended(&self, tables: impl IntoIterator<Item = Table>) -> Self {
        let mut schema = self.clone();
        schema.tables.extend(tables.into_iter().map(|table| (table.name.clone(), Arc::new(table))));
        schema
    }

    /// The same with a user's tables laid over. A line is `table<TAB>column<TAB>type`; empty lines and
    /// those that begin with `#` are skipped. Columns of a table that is there already are added to it;
    /// one that it has already gets this type.
    ///
    /// # Errors
    ///
    /// The first line that isn't of that form, or names a type that KQL doesn't have.
    pub fn extend_tsv(&self, text: &str) -> Result<Self, SchemaError> {
        let mut changed: Vec<Table> = Vec::new();
        for (table, column) in read::user(text)? {
            let at = changed.iter().position(|known| *known.name == *table).unwrap_or_else(|| {
                changed.push(self.table(table).cloned().unwrap_or_else(|| Table::of_user(table, Vec::new())));
                changed.len() - 1
            });
            if let Some(table) = changed.get_mut(at) {
                table.set(column);
            }
        }
        for table in &mut changed {
            table.guess_time();
        }
        Ok(self.extended(changed))
    }

    /// The type of a column that all tables have where a workspace is connected; `None` without one.
    #[must_use]
    pub fn everywhere(&self, column: &str) -> Option<Type> {
        let known = EVERYWHERE.iter().find(|(name, _)| *name == column);
        known.filter(|_| self.workspace).map(|(_, ty)| *ty)
    }

    /// The type of a column that the service may have though no documentation of today names it: to
    /// use it is at most worth a warning.
    #[must_use]
    pub fn maybe_column(&self, table: &str, column: &str) -> Option<Type> {
        names::maybe(table, column)
    }

    /// What a table is called today. A table that this schema still has can be on its way out: it has
    /// a new name as well.
    #[must_use]
    pub fn renamed_table(&self, name: &str) -> Option<Renamed> {
        names::table(name)
    }

    /// What a column is called today, where `table` hasn't the old name (any more).
    #[must_use]
    pub fn renamed_column(&self, table: &str, column: &str) -> Option<Renamed> {
        names::column(table, column)
    }

    /// What a value of a column is written as today: `WindowsDefenderAv` is `Antivirus`.
    #[must_use]
    pub fn renamed_value(&self, table: &str, column: &str, value: &str) -> Option<Renamed> {
        names::value(table, column, value)
    }

    /// The name is known to be of a Sentinel workspace, as a table or a function: `SigninLogs`,
    /// `Orders_CL`, `_Im_Dns`, `_GetWatchlist`. Beside it the tables of Defender XDR that hold the
    /// like, if any.
    #[must_use]
    pub fn of_workspace(&self, name: &str) -> Option<&'static [&'static str]> {
        names::of_workspace(name)
    }

    /// What `table` calls a column that other products call `column`: `DeviceName` for `Computer`.
    /// Only what it really has.
    #[must_use]
    pub fn likewise(&self, table: &Table, column: &str) -> Option<&'static str> {
        names::likewise(column).iter().copied().find(|name| table.column(name).is_some())
    }
}
