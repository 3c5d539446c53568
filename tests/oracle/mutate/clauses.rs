//! Mistakes in operators, their clauses, and what stands around queries.

use fastrand::Rng;

use super::{misspelt, recased, stage};
use crate::source::{Mutant, Source};
use crate::verdicts::line_of;

pub(super) fn operator_misspelt(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.is_operator(at))?;
    Some(s.replaced(at, at, &misspelt(s.at(at), rng)))
}

pub(super) fn operator_of_sql(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("select {}, {}", p.text, p.number),
            format!("group by {}", p.text),
            format!("having count() > 5 and {} == \"a\"", p.text),
            format!("orderby {} desc", p.time),
            format!("head {}", 10),
        ]
    })
}

pub(super) fn operator_recased(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.is_operator(at))?;
    let cased = recased(s.at(at), rng);
    Some(s.replaced(at, at, &cased))
}

pub(super) fn by_missing(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![format!("summarize count() {}", p.text), format!("summarize Last = max({}) {}", p.time, p.text)]
    })
}

pub(super) fn by_of_nothing(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec!["summarize count() by".to_owned(), format!("summarize Last = max({}) by", p.time), "order by".to_owned()]
    })
}

pub(super) fn top_without_by(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| vec!["top 10".to_owned(), format!("top 10 {}", p.time), format!("top by {}", p.time)])
}

pub(super) fn join_without_on(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| vec![format!("join kind=inner ({})", p.table.name), format!("join {}", p.table.name)])
}

pub(super) fn join_of_unknown_kind(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        ["outer", "left", "full", "right", "leftjoin", "Inner"]
            .iter()
            .map(|kind| format!("join kind={kind} ({}) on {}", p.table.name, p.text))
            .collect()
    })
}

pub(super) fn join_key_missing(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("join kind=inner ({} | project Other = {}) on {}", p.table.name, p.text, p.text),
            format!("join kind=leftouter ({} | summarize count() by {}) on {}", p.table.name, p.number, p.text),
            format!("join kind=inner ({}) on $left.{} == $right.Nowhere", p.table.name, p.text),
            format!("join kind=inner ({}) on $left.Nowhere == $right.{}", p.table.name, p.text),
        ]
    })
}

pub(super) fn join_uneven(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("join kind=inner ({} | project Other = {}) on {} == Other", p.table.name, p.text, p.text),
            format!("join kind=inner ({0}) on $left.{1} == $left.{1}", p.table.name, p.text),
            format!("join kind=inner ({0} | project Other = {1}) on $left.{1}, $right.Other", p.table.name, p.text),
        ]
    })
}

pub(super) fn equals_single(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.at(at) == "==");
    at.map(|at| s.replaced(at, at, "=")).or_else(|| stage(s, rng, |p| vec![format!("where {} = \"a\"", p.text)]))
}

pub(super) fn equals_triple(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.at(at) == "==");
    at.map(|at| s.replaced(at, at, "===")).or_else(|| stage(s, rng, |p| vec![format!("where {} === \"a\"", p.text)]))
}

pub(super) fn and_of_c(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.at(at) == "and");
    at.map(|at| s.replaced(at, at, "&&"))
        .or_else(|| stage(s, rng, |p| vec![format!("where {} == \"a\" && {} > 5", p.text, p.number)]))
}

pub(super) fn or_of_c(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.at(at) == "or");
    at.map(|at| s.replaced(at, at, "||"))
        .or_else(|| stage(s, rng, |p| vec![format!("where {} == \"a\" || {} > 5", p.text, p.number)]))
}

pub(super) fn like_and_such(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        [
            "like \"a%\"",
            "includes \"a\"",
            "is not null",
            "ilike \"a\"",
            "contains_any (\"a\", \"b\")",
            "begins \"a\"",
            "matches \"a\"",
            "not in (\"a\")",
            "equals \"a\"",
        ]
        .iter()
        .map(|what| format!("where {} {what}", p.text))
        .collect()
    })
}

pub(super) fn not_without_parens(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("where not {} == \"a\"", p.text),
            format!("where not {} has \"a\" and {} > 5", p.text, p.number),
            format!("where !{}", p.text),
        ]
    })
}

pub(super) fn in_without_parens(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("where {} in \"a\"", p.text),
            format!("where {} in~ \"a\", \"b\"", p.text),
            format!("where {} has_any \"a\", \"b\"", p.text),
            format!("where {} !in [\"a\", \"b\"]", p.text),
        ]
    })
}

pub(super) fn comma_missing(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.at(at) == ",");
    at.map(|at| s.replaced(at, at, " ")).or_else(|| stage(s, rng, |p| vec![format!("project {} {}", p.text, p.number)]))
}

pub(super) fn comma_extra(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.at(at) == "," && rng_free(s, at));
    at.map(|at| s.behind(at, ",")).or_else(|| {
        stage(s, rng, |p| {
            vec![format!("project {}, {},", p.text, p.number), format!("where {} in (\"a\",, \"b\")", p.text)]
        })
    })
}

/// Dynamic literals may hold commas as they like.
fn rng_free(s: &Source<'_>, at: usize) -> bool {
    !(at.saturating_sub(40)..at).any(|before| s.at(before) == "dynamic")
}

/// A place of `let`, with the name behind it.
fn a_let(s: &Source<'_>, rng: &mut Rng) -> Option<usize> {
    s.any(rng, |at| s.at(at) == "let" && s.at(at + 2) == "=")
}

/// Puts a `let` before the query.
fn before(s: &Source<'_>, text: &str) -> Mutant {
    Mutant { text: format!("{text}\n{}", s.text), line: 1 }
}

pub(super) fn let_without_semicolon(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.at(at) == ";" && at + 1 < s.tokens.len());
    Some(at.map_or_else(|| before(s, "let Window = 7d"), |at| s.replaced(at, at, "")))
}

pub(super) fn let_misspelt(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = a_let(s, rng);
    Some(match at {
        Some(at) => s.replaced(at, at, rng.choice(["lett", "Let", "LET", "set", "var", "le"])?),
        None => before(s, &format!("{} Window = 7d;", rng.choice(["lett", "Let", "var"])?)),
    })
}

pub(super) fn let_used_misspelt(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let names: Vec<&str> = (0..s.tokens.len()).filter(|at| s.at(*at) == "let").map(|at| s.at(at + 1)).collect();
    let at = s.any(rng, |at| {
        names.contains(&s.at(at)) && s.at(at + 1) != "=" && at > 0 && s.at(at - 1) != "let" && s.at(at - 1) != "."
    });
    match at {
        Some(at) => Some(s.replaced(at, at, &misspelt(s.at(at), rng))),
        None => stage(s, rng, |p| vec![format!("where {} > ago(Windoww)", p.time)]),
    }
}

pub(super) fn let_of_spaced_name(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    Some(before(
        s,
        rng.choice([
            "let my list = dynamic([\"a\"]);",
            "let time frame = 7d;",
            "let bad-hosts = dynamic([\"a\"]);",
            "let 2nd.list = 5;",
        ])?,
    ))
}

pub(super) fn let_with_double_equals(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    Some(before(s, rng.choice(["let Window == 7d;", "let Names := dynamic([\"a\"]);", "let Window 7d;"])?))
}

pub(super) fn let_of_nothing(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    Some(before(s, rng.choice(["let Window = ;", "let Window;", "let = 7d;"])?))
}

pub(super) fn column_twice(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("project {0}, {1}, {0}", p.text, p.number),
            format!("extend Twice = 1, Twice = 2"),
            format!("summarize Twice = count(), Twice = max({}) by {}", p.time, p.text),
        ]
    })
}

pub(super) fn aggregate_in_where(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            "where count() > 5".to_owned(),
            format!("where dcount({}) > 5", p.text),
            format!("extend Most = max({})", p.number),
            format!("where {} == max({})", p.time, p.time),
        ]
    })
}

pub(super) fn plain_in_summarize(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("summarize tolower({}) by {}", p.text, p.text2),
            format!("summarize {} by {}", p.text, p.text2),
            format!("summarize Name = {}, count() by {}", p.text, p.text2),
        ]
    })
}

pub(super) fn take_of_text(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            "take \"ten\"".to_owned(),
            "limit '10'".to_owned(),
            format!("top \"5\" by {}", p.time),
            "take all".to_owned(),
        ]
    })
}

pub(super) fn as_of_sql(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("project {} as Name", p.text),
            format!("summarize count() as Total by {}", p.text),
            format!("extend tolower({}) as Name", p.text),
        ]
    })
}

pub(super) fn alias_with_space(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("project File Name = {}", p.text),
            format!("extend Short Name = tolower({})", p.text),
            format!("summarize Event Count = count() by {}", p.text),
        ]
    })
}

pub(super) fn assignment_of_nothing(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            "extend Name =".to_owned(),
            format!("project Name = , {}", p.text),
            format!("summarize Total = by {}", p.text),
        ]
    })
}

pub(super) fn between_without_dots(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("where {} between (1 and 5)", p.number),
            format!("where {} between (1, 5)", p.number),
            format!("where {} between ago(7d) .. now()", p.time),
            format!("where {} between (ago(7d) now())", p.time),
        ]
    })
}

pub(super) fn index_into_text(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("extend First = {}[0]", p.text),
            format!("extend Part = {}.Name", p.text),
            format!("where {}[\"a\"] == \"b\"", p.text),
        ]
    })
}

pub(super) fn expand_of_text(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("mv-expand {}", p.text),
            format!("mv-expand One = {}", p.number),
            format!("mv-expand tolower({})", p.text),
        ]
    })
}

pub(super) fn two_queries(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let last = s.tokens.len().checked_sub(1).filter(|last| s.at(*last) != ";")?;
    // The line that lacks its semicolon; the next has the second query.
    Some(s.behind(last, &format!("\n{}\n| take 10", rng.choice(["DeviceInfo", "AlertInfo", "EmailEvents"])?)))
}

pub(super) fn fence_left_in(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    Some(match rng.u8(..3) {
        0 => Mutant { text: format!("```kql\n{}\n```", s.text), line: 1 },
        1 => Mutant { text: format!("```\n{}\n```\n", s.text), line: 1 },
        _ => Mutant { text: format!("{}\n```", s.text), line: line_of(s.text, s.text.len()) + 1 },
    })
}

/// Puts a line before a line that begins with a pipe.
fn line_between(s: &Source<'_>, rng: &mut Rng, line: &str) -> Option<Mutant> {
    let at =
        s.any(rng, |at| s.at(at) == "|" && s.text[..s.tokens[at].start].trim_end_matches([' ', '\t']).ends_with('\n'))?;
    let mutant = s.replaced(at, at, &format!("{line}\n|"));
    Some(mutant)
}

pub(super) fn comment_of_shell(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    line_between(s, rng, "# only what is new")
}

pub(super) fn comment_of_sql(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    line_between(s, rng, "-- only what is new")
}

pub(super) fn comment_of_c(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    line_between(s, rng, "/* only what is new */")
}

pub(super) fn placeholder_left_in(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("where {} == {{{{name}}}}", p.text),
            format!("where {} == <name>", p.text),
            format!("where {} > ago({{{{period}}}})", p.time),
            format!("where {} == ${{name}}", p.text),
            format!("where {} == %name%", p.text),
        ]
    })
}
