//! Ways to break a sound query, one for each kind of mistake that people make.
//!
//! Each says which line it broke. Those that need types write a stage of their own behind the table
//! that a pipe begins with, where its columns are known for certain.

mod clauses;

use fastrand::Rng;

use crate::source::{Mutant, Pick, Source};
use crate::tokens::Kind;

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
    ("operator-misspelt", clauses::operator_misspelt),
    ("operator-of-sql", clauses::operator_of_sql),
    ("operator-recased", clauses::operator_recased),
    ("by-missing", clauses::by_missing),
    ("by-of-nothing", clauses::by_of_nothing),
    ("top-without-by", clauses::top_without_by),
    ("join-without-on", clauses::join_without_on),
    ("join-of-unknown-kind", clauses::join_of_unknown_kind),
    ("join-key-missing", clauses::join_key_missing),
    ("join-uneven", clauses::join_uneven),
    ("equals-single", clauses::equals_single),
    ("equals-triple", clauses::equals_triple),
    ("and-of-c", clauses::and_of_c),
    ("or-of-c", clauses::or_of_c),
    ("like-and-such", clauses::like_and_such),
    ("not-without-parens", clauses::not_without_parens),
    ("in-without-parens", clauses::in_without_parens),
    ("comma-missing", clauses::comma_missing),
    ("comma-extra", clauses::comma_extra),
    ("let-without-semicolon", clauses::let_without_semicolon),
    ("let-misspelt", clauses::let_misspelt),
    ("let-used-misspelt", clauses::let_used_misspelt),
    ("let-of-spaced-name", clauses::let_of_spaced_name),
    ("let-with-double-equals", clauses::let_with_double_equals),
    ("let-of-nothing", clauses::let_of_nothing),
    ("column-twice", clauses::column_twice),
    ("aggregate-in-where", clauses::aggregate_in_where),
    ("plain-in-summarize", clauses::plain_in_summarize),
    ("take-of-text", clauses::take_of_text),
    ("as-of-sql", clauses::as_of_sql),
    ("alias-with-space", clauses::alias_with_space),
    ("assignment-of-nothing", clauses::assignment_of_nothing),
    ("between-without-dots", clauses::between_without_dots),
    ("index-into-text", clauses::index_into_text),
    ("expand-of-text", clauses::expand_of_text),
    ("two-queries", clauses::two_queries),
    ("fence-left-in", clauses::fence_left_in),
    ("comment-of-shell", clauses::comment_of_shell),
    ("comment-of-sql", clauses::comment_of_sql),
    ("comment-of-c", clauses::comment_of_c),
    ("placeholder-left-in", clauses::placeholder_left_in),
];
