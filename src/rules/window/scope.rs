//! What a complete result may be taken for.

use super::tables::{EVENTS, SNAPSHOTS, WITHOUT_TIMESTAMP};
use super::words::{Token, tokens};
use crate::model::time::Window;

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

/// What a complete result of `query` may be taken for, when its event time was held to `window`.
///
/// This looks at words alone, and doubts: a wrong `Unknown` leaves a row that is gone unsaid, a
/// wrong other answer tells of one that is still there. So `Whole` needs tables without a moment
/// and nothing that looks at time or takes a part; `Window` needs a single table of events, row by
/// row, with its `Timestamp` as it is.
#[must_use]
pub fn scope(query: &str, window: Option<Window>) -> ResultScope {
    let tokens = tokens(query);
    let words: Vec<&str> = tokens
        .iter()
        .filter_map(|token| match token {
            Token::Word(word) => Some(*word),
            Token::Sign(_) => None,
        })
        .collect();
    if words.iter().any(|word| looks_at_time(word) || TAKES_A_PART.contains(word)) {
        return ResultScope::Unknown;
    }
    let named = |tables: &[&str]| words.iter().filter(|word| tables.contains(word)).count();
    match (named(&SNAPSHOTS), named(&EVENTS), window) {
        (1.., 0, _) if !has_moments(&words) && joins_known_tables(&words) => ResultScope::Whole,
        (0, 1, Some(window)) if keeps_rows(&words) && leaves_time(&tokens) => ResultScope::Window(window),
        _ => ResultScope::Unknown,
    }
}

/// Which event time a query is to be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryKind {
    /// It filters by no time of its own: huntd gives the window.
    Windowed,
    /// It looks at the clock or names moments: of two filters the narrower wins, so a window of ours
    /// would silently take from what it asks for. It gets all the API's days.
    OwnTime,
    /// It reads only tables without a moment: a window means nothing to it.
    Snapshot,
}

/// Which event time `query` is to be given. Looks at words alone, and so takes a `now()` that filters
/// nothing for a filter: asking for too much finds what is known, asking for too little misses.
#[must_use]
pub fn query_kind(query: &str) -> QueryKind {
    let tokens = tokens(query);
    let mut words = tokens.iter().filter_map(|token| match token {
        Token::Word(word) => Some(*word),
        Token::Sign(_) => None,
    });
    if scope(query, None) == ResultScope::Whole {
        QueryKind::Snapshot
    } else if words.any(|word| looks_at_time(word) && !matches!(word, "between" | "bin")) {
        QueryKind::OwnTime
    } else {
        QueryKind::Windowed
    }
}

/// Functions and operators that look at the clock or pick by time.
fn looks_at_time(word: &str) -> bool {
    ["datetime", "startof", "endof", "unixtime"].iter().any(|start| word.starts_with(start))
        || ["ago", "now", "todatetime", "make_datetime", "between", "ingestion_time", "bin"].contains(&word)
}

/// Operators that take some rows only, add rows from elsewhere, or answer differently each time.
const TAKES_A_PART: [&str; 20] = [
    "take",
    "limit",
    "sample",
    "top",
    "getschema",
    "externaldata",
    "evaluate",
    "invoke",
    "union",
    "find",
    "search",
    "rand",
    "range",
    "print",
    "workspace",
    "cluster",
    "database",
    "app",
    "adx",
    "arg",
];

/// Operators whose rows aren't the table's rows.
const MAKES_OTHER_ROWS: [&str; 14] = [
    "summarize",
    "distinct",
    "join",
    "lookup",
    "make",
    "mv",
    "partition",
    "scan",
    "serialize",
    "reduce",
    "facet",
    "fork",
    "consume",
    "count",
];

/// Whether the rows are those of the table, and have a `Timestamp`.
fn keeps_rows(words: &[&str]) -> bool {
    !words.iter().any(|word| MAKES_OTHER_ROWS.contains(word) || *word == WITHOUT_TIMESTAMP)
}

/// Columns of moments in tables that this version of huntd doesn't know.
fn has_moments(words: &[&str]) -> bool {
    ["Timestamp", "TimeGenerated"].iter().any(|column| words.contains(column))
}

/// Whether each join can have a known table on its other side.
fn joins_known_tables(words: &[&str]) -> bool {
    let joins = words.iter().filter(|word| ["join", "lookup"].contains(word)).count();
    joins < SNAPSHOTS.iter().filter(|table| words.contains(table)).count()
}

/// Whether `Timestamp` is only shown or sorted by: not compared, not computed with, not given to or
/// taken from another name.
fn leaves_time(tokens: &[Token<'_>]) -> bool {
    let works = |token: Option<&Token<'_>>| {
        token.is_some_and(|token| match token {
            Token::Sign(sign) => "<>=!+-".contains(*sign),
            Token::Word(word) => *word == "in",
        })
    };
    tokens.iter().enumerate().all(|(n, token)| {
        *token != Token::Word("Timestamp")
            || !works(tokens.get(n + 1)) && !works(n.checked_sub(1).and_then(|before| tokens.get(before)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;

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
            assert_eq!(scope(query, Some(window)), expected, "{query}");
            let without = if expected == whole { whole } else { unknown };
            assert_eq!(scope(query, None), without, "{query}");
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
            assert_eq!(query_kind(query), kind, "{query}");
        }
    }
}
