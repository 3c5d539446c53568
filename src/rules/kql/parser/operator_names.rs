//! The names of query operators, and what people call them who come from other languages.

/// The operators, for hints; the retired ones are read too.
const OPERATORS: [&str; 52] = [
    "as",
    "assert-schema",
    "consume",
    "count",
    "datatable",
    "distinct",
    "evaluate",
    "execute-and-cache",
    "extend",
    "externaldata",
    "facet",
    "filter",
    "find",
    "fork",
    "getschema",
    "graph-mark-components",
    "graph-match",
    "graph-shortest-paths",
    "graph-to-table",
    "graph-where-edges",
    "graph-where-nodes",
    "invoke",
    "join",
    "limit",
    "lookup",
    "macro-expand",
    "make-graph",
    "make-series",
    "mv-apply",
    "mv-expand",
    "order",
    "parse",
    "parse-kv",
    "parse-where",
    "partition",
    "partition-by",
    "print",
    "project",
    "project-away",
    "project-by-names",
    "project-keep",
    "project-rename",
    "project-reorder",
    "range",
    "reduce",
    "render",
    "sample",
    "sample-distinct",
    "scan",
    "search",
    "serialize",
    "sort",
];
/// More of them.
const MORE: [&str; 8] = ["summarize", "take", "top", "top-hitters", "top-nested", "union", "where", "mvexpand"];

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    OPERATORS.into_iter().chain(MORE)
}

/// Whether a word is an operator's whole name.
pub(super) fn is_operator(word: &str) -> bool {
    // Most words that are asked for are names of tables and columns, with a capital.
    word.starts_with(|c: char| c.is_ascii_lowercase()) && is_listed_operator(word)
}

fn is_listed_operator(word: &str) -> bool {
    OPERATORS.contains(&word) || MORE.contains(&word) || matches!(word, "mvapply" | "project-smart")
}

/// What an operator of another language is called here.
pub(super) fn of_other_languages(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "select" | "fields" | "columns" => "`project` chooses columns",
        "group" | "groupby" | "group-by" | "stats" | "aggregate" => "`summarize … by …` groups rows",
        "having" | "whare" | "filterby" | "if" => "`where` filters rows",
        "orderby" | "order-by" | "sortby" | "sort-by" => "`sort by …` puts rows in order",
        "eval" | "let" | "set" | "add" | "calc" | "with" => "`extend Name = …` makes a column",
        "rename" => "`project-rename New = Old` renames a column",
        "dedup" | "unique" | "uniq" => {
            "`distinct` keeps one of equal rows; `summarize arg_max(Timestamp, *) by …` the newest"
        }
        "head" | "first" | "tail" => "`take` takes some rows, `top 10 by …` the first in an order",
        "table" | "drop" | "exclude" | "remove" => "`project-away` leaves columns out, `project` chooses them",
        "explode" | "unnest" | "expand" | "mv" => "`mv-expand` makes rows of an array",
        "rex" | "regex" | "extract" => "`parse` or extract() take a text apart",
        _ => return None,
    })
}
