//! The types of KQL.
//!
//! Source: <https://learn.microsoft.com/kusto/query/scalar-data-types/>.

use std::fmt;

/// A scalar type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// `bool`.
    Bool,
    /// `int`, 32 bits.
    Int,
    /// `long`, 64 bits.
    Long,
    /// `real`.
    Real,
    /// `decimal`.
    Decimal,
    /// `string`.
    String,
    /// `datetime`.
    Datetime,
    /// `timespan`.
    Timespan,
    /// `guid`.
    Guid,
    /// `dynamic`, with what is known of its content.
    Dynamic(Dynamic),
    /// A type as a value: `typeof(long)`.
    TypeOf,
    /// Not known: what follows from an error, or from a table that isn't known. Never an error itself.
    Unknown,
}

/// What is known of a dynamic value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dynamic {
    /// Anything.
    Any,
    /// An array, of elements that may be anything.
    Array(Element),
    /// A property bag.
    Bag,
    /// One value of a type.
    Value(Element),
}

/// The type of an element of a dynamic array, or of one dynamic value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Element {
    /// Anything.
    Any,
    /// `bool`.
    Bool,
    /// `int`.
    Int,
    /// `long`.
    Long,
    /// `real`.
    Real,
    /// `decimal`.
    Decimal,
    /// `string`.
    String,
    /// `datetime`.
    Datetime,
    /// `timespan`.
    Timespan,
    /// `guid`.
    Guid,
    /// A property bag.
    Bag,
    /// An array.
    Array,
}

impl Type {
    /// `dynamic` of which nothing more is known.
    pub const DYNAMIC: Self = Self::Dynamic(Dynamic::Any);

    /// The type that a name in a query means: `long`, `int64`, `date`; `None` for no type's name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "bool" | "boolean" => Self::Bool,
            "int" | "int32" | "int8" | "int16" | "uint" | "uint8" | "uint16" | "uint32" => Self::Int,
            "long" | "int64" | "uint64" | "ulong" => Self::Long,
            "real" | "double" | "float" => Self::Real,
            "decimal" => Self::Decimal,
            "string" => Self::String,
            "datetime" | "date" => Self::Datetime,
            "timespan" | "time" => Self::Timespan,
            "guid" | "uuid" | "uniqueid" => Self::Guid,
            "dynamic" => Self::DYNAMIC,
            _ => return None,
        })
    }

    /// The name, as KQL writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Long => "long",
            Self::Real => "real",
            Self::Decimal => "decimal",
            Self::String => "string",
            Self::Datetime => "datetime",
            Self::Timespan => "timespan",
            Self::Guid => "guid",
            Self::Dynamic(_) => "dynamic",
            Self::TypeOf => "type",
            Self::Unknown => "unknown",
        }
    }

    /// `dynamic` of any content.
    #[must_use]
    pub const fn is_dynamic(self) -> bool {
        matches!(self, Self::Dynamic(_))
    }

    /// `int` or `long`.
    #[must_use]
    pub const fn is_integer(self) -> bool {
        matches!(self, Self::Int | Self::Long)
    }

    /// `int`, `long`, `real` or `decimal`.
    #[must_use]
    pub const fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Long | Self::Real | Self::Decimal)
    }

    /// A number, a datetime or a timespan: what can be added up.
    #[must_use]
    pub const fn is_summable(self) -> bool {
        self.is_number() || matches!(self, Self::Datetime | Self::Timespan)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
