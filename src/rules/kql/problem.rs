//! A problem of a query.

use super::span::Span;
use crate::model::place::Level;

/// A problem, with its place in the query's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A stable code: `KQL001` and on.
    pub code: Code,
    /// How bad it is: an error is what the service refuses.
    pub level: Level,
    /// Where.
    pub span: Span,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where the bracket was opened that isn't closed: the reader's eye must go there too.
    pub related: Option<Span>,
    /// How to mend it.
    pub hint: Option<String>,
    /// What to write instead, where that can be said with certainty.
    pub fix: Option<Fix>,
}

/// An edit that mends a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What is replaced; empty to insert.
    pub span: Span,
    /// By what.
    pub text: String,
}

/// The stable codes of a query's problems. Numbers are never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// A character that KQL doesn't know.
    Character,
    /// A string, comment or other literal without an end, or with an impossible content.
    Literal,
    /// Something else was expected here.
    Syntax,
    /// A bracket without its partner.
    Bracket,
    /// No such query operator.
    Operator,
    /// Nested too deep.
    Depth,
    /// No such table.
    Table,
    /// No such column.
    Column,
    /// No such function.
    Function,
    /// Wrong number of arguments.
    Arity,
    /// A value of the wrong type.
    Type,
    /// An aggregate where none may stand, or a plain function where an aggregate must.
    Aggregate,
    /// A name that is given twice.
    Duplicate,
    /// A name that fits several things.
    Ambiguous,
    /// A constant or literal must stand here.
    Constant,
    /// A table must stand here, or a scalar.
    Tabular,
    /// No such parameter of an operator, or an impossible value of it.
    Parameter,
    /// A join that can't be: no condition, uneven keys.
    Join,
    /// An operator where it can't stand.
    Place,
    /// A name that is retired, and still works.
    Retired,
    /// A name that can't be known here.
    Unknowable,
}

impl Code {
    /// The text isn't KQL there, whatever its names mean.
    #[must_use]
    pub const fn is_of_syntax(self) -> bool {
        matches!(self, Self::Character | Self::Literal | Self::Syntax | Self::Bracket | Self::Operator | Self::Depth)
    }

    /// As users see it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Character => "KQL001",
            Self::Literal => "KQL002",
            Self::Syntax => "KQL003",
            Self::Bracket => "KQL004",
            Self::Operator => "KQL005",
            Self::Depth => "KQL006",
            Self::Table => "KQL010",
            Self::Column => "KQL011",
            Self::Function => "KQL012",
            Self::Arity => "KQL013",
            Self::Type => "KQL014",
            Self::Aggregate => "KQL015",
            Self::Duplicate => "KQL016",
            Self::Ambiguous => "KQL017",
            Self::Constant => "KQL018",
            Self::Tabular => "KQL019",
            Self::Parameter => "KQL020",
            Self::Join => "KQL021",
            Self::Place => "KQL022",
            Self::Retired => "KQL030",
            Self::Unknowable => "KQL031",
        }
    }
}

impl Problem {
    /// An error.
    #[must_use]
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { code, level: Level::Error, span, message: message.into(), related: None, hint: None, fix: None }
    }

    /// A warning.
    #[must_use]
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { level: Level::Warning, ..Self::error(code, span, message) }
    }

    /// With the place of the bracket that was opened.
    #[must_use]
    pub fn opened(self, at: Span) -> Self {
        Self { related: Some(at), ..self }
    }

    /// With how to mend it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// With an edit that mends it.
    #[must_use]
    pub fn fix(self, span: Span, text: impl Into<String>) -> Self {
        Self { fix: Some(Fix { span, text: text.into() }), ..self }
    }
}
