//! Schema, columns and rows as the API returned them.

use std::fmt;

use bytes::Bytes;

/// A column's type, by the literals that the API's schema uses (Learn, `huntingRowResult`, and
/// captures; see docs/api.md).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// `String`.
    String,
    /// `DateTime`: ISO 8601 in UTC; a null is `{}` on Graph.
    DateTime,
    /// `Int64`.
    Long,
    /// `Int32`.
    Int,
    /// `Double`.
    Real,
    /// `SByte`: a bool, as 0 or 1 (or true and false).
    Bool,
    /// `Guid`.
    Guid,
    /// `Object`: a KQL dynamic.
    Dynamic,
    /// `TimeSpan`.
    TimeSpan,
    /// `SqlDecimal`.
    Decimal,
    /// A type that this version doesn't know; its values are compared as they stand.
    Other(String),
}

impl ColumnType {
    /// Reads the API's literal, in either case; also KQL's own names.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        match lower.strip_prefix("system.").or_else(|| lower.strip_prefix("edm.")).unwrap_or(&lower) {
            "string" => Self::String,
            "datetime" | "datetimeoffset" | "date" => Self::DateTime,
            "int64" | "long" => Self::Long,
            "int32" | "int" => Self::Int,
            "double" | "real" | "single" => Self::Real,
            "sbyte" | "boolean" | "bool" => Self::Bool,
            "guid" => Self::Guid,
            "object" | "dynamic" => Self::Dynamic,
            "timespan" | "time" => Self::TimeSpan,
            "sqldecimal" | "decimal" => Self::Decimal,
            _ => Self::Other(text.to_owned()),
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "String",
            Self::DateTime => "DateTime",
            Self::Long => "Int64",
            Self::Int => "Int32",
            Self::Real => "Double",
            Self::Bool => "SByte",
            Self::Guid => "Guid",
            Self::Dynamic => "Object",
            Self::TimeSpan => "TimeSpan",
            Self::Decimal => "SqlDecimal",
            Self::Other(text) => text,
        })
    }
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, as the schema spells it.
    pub name: String,
    /// Its type.
    pub kind: ColumnType,
}

/// A result's columns, in the order of the answer's schema.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schema {
    /// The columns.
    pub columns: Vec<Column>,
}

/// Some rows of an answer, each as the exact bytes that the API sent (one JSON object). Rows share the memory of the
/// piece of the body in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowChunk {
    rows: Vec<Bytes>,
    length: usize,
}

impl RowChunk {
    /// Adds a copy of a row.
    pub fn push(&mut self, row: &[u8]) {
        self.add(Bytes::copy_from_slice(row));
    }

    /// Adds a row.
    pub fn add(&mut self, row: Bytes) {
        self.length += row.len();
        self.rows.push(row);
    }

    /// How many rows there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many bytes the rows have together.
    #[must_use]
    pub const fn byte_len(&self) -> usize {
        self.length
    }

    /// The rows, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.rows.iter().map(AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_give_back_the_same_bytes() {
        let rows: [&[u8]; 3] = [b"{\"a\":1}", b"{}", b"{\"b\":[1,2]}"];
        let mut chunk = RowChunk::default();
        for row in rows {
            chunk.push(row);
        }
        assert_eq!(chunk.iter().collect::<Vec<_>>(), rows);
        assert_eq!((chunk.len(), chunk.byte_len()), (3, 20));
    }
}
