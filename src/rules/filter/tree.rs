//! An expression, as it was read. Its `Display` writes it so that reading gives the same again.

use std::fmt;

use super::glob::Glob;
use super::own::Own;

/// The words that are no names.
pub(super) const WORDS: [&str; 4] = ["AND", "OR", "NOT", "IN"];

/// Which hits are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// All of these hold; two at least.
    All(Vec<Expr>),
    /// One of these holds; two at least.
    Any(Vec<Expr>),
    /// This doesn't hold.
    Not(Box<Expr>),
    /// A column's value is as given.
    Test(Test),
}

/// What is asked of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// The column.
    pub column: Column,
    /// How it is compared.
    pub op: Op,
    /// With what: one value, or for [`Op::In`] one or more; each of the kind that [`Op`] names.
    pub values: Vec<Value>,
}

/// How a column is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `=`: by value, without regard to case, with globs.
    Is,
    /// `!=`: the opposite.
    Isnt,
    /// `==`: as text, letter by letter, with globs.
    Exactly,
    /// `!==`: the opposite.
    NotExactly,
    /// `<`, with a text that is no glob, or a time.
    Less,
    /// `<=`, likewise.
    AtMost,
    /// `>`, likewise.
    More,
    /// `>=`, likewise.
    AtLeast,
    /// `~`, with a regular expression.
    Like,
    /// `!~`, likewise.
    Unlike,
    /// `IN`, with values as for `=`.
    In,
}

impl Op {
    /// Those that are signs; where one is the beginning of another, the longer one first.
    pub(super) const SIGNS: [Self; 10] = [
        Self::NotExactly,
        Self::Exactly,
        Self::Isnt,
        Self::Unlike,
        Self::AtMost,
        Self::AtLeast,
        Self::Is,
        Self::Less,
        Self::More,
        Self::Like,
    ];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Is => "=",
            Self::Isnt => "!=",
            Self::Exactly => "==",
            Self::NotExactly => "!==",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
            Self::Like => "~",
            Self::Unlike => "!~",
            Self::In => "IN",
        }
    }

    /// Whether it asks which of two comes first.
    pub(super) const fn is_order(self) -> bool {
        matches!(self, Self::Less | Self::AtMost | Self::More | Self::AtLeast)
    }
}

/// What a column is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text, a number, a time; for some operators with `*` and `?`.
    Text(Glob),
    /// `ago(7d)`: the moment so long before now, with the length as it was written.
    Ago(String),
    /// A regular expression.
    Regex(String),
}

/// A column of the row, a member in a dynamic column, or a field of huntd's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The name, then those of the members that lead on from there; one at least.
    pub parts: Vec<String>,
}

impl Column {
    /// The field of huntd's own that it names, if it does.
    #[must_use]
    pub fn own(&self) -> Option<Own> {
        if let [name] = self.parts.as_slice() { Own::parse(name) } else { None }
    }

    /// The names within the row: without a `row` in front, which says that no field of huntd's own is
    /// meant.
    #[must_use]
    pub fn in_row(&self) -> &[String] {
        match self.parts.as_slice() {
            [row, rest @ ..] if row == "row" && !rest.is_empty() => rest,
            parts => parts,
        }
    }

    /// The row's column of this name, whatever huntd's own fields are called.
    #[must_use]
    pub fn of_row(name: &str) -> Self {
        let hidden = Own::parse(name).is_some() || name == "row";
        let front = hidden.then(|| "row".to_owned());
        Self { parts: front.into_iter().chain([name.to_owned()]).collect() }
    }
}

/// Whether a character may stand in a name without quotes.
pub(super) fn is_bare_in_name(c: char) -> bool {
    is_bare(c) && !matches!(c, '.' | '=' | '<' | '>' | '!' | '~')
}

/// Whether a character may stand in a value without quotes; the first may be no sign of an operator.
pub(super) fn is_bare(c: char) -> bool {
    !c.is_whitespace() && !matches!(c, '(' | ')' | ',' | '"' | '\'')
}

/// Whether a value that begins so needs quotes: it would be read as an operator.
pub(super) fn is_sign(c: char) -> bool {
    matches!(c, '=' | '<' | '>' | '!' | '~')
}

/// Whether the text is a word of the language, in any case.
pub(super) fn is_word(text: &str) -> bool {
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Whether the text joins expressions: no value without quotes, as `a= AND b=c` has surely lost one. `IN`
/// is the code of a country.
pub(super) fn joins(text: &str) -> bool {
    is_word(text) && !text.eq_ignore_ascii_case("IN")
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(parts) => joined(f, parts, " AND ", |part| matches!(part, Self::All(_) | Self::Any(_))),
            Self::Any(parts) => joined(f, parts, " OR ", |part| matches!(part, Self::Any(_))),
            Self::Not(inner) if matches!(**inner, Self::All(_) | Self::Any(_)) => write!(f, "NOT ({inner})"),
            Self::Not(inner) => write!(f, "NOT {inner}"),
            Self::Test(test) => test.fmt(f),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Expr], word: &str, in_brackets: impl Fn(&Expr) -> bool) -> fmt::Result {
    for (number, part) in parts.iter().enumerate() {
        f.write_str(if number == 0 { "" } else { word })?;
        if in_brackets(part) { write!(f, "({part})")? } else { write!(f, "{part}")? }
    }
    Ok(())
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values: Vec<String> = self.values.iter().map(Value::to_string).collect();
        match self.op {
            Op::In => write!(f, "{} IN ({})", self.column, values.join(", ")),
            op => write!(f, "{}{}{}", self.column, op.as_str(), values.concat()),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Text(glob) => glob.to_string(),
            Self::Ago(length) => return write!(f, "ago({length})"),
            Self::Regex(text) => text.clone(),
        };
        let is_plain = text.chars().all(is_bare) && !joins(&text);
        if is_plain && text.chars().next().is_some_and(|first| !is_sign(first)) {
            f.write_str(&text)
        } else {
            f.write_str(&quoted(&text))
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, part) in self.parts.iter().enumerate() {
            f.write_str(if number == 0 { "" } else { "." })?;
            if !part.is_empty() && part.chars().all(is_bare_in_name) && !is_word(part) {
                f.write_str(part)?;
            } else {
                f.write_str(&quoted(part))?;
            }
        }
        Ok(())
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
