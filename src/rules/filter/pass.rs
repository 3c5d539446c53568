//! Whether a hit passes.

use std::cmp::Ordering;

use regex::{Regex, RegexBuilder};

use super::cell::{Cell, Kind};
use super::glob::{Glob, fold, folded, same};
use super::instant::Instant;
use super::number;
use super::own::Own;
use super::pick::{Found, Picker};
use super::tree::{Column, Expr, Op, Test, Value};
use super::watch::{Unmet, Watch};
use crate::model::hit::Hit;
use crate::model::severity::Severity;
use crate::model::time::{Timestamp, parse_duration};

/// Expressions that must all hold, made ready. It remembers which of their columns no hit had.
#[derive(Debug)]
pub struct Filter {
    nodes: Vec<Node>,
    picker: Picker,
    watch: Watch,
}

#[derive(Debug)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    /// Which column, and what it is held against.
    Test(usize, Matcher),
}

#[derive(Debug)]
enum Matcher {
    /// One of these.
    One(Vec<Wanted>),
    /// Letter by letter.
    Exact(Glob),
    /// Before or after; an equal one counts, or doesn't.
    Order(Ordering, bool, Bound),
    Regex(Regex),
    /// Never: a regular expression or a length that reading would have refused.
    Never,
}

/// A value for `=`.
#[derive(Debug)]
struct Wanted {
    glob: Glob,
    /// The glob's text in no case, where it is none.
    plain: Option<String>,
    instant: Option<Instant>,
    truth: Option<bool>,
}

#[derive(Debug)]
enum Bound {
    Number(String),
    Instant(Instant),
    Severity(Severity),
    /// In no case.
    Text(String),
}

impl Filter {
    /// `now` is what `ago(…)` counts from.
    #[must_use]
    pub fn new(expressions: &[Expr], now: Timestamp) -> Self {
        let mut columns = Vec::new();
        let nodes = expressions.iter().map(|expr| node(expr, now, &mut columns)).collect();
        Self { nodes, picker: Picker::new(&columns), watch: Watch::new(&columns) }
    }

    /// Whether the hit passes.
    pub fn passes(&mut self, hit: &Hit) -> bool {
        let found = self.picker.pick(hit);
        self.watch.look(hit, &found);
        let cells: Vec<Cell<'_>> = found.iter().map(Found::cell).collect();
        self.nodes.iter().all(|node| node.holds(&cells))
    }

    /// The columns that none of the hits had which were looked at.
    #[must_use]
    pub fn unmet(&self) -> Vec<Unmet> {
        self.watch.unmet()
    }
}

/// A regular expression as the language takes it: in any case, unless it says `(?-i)`; and small
/// enough to be made at once.
pub(super) fn regex(text: &str) -> Result<Regex, String> {
    let made = RegexBuilder::new(text).case_insensitive(true).size_limit(1 << 20).nest_limit(64).build();
    made.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "it is too big".to_owned(),
        error => {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default();
            reason.strip_prefix("error: ").unwrap_or(reason).to_owned()
        }
    })
}

fn node(expr: &Expr, now: Timestamp, columns: &mut Vec<Column>) -> Node {
    match expr {
        Expr::All(parts) => Node::All(parts.iter().map(|part| node(part, now, columns)).collect()),
        Expr::Any(parts) => Node::Any(parts.iter().map(|part| node(part, now, columns)).collect()),
        Expr::Not(inner) => Node::Not(Box::new(node(inner, now, columns))),
        Expr::Test(test) => {
            let known = columns.iter().position(|column| *column == test.column);
            let at = known.unwrap_or_else(|| {
                columns.push(test.column.clone());
                columns.len() - 1
            });
            let held = Node::Test(at, matcher(test, now));
            let negated = matches!(test.op, Op::Isnt | Op::NotExactly | Op::Unlike);
            if negated { Node::Not(Box::new(held)) } else { held }
        }
    }
}

fn matcher(test: &Test, now: Timestamp) -> Matcher {
    let order = |order, equal, value: &Value| match bound(&test.column, value, now) {
        Some(bound) => Matcher::Order(order, equal, bound),
        None => Matcher::Never,
    };
    match (test.op, test.values.as_slice()) {
        (Op::Is | Op::Isnt | Op::In, values) => Matcher::One(values.iter().filter_map(Wanted::of).collect()),
        (Op::Exactly | Op::NotExactly, [Value::Text(glob)]) => Matcher::Exact(glob.clone()),
        (Op::Less, [value]) => order(Ordering::Less, false, value),
        (Op::AtMost, [value]) => order(Ordering::Less, true, value),
        (Op::More, [value]) => order(Ordering::Greater, false, value),
        (Op::AtLeast, [value]) => order(Ordering::Greater, true, value),
        (Op::Like | Op::Unlike, [Value::Regex(pattern)]) => regex(pattern).map_or(Matcher::Never, Matcher::Regex),
        _ => Matcher::Never,
    }
}

/// The value given decides what is compared: numbers, instants, or texts.
fn bound(column: &Column, value: &Value, now: Timestamp) -> Option<Bound> {
    let text = match value {
        Value::Ago(length) => {
            return parse_duration(length).ok().map(|length| Bound::Instant(Instant::ago(now, length)));
        }
        Value::Text(glob) => glob.plain()?,
        Value::Regex(_) => return None,
    };
    if column.own() == Some(Own::Severity) {
        return Severity::parse(&text).map(Bound::Severity);
    }
    if number::is_number(&text) {
        return Some(Bound::Number(text));
    }
    Some(Instant::parse(&text).map_or_else(|| Bound::Text(folded(&text)), Bound::Instant))
}

impl Wanted {
    fn of(value: &Value) -> Option<Self> {
        let Value::Text(glob) = value else { return None };
        let text = glob.plain();
        let truth = match text.as_deref() {
            Some(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        };
        let instant = text.as_deref().and_then(Instant::parse);
        Some(Self { glob: glob.folded(), plain: text.as_deref().map(folded), instant, truth })
    }

    fn is(&self, cell: &Cell<'_>) -> bool {
        let Some(plain) = &self.plain else { return self.glob.matches(&cell.text, fold) };
        // The older API writes a bool as 1 and 0.
        let bit = |truth: bool| if truth { "1" } else { "0" };
        let number = match (self.truth, cell.kind) {
            (Some(truth), Kind::Number) => number::compare(bit(truth), &cell.text),
            (_, Kind::Truth) => number::compare(plain, bit(&*cell.text == "true")),
            (_, Kind::Number | Kind::Text) => number::compare(plain, &cell.text),
            _ => None,
        };
        number == Some(Ordering::Equal)
            || self.instant.is_some_and(|instant| Instant::parse(&cell.text) == Some(instant))
            || self.glob.matches(&cell.text, fold)
    }
}

impl Bound {
    /// How the cell stands to it; `None` where they are of different kinds, and for nothing.
    fn order(&self, cell: &Cell<'_>) -> Option<Ordering> {
        if cell.text.is_empty() {
            return None;
        }
        match self {
            Self::Number(_) if cell.kind == Kind::Truth => None,
            Self::Number(number) => number::compare(&cell.text, number),
            Self::Instant(instant) => Instant::parse(&cell.text).map(|found| found.cmp(instant)),
            Self::Severity(severity) => Severity::parse(&cell.text).map(|found| found.cmp(severity)),
            Self::Text(text) => Some(cell.text.chars().map(fold).cmp(text.chars())),
        }
    }
}

impl Node {
    /// Expressions nest no deeper than [`super::parse::DEPTH`], so this may call itself.
    fn holds(&self, cells: &[Cell<'_>]) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(cells)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(cells)),
            Self::Not(inner) => !inner.holds(cells),
            Self::Test(at, matcher) => matcher.holds(cells.get(*at).unwrap_or(&Cell::NOTHING)),
        }
    }
}

impl Matcher {
    fn holds(&self, cell: &Cell<'_>) -> bool {
        match self {
            Self::One(wanted) => wanted.iter().any(|wanted| wanted.is(cell)),
            Self::Exact(glob) => glob.matches(&cell.text, same),
            Self::Order(order, equal, bound) => {
                bound.order(cell).is_some_and(|found| found == *order || (*equal && found == Ordering::Equal))
            }
            Self::Regex(regex) => regex.is_match(&cell.text),
            Self::Never => false,
        }
    }
}
