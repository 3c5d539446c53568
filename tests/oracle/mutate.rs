//! Ways to break a sound query, one for each kind of mistake that people make.
//!
//! Each says which line it broke. Those that need types write a stage of their own behind the table
//! that a pipe begins with, where its columns are known for certain.

use fastrand::Rng;

use crate::source::{Mutant, Pick, Source};
use crate::tokens::Kind;
use crate::verdicts::line_of;

/// Breaks a query; `None` where it offers no place for that.
pub(crate) type Breaker = fn(&Source<'_>, &mut Rng) -> Option<Mutant>;

/// A stage that is one wrong line.
fn stage(source: &Source<'_>, rng: &mut Rng, write: impl Fn(&Pick<'_>) -> Vec<String>) -> Option<Mutant> {
    source.staged(rng, |pick, rng| (rng.choice(write(pick)).unwrap_or_default(), 0))
}

/// Two stages of which the second is wrong.
fn second(source: &Source<'_>, rng: &mut Rng, write: impl Fn(&Pick<'_>) -> (String, String)) -> Option<Mutant> {
    source.staged(rng, |pick, _| {
        let (sound, wrong) = write(pick);
        (format!("{sound}\n| {wrong}"), 1)
    })
}

/// A word with two letters swapped, one left out or one doubled, and another word for certain.
fn misspelt(word: &str, rng: &mut Rng) -> String {
    let letters: Vec<char> = word.chars().collect();
    let at = rng.usize(1..letters.len().max(2) - 1 + usize::from(letters.len() < 2));
    let mut changed = letters.clone();
    match rng.u8(..3) {
        0 if at + 1 < letters.len() && letters[at] != letters[at + 1] => changed.swap(at, at + 1),
        1 => {
            changed.remove(at.min(letters.len() - 1));
        }
        _ => changed.insert(at, letters[at.min(letters.len() - 1)]),
    }
    changed.into_iter().collect()
}

/// A word in another case, and another word for certain.
fn recased(word: &str, rng: &mut Rng) -> String {
    let lower = word.to_lowercase();
    let mut first = word.chars();
    let turned: String = match first.next() {
        Some(c) if c.is_lowercase() => c.to_uppercase().chain(first).collect(),
        Some(c) => c.to_lowercase().chain(first).collect(),
        None => String::new(),
    };
    rng.choice([lower, word.to_uppercase(), turned.clone()]).filter(|other| other != word).unwrap_or(turned)
}

fn table_misspelt(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.is_table(at))?;
    Some(s.replaced(at, at, &misspelt(s.at(at), rng)))
}

fn table_recased(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.is_table(at))?;
    Some(s.replaced(at, at, &recased(s.at(at), rng)))
}

fn table_of_sentinel(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.is_table(at))?;
    let other =
        rng.choice(["SigninLogs", "SecurityEvent", "AuditLogs", "OfficeActivity", "CommonSecurityLog", "Heartbeat"])?;
    Some(s.replaced(at, at, other))
}

fn table_renamed(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.is_table(at))?;
    let other = rng.choice([
        "ProcessCreationEvents",
        "NetworkCommunicationEvents",
        "FileCreationEvents",
        "MachineInfo",
        "LogonEvents",
        "AppFileEvents",
        "MiscEvents",
    ])?;
    Some(s.replaced(at, at, other))
}

fn column_misspelt(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.is_column(at))?;
    Some(s.replaced(at, at, &misspelt(s.at(at), rng)))
}

fn column_recased(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.is_column(at))?;
    Some(s.replaced(at, at, &recased(s.at(at), rng)))
}

fn column_of_sentinel(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.is_column(at))?;
    Some(s.replaced(
        at,
        at,
        rng.choice(["TimeGenerated", "Computer", "SubjectUserName", "EventID", "UserPrincipalName", "ResultType"])?,
    ))
}

fn column_of_another_table(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let used: Vec<_> = s.tables().collect();
    let at = s.any(rng, |at| s.is_column(at))?;
    let mut names: Vec<String> = s
        .schema
        .tables()
        .flat_map(|table| table.columns().iter().map(|column| column.name.to_string()))
        .filter(|name| {
            used.iter().all(|table| table.column(name).is_none() && s.schema.maybe_column(&table.name, name).is_none())
        })
        .collect();
    names.sort_unstable();
    Some(s.replaced(at, at, &rng.choice(names)?))
}

fn column_projected_away(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    second(s, rng, |p| (format!("project-away {}", p.text), format!("where isnotempty({})", p.text)))
}

fn column_not_projected(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    second(s, rng, |p| (format!("project {}, Kept = {}", p.time, p.number), format!("where {} has \"a\"", p.text)))
}

fn column_summarized_away(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    second(s, rng, |p| (format!("summarize count() by {}", p.number), format!("where {} contains \"a\"", p.text)))
}

fn column_renamed_away(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    second(s, rng, |p| (format!("project-rename Renamed = {}", p.text), format!("where {} =~ \"a\"", p.text)))
}

fn pipe_missing(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| at > 0 && s.at(at) == "|")?;
    Some(s.replaced(at, at, " "))
}

fn pipe_doubled(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.at(at) == "|")?;
    Some(s.behind(at, " |"))
}

fn pipe_at_end(s: &Source<'_>, _: &mut Rng) -> Option<Mutant> {
    let last = s.tokens.len().checked_sub(1)?;
    let last = if s.at(last) == ";" { last - 1 } else { last };
    let mutant = s.behind(last, "\n|");
    Some(Mutant { line: mutant.line + 1, ..mutant })
}

fn without(s: &Source<'_>, rng: &mut Rng, sign: &str) -> Option<Mutant> {
    let at = s.any(rng, |at| s.at(at) == sign)?;
    Some(s.replaced(at, at, ""))
}

fn paren_unclosed(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    without(s, rng, ")")
}

fn paren_unopened(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    without(s, rng, "(")
}

fn paren_extra(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.at(at) == ")")?;
    Some(s.behind(at, ")"))
}

fn bracket_missing(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| matches!(s.at(at), "]" | "["));
    at.map(|at| s.replaced(at, at, "")).or_else(|| {
        stage(s, rng, |p| {
            vec![
                format!("extend Part = split({}, \"x\")[0", p.text),
                format!("where {} in~ (dynamic([\"a\", \"b\"))", p.text),
            ]
        })
    })
}

fn quote_missing(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.tokens[at].kind == Kind::Text)?;
    let text = s.at(at);
    let cut = if rng.bool() {
        text[..text.len() - 1].to_owned()
    } else {
        text.trim_start_matches(['@', 'h'])[1..].to_owned()
    };
    Some(s.replaced(at, at, &cut))
}

fn quotes_typographic(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.tokens[at].kind == Kind::Text)?;
    let inner = s.at(at).trim_start_matches(['@', 'h']);
    Some(s.replaced(at, at, &format!("“{}”", &inner[1..inner.len() - 1])))
}

fn verbatim_lost(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("where {} matches regex \"\\\\w+\\.exe\"", p.text).replace("\\\\w", "\\w"),
            format!("where {} startswith \"C:\\Windows\\System32\"", p.text),
            format!("where {} endswith \"\\Users\\Public\\\"", p.text),
            format!("extend Part = extract(\"(\\d+)\", 1, {})", p.text),
        ]
    })
}

/// Whether a word is the name of a function that is called.
fn is_call(s: &Source<'_>, at: usize) -> bool {
    s.tokens[at].kind == Kind::Word
        && s.at(at + 1) == "("
        && s.at(at).len() > 3
        && !matches!(
            s.at(at),
            "true"
                | "false"
                | "has_any"
                | "has_all"
                | "between"
                | "union"
                | "join"
                | "where"
                | "project"
                | "extend"
                | "distinct"
                | "typeof"
                | "externaldata"
                | "datatable"
                | "dynamic"
                | "datetime"
                | "with"
                | "lookup"
                | "summarize"
                | "print"
                | "time"
                | "timespan"
                | "real"
                | "long"
                | "bool"
                | "guid"
                | "search"
                | "range"
                | "materialize"
                | "partition"
                | "mv-apply"
                | "kind"
        )
        && s.at(at).chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit())
}

fn function_unknown(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| is_call(s, at))?;
    Some(s.replaced(at, at, &format!("{}x", misspelt(s.at(at), rng))))
}

fn function_recased(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| is_call(s, at))?;
    let cased = recased(s.at(at), rng);
    Some(s.replaced(at, at, &cased))
}

fn function_of_sql(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("where len({}) > 5", p.text),
            format!("extend Name = upper({})", p.text),
            format!("extend Name = concat({}, {})", p.text, p.text2),
            format!("where {} > getdate()", p.time),
            format!("extend Name = nvl({}, \"\")", p.text),
            format!("extend Name = substr({}, 0, 5)", p.text),
            format!("where ifnull({}, 0) > 5", p.number),
        ]
    })
}

fn arguments_too_many(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("where isnotempty({}, {})", p.text, p.text2),
            format!("extend Name = tolower({}, \"a\")", p.text),
            format!("where {} > ago(7d, 1d)", p.time),
            format!("extend Length = strlen({}, 5)", p.text),
            format!("extend Name = iff({} == \"a\", 1, 2, 3)", p.text),
            format!("summarize Names = dcount({}, 1, 2) by {}", p.text, p.text2),
        ]
    })
}

fn arguments_too_few(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("where {} > ago()", p.time),
            format!("extend Name = iff({} == \"a\", 1)", p.text),
            format!("extend Name = replace_string({}, \"a\")", p.text),
            "where isnotempty()".to_owned(),
            format!("extend Name = extract(\"a\", {})", p.text),
            format!("extend Part = split({})", p.text),
            format!("summarize make_set() by {}", p.text),
            format!("extend Hour = bin({})", p.time),
        ]
    })
}

fn case_even(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("extend Name = case({} == \"a\", \"x\", {} == \"b\", \"y\")", p.text, p.text2),
            format!("extend Name = case({} > 5, \"x\")", p.number),
        ]
    })
}

fn text_against_number(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![format!("where {} > 5", p.text), format!("where {} <= 100", p.text), format!("where {} < \"5\"", p.number)]
    })
}

fn time_against_text(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| vec![format!("where {} > \"2024-01-01\"", p.time), format!("where {} < \"7d\"", p.time)])
}

fn ago_of_text(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| vec![format!("where {} > ago(\"7d\")", p.time), format!("where {} >= ago('24h')", p.time)])
}

fn unit_unknown(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        ["7w", "1mo", "1y", "30D", "2weeks", "1month"]
            .iter()
            .map(|unit| format!("where {} > ago({unit})", p.time))
            .collect()
    })
}

fn text_operator_on_number(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("where {} startswith \"1\"", p.number),
            format!("where {} =~ \"1\"", p.number),
            format!("where {} matches regex \"1\"", p.number),
            format!("where {} contains \"1\"", p.time),
        ]
    })
}

fn plus_on_text(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("extend Both = {} + {}", p.text, p.text2),
            format!("extend Both = {} + \"\\\\\" + {}", p.text, p.text2),
        ]
    })
}

fn where_of_no_bool(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("where {}", p.text),
            format!("where tolower({})", p.text),
            format!("where {}", p.time),
            format!("where strcat({}, \"a\")", p.text),
        ]
    })
}

fn operator_misspelt(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.is_operator(at))?;
    Some(s.replaced(at, at, &misspelt(s.at(at), rng)))
}

fn operator_of_sql(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
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

fn operator_recased(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.is_operator(at))?;
    let cased = recased(s.at(at), rng);
    Some(s.replaced(at, at, &cased))
}

fn by_missing(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![format!("summarize count() {}", p.text), format!("summarize Last = max({}) {}", p.time, p.text)]
    })
}

fn by_of_nothing(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec!["summarize count() by".to_owned(), format!("summarize Last = max({}) by", p.time), "order by".to_owned()]
    })
}

fn top_without_by(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| vec!["top 10".to_owned(), format!("top 10 {}", p.time), format!("top by {}", p.time)])
}

fn join_without_on(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| vec![format!("join kind=inner ({})", p.table.name), format!("join {}", p.table.name)])
}

fn join_of_unknown_kind(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        ["outer", "left", "full", "right", "leftjoin", "Inner"]
            .iter()
            .map(|kind| format!("join kind={kind} ({}) on {}", p.table.name, p.text))
            .collect()
    })
}

fn join_key_missing(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("join kind=inner ({} | project Other = {}) on {}", p.table.name, p.text, p.text),
            format!("join kind=leftouter ({} | summarize count() by {}) on {}", p.table.name, p.number, p.text),
            format!("join kind=inner ({}) on $left.{} == $right.Nowhere", p.table.name, p.text),
            format!("join kind=inner ({}) on $left.Nowhere == $right.{}", p.table.name, p.text),
        ]
    })
}

fn join_uneven(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("join kind=inner ({} | project Other = {}) on {} == Other", p.table.name, p.text, p.text),
            format!("join kind=inner ({0}) on $left.{1} == $left.{1}", p.table.name, p.text),
            format!("join kind=inner ({0} | project Other = {1}) on $left.{1}, $right.Other", p.table.name, p.text),
        ]
    })
}

fn equals_single(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.at(at) == "==");
    at.map(|at| s.replaced(at, at, "=")).or_else(|| stage(s, rng, |p| vec![format!("where {} = \"a\"", p.text)]))
}

fn equals_triple(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.at(at) == "==");
    at.map(|at| s.replaced(at, at, "===")).or_else(|| stage(s, rng, |p| vec![format!("where {} === \"a\"", p.text)]))
}

fn and_of_c(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.at(at) == "and");
    at.map(|at| s.replaced(at, at, "&&"))
        .or_else(|| stage(s, rng, |p| vec![format!("where {} == \"a\" && {} > 5", p.text, p.number)]))
}

fn or_of_c(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.at(at) == "or");
    at.map(|at| s.replaced(at, at, "||"))
        .or_else(|| stage(s, rng, |p| vec![format!("where {} == \"a\" || {} > 5", p.text, p.number)]))
}

fn like_and_such(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
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

fn not_without_parens(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("where not {} == \"a\"", p.text),
            format!("where not {} has \"a\" and {} > 5", p.text, p.number),
            format!("where !{}", p.text),
        ]
    })
}

fn in_without_parens(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("where {} in \"a\"", p.text),
            format!("where {} in~ \"a\", \"b\"", p.text),
            format!("where {} has_any \"a\", \"b\"", p.text),
            format!("where {} !in [\"a\", \"b\"]", p.text),
        ]
    })
}

fn comma_missing(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.at(at) == ",");
    at.map(|at| s.replaced(at, at, " ")).or_else(|| stage(s, rng, |p| vec![format!("project {} {}", p.text, p.number)]))
}

fn comma_extra(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
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

fn let_without_semicolon(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = s.any(rng, |at| s.at(at) == ";" && at + 1 < s.tokens.len());
    Some(at.map_or_else(|| before(s, "let Window = 7d"), |at| s.replaced(at, at, "")))
}

fn let_misspelt(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let at = a_let(s, rng);
    Some(match at {
        Some(at) => s.replaced(at, at, rng.choice(["lett", "Let", "LET", "set", "var", "le"])?),
        None => before(s, &format!("{} Window = 7d;", rng.choice(["lett", "Let", "var"])?)),
    })
}

fn let_used_misspelt(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let names: Vec<&str> = (0..s.tokens.len()).filter(|at| s.at(*at) == "let").map(|at| s.at(at + 1)).collect();
    let at = s.any(rng, |at| {
        names.contains(&s.at(at)) && s.at(at + 1) != "=" && at > 0 && s.at(at - 1) != "let" && s.at(at - 1) != "."
    });
    match at {
        Some(at) => Some(s.replaced(at, at, &misspelt(s.at(at), rng))),
        None => stage(s, rng, |p| vec![format!("where {} > ago(Windoww)", p.time)]),
    }
}

fn let_of_spaced_name(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
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

fn let_with_double_equals(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    Some(before(s, rng.choice(["let Window == 7d;", "let Names := dynamic([\"a\"]);", "let Window 7d;"])?))
}

fn let_of_nothing(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    Some(before(s, rng.choice(["let Window = ;", "let Window;", "let = 7d;"])?))
}

fn column_twice(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("project {0}, {1}, {0}", p.text, p.number),
            format!("extend Twice = 1, Twice = 2"),
            format!("summarize Twice = count(), Twice = max({}) by {}", p.time, p.text),
        ]
    })
}

fn aggregate_in_where(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            "where count() > 5".to_owned(),
            format!("where dcount({}) > 5", p.text),
            format!("extend Most = max({})", p.number),
            format!("where {} == max({})", p.time, p.time),
        ]
    })
}

fn plain_in_summarize(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("summarize tolower({}) by {}", p.text, p.text2),
            format!("summarize {} by {}", p.text, p.text2),
            format!("summarize Name = {}, count() by {}", p.text, p.text2),
        ]
    })
}

fn take_of_text(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            "take \"ten\"".to_owned(),
            "limit '10'".to_owned(),
            format!("top \"5\" by {}", p.time),
            "take all".to_owned(),
        ]
    })
}

fn as_of_sql(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("project {} as Name", p.text),
            format!("summarize count() as Total by {}", p.text),
            format!("extend tolower({}) as Name", p.text),
        ]
    })
}

fn alias_with_space(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("project File Name = {}", p.text),
            format!("extend Short Name = tolower({})", p.text),
            format!("summarize Event Count = count() by {}", p.text),
        ]
    })
}

fn assignment_of_nothing(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            "extend Name =".to_owned(),
            format!("project Name = , {}", p.text),
            format!("summarize Total = by {}", p.text),
        ]
    })
}

fn between_without_dots(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("where {} between (1 and 5)", p.number),
            format!("where {} between (1, 5)", p.number),
            format!("where {} between ago(7d) .. now()", p.time),
            format!("where {} between (ago(7d) now())", p.time),
        ]
    })
}

fn index_into_text(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("extend First = {}[0]", p.text),
            format!("extend Part = {}.Name", p.text),
            format!("where {}[\"a\"] == \"b\"", p.text),
        ]
    })
}

fn expand_of_text(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    stage(s, rng, |p| {
        vec![
            format!("mv-expand {}", p.text),
            format!("mv-expand One = {}", p.number),
            format!("mv-expand tolower({})", p.text),
        ]
    })
}

fn two_queries(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    let last = s.tokens.len().checked_sub(1).filter(|last| s.at(*last) != ";")?;
    // The line that lacks its semicolon; the next has the second query.
    Some(s.behind(last, &format!("\n{}\n| take 10", rng.choice(["DeviceInfo", "AlertInfo", "EmailEvents"])?)))
}

fn fence_left_in(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
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

fn comment_of_shell(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    line_between(s, rng, "# only what is new")
}

fn comment_of_sql(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    line_between(s, rng, "-- only what is new")
}

fn comment_of_c(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
    line_between(s, rng, "/* only what is new */")
}

fn placeholder_left_in(s: &Source<'_>, rng: &mut Rng) -> Option<Mutant> {
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

/// All kinds, in the order of their telling.
pub(crate) const KINDS: &[(&str, Breaker)] = &[
    ("table-misspelt", table_misspelt),
    ("table-recased", table_recased),
    ("table-of-sentinel", table_of_sentinel),
    ("table-renamed", table_renamed),
    ("column-misspelt", column_misspelt),
    ("column-recased", column_recased),
    ("column-of-sentinel", column_of_sentinel),
    ("column-of-another-table", column_of_another_table),
    ("column-projected-away", column_projected_away),
    ("column-not-projected", column_not_projected),
    ("column-summarized-away", column_summarized_away),
    ("column-renamed-away", column_renamed_away),
    ("pipe-missing", pipe_missing),
    ("pipe-doubled", pipe_doubled),
    ("pipe-at-end", pipe_at_end),
    ("paren-unclosed", paren_unclosed),
    ("paren-unopened", paren_unopened),
    ("paren-extra", paren_extra),
    ("bracket-missing", bracket_missing),
    ("quote-missing", quote_missing),
    ("quotes-typographic", quotes_typographic),
    ("verbatim-lost", verbatim_lost),
    ("function-unknown", function_unknown),
    ("function-recased", function_recased),
    ("function-of-sql", function_of_sql),
    ("arguments-too-many", arguments_too_many),
    ("arguments-too-few", arguments_too_few),
    ("case-even", case_even),
    ("text-against-number", text_against_number),
    ("time-against-text", time_against_text),
    ("ago-of-text", ago_of_text),
    ("unit-unknown", unit_unknown),
    ("text-operator-on-number", text_operator_on_number),
    ("plus-on-text", plus_on_text),
    ("where-of-no-bool", where_of_no_bool),
    ("operator-misspelt", operator_misspelt),
    ("operator-of-sql", operator_of_sql),
    ("operator-recased", operator_recased),
    ("by-missing", by_missing),
    ("by-of-nothing", by_of_nothing),
    ("top-without-by", top_without_by),
    ("join-without-on", join_without_on),
    ("join-of-unknown-kind", join_of_unknown_kind),
    ("join-key-missing", join_key_missing),
    ("join-uneven", join_uneven),
    ("equals-single", equals_single),
    ("equals-triple", equals_triple),
    ("and-of-c", and_of_c),
    ("or-of-c", or_of_c),
    ("like-and-such", like_and_such),
    ("not-without-parens", not_without_parens),
    ("in-without-parens", in_without_parens),
    ("comma-missing", comma_missing),
    ("comma-extra", comma_extra),
    ("let-without-semicolon", let_without_semicolon),
    ("let-misspelt", let_misspelt),
    ("let-used-misspelt", let_used_misspelt),
    ("let-of-spaced-name", let_of_spaced_name),
    ("let-with-double-equals", let_with_double_equals),
    ("let-of-nothing", let_of_nothing),
    ("column-twice", column_twice),
    ("aggregate-in-where", aggregate_in_where),
    ("plain-in-summarize", plain_in_summarize),
    ("take-of-text", take_of_text),
    ("as-of-sql", as_of_sql),
    ("alias-with-space", alias_with_space),
    ("assignment-of-nothing", assignment_of_nothing),
    ("between-without-dots", between_without_dots),
    ("index-into-text", index_into_text),
    ("expand-of-text", expand_of_text),
    ("two-queries", two_queries),
    ("fence-left-in", fence_left_in),
    ("comment-of-shell", comment_of_shell),
    ("comment-of-sql", comment_of_sql),
    ("comment-of-c", comment_of_c),
    ("placeholder-left-in", placeholder_left_in),
];
