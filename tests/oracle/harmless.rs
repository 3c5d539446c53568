//! Changes of a sound query that leave it sound.

use fastrand::Rng;
use huntd::rules::kql::types::Type;

use crate::mutate::Breaker;
use crate::source::{Mutant, Source};
use crate::tokens::Kind;

fn whole(text: String) -> Option<Mutant> {
    Some(Mutant { text, line: 1 })
}

fn crlf(s: &Source<'_>, _: &mut Rng) -> Option<Mutant> {
    whole(s.text.replace('\n', "\r\n"))
}

fn blank_lines(s: &Source<'_>, _: &mut Rng) -> Option<Mutant> {
    whole(format!("\n\n{}\n\n\n", s.text.replace("\n|", "\n\n|")))
}

fn comments(s: &Source<'_>, _: &mut Rng) -> Option<Mutant> {
    whole(format!("// it's \"quoted\" (and [open\n{}\n// the end {{ ' \"", s.text.replace("\n|", " // don't ) ]\n|")))
}

fn tabs(s: &Source<'_>, _: &mut Rng) -> Option<Mutant> {
    whole(s.text.replace("\n|", "\n\t|\t"))
}

fn parenthesized(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    s.staged(rng, |p, _| (format!("where ({} == \"a\" or ({} > 5))", p.text, p.number), 0))
}

fn bracketed(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.is_column(at))?;
    let quoted = if rng.bool() { format!("['{}']", s.at(at)) } else { format!("[\"{}\"]", s.at(at)) };
    Some(s.replaced(at, at, &quoted))
}

fn synonyms(s: &Source<'_>, _: &mut Rng) -> Option<Mutant> {
    whole(
        s.text
            .replace("| where ", "| filter ")
            .replace("| sort by", "| order by")
            .replace("| take ", "| limit ")
            .replace("mv-expand", "mvexpand"),
    )
}

fn unused_let(s: &Source<'_>, _: &mut Rng) -> Option<Mutant> {
    whole(format!("let NeverUsed = dynamic([\"a\", \"b\"]);\n{}", s.text))
}

fn semicolon(s: &Source<'_>, _: &mut Rng) -> Option<Mutant> {
    let last = s.tokens.len().checked_sub(1).filter(|last| s.at(*last) != ";")?;
    Some(s.behind(last, ";"))
}

fn typed_columns(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    s.staged(rng, |p, _| {
        (
            format!(
                "extend HarmlessA = tolower({}), HarmlessB = {} + 1, HarmlessC = bin({}, 1h)",
                p.text, p.number, p.time
            ),
            0,
        )
    })
}

fn wrapped(s: &Source<'_>, _: &mut Rng) -> Option<Mutant> {
    if s.text.contains("render") || s.tokens.last().is_some_and(|last| &s.text[last.start..last.end] == ";") {
        return None;
    }
    whole(format!("let Wrapped = () {{\n{}\n}};\nWrapped()", s.text))
}

fn verbatim(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at =
        s.any(rng, |at| s.tokens[at].kind == Kind::Text && s.at(at).starts_with('"') && !s.at(at).contains('\\'))?;
    Some(s.replaced(at, at, &format!("@{}", s.at(at))))
}

fn negation(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    s.staged(rng, |p, _| {
        (format!("where not({} has \"a\") and {} !in (1, 2) and {} !contains \"b\"", p.text, p.number, p.text2), 0)
    })
}

fn upper_case(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| {
        s.tokens[at].kind == Kind::Text
            && !s.at(at).contains('\\')
            && s.at(at).starts_with('"')
            && matches!(s.at(at - usize::from(at > 0)), "==" | "=~" | "has" | "contains")
    })?;
    Some(s.replaced(at, at, &s.at(at).to_uppercase()))
}

fn bool_column(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    s.staged(rng, |p, _| {
        let flag = p.table.columns().iter().find(|column| column.ty == Type::Bool && column.also.is_none());
        (flag.map_or_else(|| "where true".to_owned(), |flag| format!("where {} and not({})", flag.name, flag.name)), 0)
    })
}

/// All of them.
pub(crate) const CHANGES: &[(&str, Breaker)] = &[
    ("crlf", crlf),
    ("blank-lines", blank_lines),
    ("comments", comments),
    ("tabs", tabs),
    ("parenthesized", parenthesized),
    ("bracketed", bracketed),
    ("synonyms", synonyms),
    ("unused-let", unused_let),
    ("semicolon", semicolon),
    ("typed-columns", typed_columns),
    ("wrapped", wrapped),
    ("verbatim", verbatim),
    ("negation", negation),
    ("upper-case", upper_case),
    ("bool-column", bool_column),
];
