//! Which event time a query is to be given, and what a complete result of it may be taken for.

use std::time::Duration;

use crate::model::time::Window;
use crate::rules::kql::analyse::Analysis;
use crate::rules::kql::facts::{self, Reach};
use crate::rules::kql::lexer::{TokenKind, tokens};
use crate::rules::kql::problem::Code;
use crate::rules::kql::schema::{Schema, TableKind};
use crate::rules::kql::tree::{Binary, Expr, ExprKind, Item, Operator, Stage};
use crate::rules::kql::types::Type;
use crate::rules::kql::walk::{Node, nodes};

/// What the absence of a row from a complete result says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultScope {
    /// The result is all there is: a row that isn't in it is gone.
    Whole,
    /// The result is all rows with a `Timestamp` in the window: of these, one that isn't in it is
    /// gone. Nothing is said of others.
    Window(Window),
    /// Nothing is said of a row that isn't in it.
    Unknown,
}

/// Which event time a query is to be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryKind {
    /// It filters by no time of its own: huntd gives the window.
    Windowed,
    /// It looks at the clock: of two filters the narrower wins, so a window of ours would silently take
    /// from what it asks for. It gets all the API's days.
    OwnTime,
    /// It filters by moments, and looks at no clock: it asks the same whenever it is asked. It gets all
    /// the API's days.
    Fixed,
    /// It reads only tables without a moment: a window means nothing to it.
    Snapshot,
}

impl QueryKind {
    /// The kind in a word, for machines: `windowed`, `own_time`, `fixed`, `snapshot`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Windowed => "windowed",
            Self::OwnTime => "own_time",
            Self::Fixed => "fixed",
            Self::Snapshot => "snapshot",
        }
    }

    /// The kind in a few words, for people.
    #[must_use]
    pub const fn explained(self) -> &'static str {
        match self {
            Self::Windowed => "huntd gives the window",
            Self::OwnTime => "its own time: asked as of the run",
            Self::Fixed => "fixed times: the same at any time",
            Self::Snapshot => "no time at all: what there is now",
        }
    }
}

/// How a result that is too big is got in parts that add up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Splits {
    /// By parts of the event time that it is given: each row comes from one event, and the event's
    /// `Timestamp` lies in one part. That holds for a query with a time of its own as well: a part
    /// narrows what it asks for.
    ByTime,
    /// By parts of a hash over the whole row, as the last step of the query
    /// ([`crate::rules::kql::bounds`]): rows come one by one, but not all of a table that has a time
    /// the API knows of.
    ByHash,
    /// Not at all: the parts' results don't add up to the whole.
    Never,
}

/// What the window of a query hangs on, told from the query once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryNature {
    /// Which event time it is to be given.
    pub kind: QueryKind,
    /// Of [`QueryKind::OwnTime`]: how far back from its as-of time every read of a table of events
    /// looks at least, without a gap up to that time; so a complete result covers
    /// `[as_of - back, as_of]`. `None` where that isn't certain. Rows that are made of several events
    /// (where `splits` is [`Splits::Never`]) are seen whole only within one run's reach: steps from one
    /// as-of time to the next should overlap by more than lateness there.
    pub back: Option<Duration>,
    /// How a result that is too big is got in parts.
    pub splits: Splits,
    /// What stands in a complete result.
    rows: Rows,
}

/// What stands in a complete result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// All that there is.
    All,
    /// All rows of one table of events whose time lies in the window.
    OfWindow,
    /// Some.
    Some,
}

impl QueryNature {
    /// Tells it of a query and what was found in it.
    ///
    /// It doubts: a wrong [`ResultScope::Unknown`] leaves a row that is gone unsaid, a wrong other
    /// answer tells of one that is still there. And it takes a query that looks at the clock anywhere
    /// for one that filters by it: asking for too much finds what is known, too little misses.
    #[must_use]
    pub fn of(text: &str, analysis: &Analysis<'_>, schema: &Schema) -> Self {
        let facts = &analysis.facts;
        let timed = (!analysis.is_understood() && speaks_of_time(text))
            || facts.reads_clock
            || !matches!(facts.reach, Reach::Open | Reach::Timeless)
            || compares_time(analysis);
        let inventory = |table: &&str| {
            schema.table(table).is_some_and(|table| table.time.is_none() && table.kind != TableKind::Event)
        };
        let snapshot = !timed && !facts.tables.is_empty() && facts.tables.iter().all(inventory);
        let certain = !timed && facts.cut.is_none() && facts.deterministic && analysis.is_understood();
        // A name that isn't known may hide a time: of an inventory that would be the whole.
        let rows = if certain && snapshot && !analysis.is_refused() && !brings_others(analysis) {
            Rows::All
        } else if certain && of_window(analysis, schema) {
            Rows::OfWindow
        } else {
            Rows::Some
        };
        // What isn't known may look at the clock.
        let clockless = !facts.reads_clock && names_are_known(analysis);
        let kind = match (snapshot && rows == Rows::All, timed) {
            (true, _) => QueryKind::Snapshot,
            (false, true) if clockless => QueryKind::Fixed,
            (false, true) => QueryKind::OwnTime,
            (false, false) => QueryKind::Windowed,
        };
        let back = if kind == QueryKind::OwnTime { back_of(analysis, schema) } else { None };
        Self { kind, back, splits: splits(analysis, schema), rows }
    }

    /// What a complete result may be taken for, when its event time was held to `window`.
    #[must_use]
    pub const fn scope(self, window: Option<Window>) -> ResultScope {
        match (self.rows, window) {
            (Rows::All, _) => ResultScope::Whole,
            (Rows::OfWindow, Some(window)) => ResultScope::Window(window),
            _ => ResultScope::Unknown,
        }
    }
}

/// Whether all that it names is known: a table or a function that isn't may do anything. A column that isn't is one
/// that the service has got since, or its refusal.
fn names_are_known(analysis: &Analysis<'_>) -> bool {
    let unknown = |code: Code| matches!(code, Code::Table | Code::Function | Code::Unknowable);
    analysis.is_understood() && !analysis.problems.iter().any(|problem| unknown(problem.code))
}

/// How far back it looks from the clock everywhere.
fn back_of(analysis: &Analysis<'_>, schema: &Schema) -> Option<Duration> {
    let facts = &analysis.facts;
    let sure = names_are_known(analysis) && facts.cut.is_none() && facts.deterministic;
    (sure && facts.leaves.iter().all(|leaf| leaf.known)).then(|| facts::back(&analysis.query, schema)).flatten()
}

/// How its result is got in parts.
fn splits(analysis: &Analysis<'_>, schema: &Schema) -> Splits {
    let facts = &analysis.facts;
    let sure = names_are_known(analysis) && facts.row_wise && facts.cut.is_none() && facts.deterministic;
    if !sure || facts.feeds.is_empty() {
        return Splits::Never;
    }
    // By which other column the API's time span goes, where it does, isn't documented.
    let by_time = |table: &&str| {
        let time = schema.table(table).and_then(|table| table.time.as_deref());
        matches!(time, Some("Timestamp" | "TimeGenerated"))
    };
    if facts.feeds.iter().all(by_time) { Splits::ByTime } else { Splits::ByHash }
}

/// Whether a text that isn't understood has words of time in it.
fn speaks_of_time(text: &str) -> bool {
    tokens(text).iter().any(|token| match token.kind {
        TokenKind::Name => matches!(token.span.of(text), "ago" | "now" | "between" | "todatetime" | "ingestion_time"),
        TokenKind::Literal(ty) | TokenKind::Unended(ty) => ty == Type::Datetime,
        _ => false,
    })
}

/// Columns that hold the time of a row, in tables that are known and in others.
const TIMES: [&str; 3] = ["Timestamp", "TimeGenerated", "ActivityTimestamp"];

fn is_time(expr: &Expr<'_>) -> bool {
    match &expr.kind {
        ExprKind::Name(name) => TIMES.contains(&name.text),
        ExprKind::Paren(inner) => is_time(inner),
        ExprKind::Call { name, .. } => name.text == "ingestion_time",
        _ => false,
    }
}

/// Whether the query compares a row's time with anything.
fn compares_time(analysis: &Analysis<'_>) -> bool {
    nodes(&analysis.query).any(|node| match node {
        Node::Expr(Expr { kind: ExprKind::Binary { op, left, right, .. }, .. }) => {
            let compares = matches!(
                op,
                Binary::Less
                    | Binary::LessEqual
                    | Binary::Greater
                    | Binary::GreaterEqual
                    | Binary::Equal
                    | Binary::NotEqual
            );
            compares && (is_time(left) || is_time(right))
        }
        Node::Expr(Expr { kind: ExprKind::Between { value, .. } | ExprKind::In { value, .. }, .. }) => is_time(value),
        _ => false,
    })
}

/// Whether rows come from elsewhere than from tables, or answers differ each time.
fn brings_others(analysis: &Analysis<'_>) -> bool {
    nodes(&analysis.query).any(|node| match node {
        Node::Stage(stage) => matches!(
            stage.kind,
            Operator::Externaldata { .. }
                | Operator::Evaluate { .. }
                | Operator::Invoke(_)
                | Operator::Search { .. }
                | Operator::Find { .. }
                | Operator::Union { .. }
                | Operator::Range { .. }
                | Operator::Print(_)
                | Operator::Getschema
                | Operator::Broken
                | Operator::Other
        ),
        Node::Expr(Expr { kind: ExprKind::Call { name, .. }, .. }) => matches!(
            name.text,
            "workspace" | "cluster" | "database" | "app" | "adx" | "arg" | "external_table" | "materialized_view"
        ),
        _ => false,
    })
}

/// Whether the result is the rows of one table of events, each with its `Timestamp` as it is.
fn of_window(analysis: &Analysis<'_>, schema: &Schema) -> bool {
    let [leaf] = analysis.facts.leaves.as_slice() else { return false };
    let timed = schema.table(leaf.table).is_some_and(|table| table.time.as_deref() == Some("Timestamp"));
    timed
        && analysis.facts.row_wise
        && nodes(&analysis.query).all(|node| match node {
            Node::Stage(stage) => keeps_rows(stage),
            _ => true,
        })
}

/// Whether an operator's rows are those that flow into it, their `Timestamp` left alone.
fn keeps_rows(stage: &Stage<'_>) -> bool {
    let renames = |items: &[Item<'_>]| {
        items.iter().any(|item| {
            let given = item.names.iter().any(|name| name.text == "Timestamp");
            let moved = !item.names.is_empty() && is_time(&item.expr);
            given || moved
        })
    };
    match &stage.kind {
        Operator::Where { .. }
        | Operator::Sort { .. }
        | Operator::ProjectAway(_)
        | Operator::ProjectKeep(_)
        | Operator::ProjectReorder(_) => true,
        Operator::Extend(items) | Operator::Project(items) | Operator::ProjectRename(items) => !renames(items),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
