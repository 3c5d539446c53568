//! Which event time a query is to be given, and what a complete result of it may be taken for.

use std::time::Duration;

use crate::model::time::Window;
use crate::rules::kql::analyse::Analysis;
use crate::rules::kql::facts::Reach;
use crate::rules::kql::lexer::{TokenKind, tokens};
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
    /// It looks at the clock or filters by moments: of two filters the narrower wins, so a window of
    /// ours would silently take from what it asks for. It gets all the API's days.
    OwnTime,
    /// It reads only tables without a moment: a window means nothing to it.
    Snapshot,
}

/// How a result that is too big may be asked for in parts that add up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Splits {
    /// By its window.
    ByTime,
    /// By a hash of its rows.
    ByHash,
    /// Not at all.
    Never,
}

/// What the window of a query hangs on, told from the query once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryNature {
    /// Which event time it is to be given.
    pub kind: QueryKind,
    /// How far back from its moment every read of it looks, where it has its own time and that is certain.
    pub back: Option<Duration>,
    /// How it may be asked in parts.
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
        let kind = match (snapshot && rows == Rows::All, timed) {
            (true, _) => QueryKind::Snapshot,
            (false, true) => QueryKind::OwnTime,
            (false, false) => QueryKind::Windowed,
        };
        let back = match (kind, facts.reach) {
            (QueryKind::OwnTime, Reach::Back(back)) => Some(back),
            _ => None,
        };
        let splits = match kind {
            QueryKind::Windowed if facts.row_wise => Splits::ByTime,
            _ => Splits::Never,
        };
        Self { kind, back, splits, rows }
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
mod tests {
    use super::*;
    use crate::model::time::Timestamp;
    use crate::rules::kql::analyse::analyse;

    fn nature(query: &str) -> QueryNature {
        QueryNature::of(query, &analyse(query, Schema::defender()), Schema::defender())
    }

    #[test]
    fn doubts_what_it_cant_be_sure_of() {
        let window = Window { from: Timestamp::EPOCH, to: Timestamp::from_seconds(3600) };
        let (whole, in_window, unknown) = (ResultScope::Whole, ResultScope::Window(window), ResultScope::Unknown);
        let cases = [
            ("DeviceTvmSoftwareInventory | where SoftwareName has 'log4j'", whole),
            ("DeviceTvmSoftwareInventory | summarize dcount(DeviceId) by SoftwareName", whole),
            ("DeviceTvmSoftwareVulnerabilities | join DeviceTvmSoftwareVulnerabilitiesKB on CveId", whole),
            ("DeviceTvmSoftwareInventory | where SoftwareName == 'DeviceInfo, take ago(1d)' // limit", whole),
            ("DeviceTvmSoftwareInventory | join SigninLogs on DeviceName", unknown),
            ("DeviceTvmSoftwareInventory | take 100", unknown),
            ("DeviceTvmSoftwareInventory | top 10 by SoftwareName", unknown),
            ("DeviceTvmSoftwareInventory | join DeviceInfo on DeviceId", unknown),
            ("DeviceTvmSoftwareInventory | where EndOfSupportDate < now()", unknown),
            ("DeviceTvmSoftwareInventory | where EndOfSupportDate between (a .. b)", unknown),
            ("union DeviceTvmSoftwareInventory, SecurityEvent", unknown),
            ("CallActivityEvents", unknown),
            ("DeviceProcessEvents | where FileName == 'a.exe' | project Timestamp, DeviceId, ReportId", in_window),
            ("DeviceProcessEvents | where FileName == 'a.exe' | sort by Timestamp desc", in_window),
            ("DeviceProcessEvents | where Timestamp > ago(1h)", unknown),
            ("let from = x; DeviceProcessEvents | where Timestamp > from", unknown),
            ("DeviceProcessEvents | where from < Timestamp", unknown),
            ("DeviceProcessEvents | extend Timestamp = ProcessCreationTime", unknown),
            ("DeviceProcessEvents | project At = Timestamp", unknown),
            ("DeviceProcessEvents | summarize count() by DeviceId", unknown),
            ("DeviceProcessEvents | where DeviceId in (DeviceInfo | project DeviceId)", unknown),
            ("DeviceProcessEvents | mv-expand x = AdditionalFields", unknown),
            ("SecurityEvent | where EventID == 4625", unknown),
            ("", unknown),
        ];
        for (query, expected) in cases {
            assert_eq!(nature(query).scope(Some(window)), expected, "{query}");
            let without = if expected == whole { whole } else { unknown };
            assert_eq!(nature(query).scope(None), without, "{query}");
        }
    }

    #[test]
    fn a_query_with_its_own_time_gets_no_window_of_ours() {
        for (query, kind) in [
            ("DeviceProcessEvents | where FileName == 'ago(1d)'", QueryKind::Windowed),
            ("DeviceProcessEvents | summarize count() by bin(Timestamp, 1h)", QueryKind::Windowed),
            ("DeviceProcessEvents | where Timestamp > ago(1d)", QueryKind::OwnTime),
            ("let start = datetime(2026-01-01); DeviceEvents | where Timestamp > start", QueryKind::OwnTime),
            ("DeviceTvmSoftwareInventory | project DeviceId, SoftwareName", QueryKind::Snapshot),
            ("MyTable_CL | where X == 1 // ago(1d)", QueryKind::Windowed),
        ] {
            assert_eq!(nature(query).kind, kind, "{query}");
        }
    }
}
