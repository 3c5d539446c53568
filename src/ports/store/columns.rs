//! The columns that stored rows have: each list of them once.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::sqlite::SqliteConnection;

use super::fault::Fault;
use crate::model::row::{Column, ColumnType, Schema};

pub(super) const FIND_SCHEMA: &str = "SELECT schema FROM row_schema WHERE columns = ?1";
pub(super) const ADD_SCHEMA: &str = "INSERT INTO row_schema (columns) VALUES (?1) RETURNING schema";
pub(super) const LOAD_SCHEMA: &str = "SELECT columns FROM row_schema WHERE schema = ?1";

/// Schemas that were looked up or read, each once.
#[derive(Debug, Default)]
pub(super) struct Known {
    numbers: Vec<(Arc<Schema>, i64)>,
    schemas: HashMap<i64, Arc<Schema>>,
}

impl Known {
    /// The number of a schema; it is stored where it is new.
    pub(super) async fn number(&mut self, conn: &mut SqliteConnection, schema: &Arc<Schema>) -> Result<i64, Fault> {
        if let Some((_, number)) = self.numbers.iter().find(|(known, _)| Arc::ptr_eq(known, schema)) {
            return Ok(*number);
        }
        let columns = printed(schema);
        let found: Option<i64> = sqlx::query_scalar(FIND_SCHEMA).bind(&columns).fetch_optional(&mut *conn).await?;
        let number = match found {
            Some(number) => number,
            None => sqlx::query_scalar(ADD_SCHEMA).bind(&columns).fetch_one(conn).await?,
        };
        self.numbers.push((Arc::clone(schema), number));
        Ok(number)
    }

    /// The schema of a number.
    pub(super) async fn schema(&mut self, conn: &mut SqliteConnection, number: i64) -> Result<Arc<Schema>, Fault> {
        if let Some(schema) = self.schemas.get(&number) {
            return Ok(Arc::clone(schema));
        }
        let columns: String = sqlx::query_scalar(LOAD_SCHEMA).bind(number).fetch_one(conn).await?;
        let schema = Arc::new(read(&columns)?);
        self.schemas.insert(number, Arc::clone(&schema));
        Ok(schema)
    }
}

fn printed(schema: &Schema) -> String {
    let columns = schema.columns.iter().map(|column| vec![column.name.clone(), column.kind.to_string()]);
    columns.collect::<serde_json::Value>().to_string()
}

/// The columns of a stored list, as `Name (type)`.
pub(super) fn column_names(columns: &str) -> Result<Vec<String>, Fault> {
    let schema = read(columns)?;
    Ok(schema.columns.iter().map(|column| format!("{} ({})", column.name, column.kind)).collect())
}

fn read(columns: &str) -> Result<Schema, Fault> {
    let columns: Vec<(String, String)> =
        serde_json::from_str(columns).map_err(|error| Fault::Bad(format!("stored columns have a fault: {error}")))?;
    let column = |(name, kind): (String, String)| Column { name, kind: ColumnType::parse(&kind) };
    Ok(Schema { columns: columns.into_iter().map(column).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read() {
        let column = |name: &str, kind| Column { name: name.to_owned(), kind };
        let columns = vec![column("a\"b", ColumnType::Bool), column("", ColumnType::Other("Odd".to_owned()))];
        let schema = Schema { columns };
        assert_eq!(read(&printed(&schema)).unwrap(), schema);
        assert!(read("{}").is_err());
    }
}
