//! What a client writes into a query: bounds of time, `| count` at its end, a part of its rows. The
//! simulated tenant reads no KQL; it knows these forms by their text.

use std::time::Duration;

use super::cell::mix;
use super::moment::Asked;
use crate::model::time::{Timestamp, parse_duration};

/// How deep brackets and names are followed.
const DEEP: u32 = 12;

/// One of so many parts of a result's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Which, from 0.
    pub n: u64,
    /// Of how many.
    pub of: u64,
}

impl Share {
    /// Whether a row of that hash is in it.
    #[must_use]
    pub fn takes(self, hash: u64) -> bool {
        mix(&[hash, 13]) % self.of.max(1) == self.n
    }
}

/// What was read of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The event time that it asks for by itself.
    pub asked: Asked,
    /// The part of its rows that it asks for.
    pub share: Option<Share>,
    /// It asks only how many rows there are.
    pub counted: bool,
}

impl Reading {
    /// Of a query, whose rows bear their time in `column`.
    #[must_use]
    pub fn of(query: &str, column: &str) -> Self {
        let plain = without_comments(query);
        let (rest, counted) = match cut_operator(&plain, |operator| operator == "count") {
            Some(rest) => (rest, true),
            None => (plain.as_str(), false),
        };
        let share = last_operator(rest).and_then(share);
        Self { asked: bounds(&plain, column), share, counted }
    }
}

/// The query as it was before a client held it to a window, counted it or took a part of it. Parentheses
/// around a table that was bounded stay.
#[must_use]
pub fn original(query: &str) -> String {
    let mut text = query.trim().trim_end_matches(';').trim_end();
    while let Some(rest) = cut_operator(text, |operator| operator == "count" || share(operator).is_some()) {
        text = rest;
    }
    let mut out = String::with_capacity(text.len());
    while let Some(at) = text.find(" | where ") {
        let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
        out.push_str(before);
        let operator = after.get(" | where ".len()..).unwrap_or_default();
        text = window(operator).unwrap_or_else(|| {
            out.push_str(" | where ");
            operator
        });
    }
    out.push_str(text);
    out
}

/// What is behind `T >= datetime(a) and T < datetime(b)`.
fn window(text: &str) -> Option<&str> {
    let name = |text: &str| text.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let (column, rest) = text.split_at_checked(name(text)?)?;
    let (_, rest) = datetime(rest.strip_prefix(" >= ")?)?;
    let rest = rest.strip_prefix(" and ")?.strip_prefix(column)?;
    datetime(rest.strip_prefix(" < ")?).map(|(_, rest)| rest)
}

/// The last operator of a query.
fn last_operator(text: &str) -> Option<&str> {
    text.trim_end().trim_end_matches(';').rsplit_once('|').map(|(_, operator)| operator.trim())
}

/// The query without its last operator, where that is meant.
fn cut_operator(text: &str, meant: impl Fn(&str) -> bool) -> Option<&str> {
    let text = text.trim_end().trim_end_matches(';').trim_end();
    let (rest, operator) = text.rsplit_once('|')?;
    meant(operator.trim()).then(|| rest.trim_end())
}

fn share(operator: &str) -> Option<Share> {
    let rest = operator.strip_prefix("where hash(tostring(pack_all()),")?;
    let (of, n) = rest.split_once("==")?;
    let share = Share { n: n.trim().parse().ok()?, of: of.trim().strip_suffix(')')?.trim().parse().ok()? };
    (share.of > 0).then_some(share)
}

/// Without what stands behind `//`, which is no comment inside a string.
fn without_comments(query: &str) -> String {
    let mut out = String::with_capacity(query.len());
    let mut quote = None;
    let mut letters = query.chars().peekable();
    while let Some(letter) = letters.next() {
        match quote {
            Some(mark) if letter == mark || letter == '\n' => quote = None,
            None if letter == '/' && letters.peek() == Some(&'/') => {
                let newline = letters.by_ref().find(|letter| *letter == '\n');
                out.extend(newline);
                continue;
            }
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            _ => {}
        }
        out.push(letter);
    }
    out
}

/// A bound, and where it stands.
struct Bound {
    asked: Asked,
    /// Its moments are written out, not counted from one.
    literal: bool,
    /// In the result's own pipe.
    main: bool,
}

/// The bounds on `column`: `T between (a .. b)` with both ends taken, and `T >= a`, `T > …`, `T < …`,
/// `T <= …`, where a moment is `datetime(…)`, one with a span added or taken away, or a name of such.
///
/// Moments that are written out hold for all of the query. Of others, those of the result's own pipe
/// hold; where it has none the widest of all: a query may well look further back on its way.
#[must_use]
pub fn bounds(query: &str, column: &str) -> Asked {
    let mut found: Vec<Bound> = Vec::new();
    let last = query.trim_end().trim_end_matches(';').rfind(';').unwrap_or(0);
    for (place, _) in query.match_indices(column) {
        let (before, after) = query.split_at_checked(place).unwrap_or((query, ""));
        let after = after.get(column.len()..).unwrap_or_default();
        if before.chars().next_back().is_some_and(is_name) || after.starts_with(is_name) {
            continue;
        }
        if let Some((asked, literal)) = bound(query, after.trim_start()) {
            let depth = before.matches('(').count() == before.matches(')').count();
            found.push(Bound { asked, literal, main: depth && place >= last });
        }
    }
    let all = |of: &dyn Fn(&Bound) -> bool| {
        let meant = found.iter().filter(|bound| of(bound));
        meant.fold(Asked::ALL, |asked, bound| asked.and(bound.asked))
    };
    let written = all(&|bound| bound.literal);
    if found.iter().any(|bound| !bound.literal && bound.main) {
        return written.and(all(&|bound| !bound.literal && bound.main));
    }
    let others = found.iter().filter(|bound| !bound.literal).map(|bound| bound.asked);
    let widest = others.reduce(|a, b| Asked { from: a.from.min(b.from), to: a.to.max(b.to) });
    written.and(widest.unwrap_or(Asked::ALL))
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '.'
}

/// A bound that begins with its operator, and whether its moments are written out.
fn bound(query: &str, text: &str) -> Option<(Asked, bool)> {
    let after = |at: Timestamp| at.plus(Duration::from_nanos(1));
    if let Some(rest) = text.strip_prefix("between") {
        let inside = rest.trim_start().strip_prefix('(')?;
        let (from, rest) = moment(query, inside, 0)?;
        let high = rest.trim_start().strip_prefix("..")?;
        let (to, _) = moment(query, high, 0)?;
        let literal = is_literal(inside) && is_literal(high);
        return Some((Asked { from, to: after(to) }, literal));
    }
    let (operator, rest) = text.split_at_checked(text.find(|c| c != '<' && c != '>' && c != '=')?)?;
    let (at, _) = moment(query, rest, 0)?;
    let asked = match operator {
        ">=" => Asked { from: at, ..Asked::ALL },
        ">" => Asked { from: after(at), ..Asked::ALL },
        "<" => Asked { to: at, ..Asked::ALL },
        "<=" => Asked { to: after(at), ..Asked::ALL },
        _ => return None,
    };
    Some((asked, is_literal(rest)))
}

/// Whether a moment is `datetime(…)` and no more.
fn is_literal(text: &str) -> bool {
    datetime(text.trim_start()).is_some_and(|(_, rest)| !rest.trim_start().starts_with(['+', '-']))
}

/// A moment, and what is behind it.
fn moment<'a>(query: &'a str, text: &'a str, deep: u32) -> Option<(Timestamp, &'a str)> {
    if deep > DEEP {
        return None;
    }
    let text = text.trim_start();
    let (mut at, mut rest) = if let Some(inside) = text.strip_prefix('(') {
        let (at, rest) = moment(query, inside, deep + 1)?;
        (at, rest.trim_start().strip_prefix(')')?)
    } else if let Some(found) = datetime(text) {
        found
    } else {
        let (value, rest) = named(query, text)?;
        (moment(query, value, deep + 1)?.0, rest)
    };
    loop {
        let next = rest.trim_start();
        let Some(sign) = next.chars().next().filter(|sign| matches!(sign, '+' | '-')) else { break };
        let Some((minus, span, after)) = span(query, next.get(1..)?, deep + 1) else { break };
        at = if minus == (sign == '+') { at.minus(span) } else { at.plus(span) };
        rest = after;
    }
    Some((at, rest))
}

/// A length of time, whether it is negative, and what is behind it.
fn span<'a>(query: &'a str, text: &'a str, deep: u32) -> Option<(bool, Duration, &'a str)> {
    if deep > DEEP {
        return None;
    }
    let text = text.trim_start();
    if let Some(inside) = text.strip_prefix('(') {
        let (minus, span, rest) = span(query, inside, deep + 1)?;
        return Some((minus, span, rest.trim_start().strip_prefix(')')?));
    }
    if let Some(rest) = text.strip_prefix('-') {
        let (minus, span, rest) = span(query, rest, deep + 1)?;
        return Some((!minus, span, rest));
    }
    if text.starts_with(|letter: char| letter.is_ascii_digit()) {
        let (literal, rest) =
            text.split_at_checked(text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len()))?;
        return Some((false, parse_duration(literal).ok()?, rest));
    }
    let (value, rest) = named(query, text)?;
    let (minus, span, _) = span(query, value, deep + 1)?;
    Some((minus, span, rest))
}

/// What a name stands for that a `let` gives, and what is behind the name.
fn named<'a>(query: &'a str, text: &'a str) -> Option<(&'a str, &'a str)> {
    let (name, rest) = text.split_at_checked(text.find(|letter| !is_name(letter)).unwrap_or(text.len()))?;
    if name.is_empty() || rest.trim_start().starts_with('(') {
        return None;
    }
    let value = query.split(';').find_map(|statement| {
        let (declared, value) = statement.trim_start().strip_prefix("let ")?.split_once('=')?;
        (declared.trim() == name).then_some(value)
    })?;
    Some((value, rest))
}

/// `datetime(…)`, and what is behind it.
fn datetime(text: &str) -> Option<(Timestamp, &str)> {
    let inner = text.trim_start().strip_prefix("datetime")?.trim_start().strip_prefix('(')?;
    let (literal, rest) = inner.split_once(')')?;
    let at = Timestamp::parse(literal.trim().trim_matches(['"', '\'']))?;
    Some((at, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn bounds_in_a_query() {
        let (a, b) = (at("2024-02-01T08:00:00Z"), at("2024-02-15T08:00:00Z"));
        let nano = Duration::from_nanos(1);
        let (first, last) = (Asked::ALL.from, Asked::ALL.to);
        // `A` and `B` stand for the two.
        let cases = [
            ("T\n| where Timestamp between (A .. B)", a, b.plus(nano)),
            ("T | where Timestamp >= A and Timestamp < B", a, b),
            ("T | where Timestamp>datetime(\"2024-02-01T08:00:00Z\")", a.plus(nano), last),
            ("T | where Timestamp <= B", first, b.plus(nano)),
            ("T | where LastTimestamp >= A | project Timestamp", first, last),
            ("T | where Timestamp > ago(1h)", first, last),
            ("T // | where Timestamp > A", first, last),
            // As of a time.
            ("T | where Timestamp >= (B - (14d))", a, last),
            ("T | where Timestamp >= B - 14d", a, last),
            ("T | where Timestamp >= (A + (-1h))", a.minus(Duration::from_hours(1)), last),
            ("T | where Timestamp between ((B - (14d)) .. B)", a, b.plus(nano)),
            ("let back = 14d;\nT | where Timestamp >= (B - (back))", a, last),
            ("let end = B; let start = end - 14d; T | where Timestamp >= start and Timestamp < end", a, b),
            ("let T = X | where Timestamp >= (B - (14d)); T | count", a, last),
            // The result's own pipe counts, and else the widest.
            ("T | where Timestamp >= (B - (14d)) | join (T | where Timestamp >= (B - (1d))) on X", a, last),
            ("union (T | where Timestamp >= (B - (1d))), (U | where Timestamp >= (B - (14d)))", a, last),
            (
                "let old = T | where Timestamp between ((A - (9d)) .. (A - (1d)));\nT | where Timestamp >= (B - (14d)) | join kind=leftanti old on X",
                a,
                last,
            ),
            ("T | where Timestamp >= A and Timestamp < B | where Timestamp >= (B - (30d))", a, b),
        ];
        for (query, from, to) in cases {
            let query =
                query.replace('A', "datetime(2024-02-01T08:00:00Z)").replace('B', "datetime(2024-02-15T08:00:00Z)");
            assert_eq!(Reading::of(&query, "Timestamp").asked, Asked { from, to }, "{query}");
        }
    }

    #[test]
    fn the_end_of_a_query() {
        let third = Some(Share { n: 2, of: 3 });
        for (query, counted, share) in [
            ("T", false, None),
            ("T\n| count", true, None),
            ("T | where x == 'a|b'\n| count ; // all\n", true, None),
            ("T | where url has 'http://a' | count", true, None),
            ("T | count | where Count > 5", false, None),
            ("T | project count", false, None),
            ("T\n| where hash(tostring(pack_all()), 3) == 2", false, third),
            ("T\n| where hash(tostring(pack_all()), 3) == 2\n| count;", true, third),
            ("T | where hash(X, 3) == 2", false, None),
        ] {
            let reading = Reading::of(query, "Timestamp");
            assert_eq!((reading.counted, reading.share), (counted, share), "{query}");
        }
    }

    #[test]
    fn a_query_is_known_under_what_was_written_into_it() {
        let bound =
            " | where Timestamp >= datetime(2024-02-01T08:00:00Z) and Timestamp < datetime(2024-02-15T08:00:00Z)";
        for query in ["T | where X == 1", "T\n| where Timestamp >= datetime(2024-02-01T08:00:00Z)\n| take 5", "T"] {
            let held = query.replacen('T', &format!("T{bound}"), 1);
            assert_eq!(original(&held), query);
            assert_eq!(original(&format!("{held}\n| where hash(tostring(pack_all()), 3) == 2\n| count;")), query);
        }
    }

    #[test]
    fn shares_add_up() {
        let counts = [0, 1, 2].map(|n| (0..3_000).filter(|hash| Share { n, of: 3 }.takes(*hash)).count());
        assert_eq!(counts.iter().sum::<usize>(), 3_000);
        assert!(counts.iter().all(|count| (900..1_100).contains(count)), "{counts:?}");
    }
}
