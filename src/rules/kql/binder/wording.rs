//! Operators and other languages' words, for messages.

use super::super::tree::{Binary, Membership, TextOp, TextWord};

/// An operator as KQL writes it.
pub(super) fn binary(op: Binary) -> String {
    let text = match op {
        Binary::Or => "or",
        Binary::And => "and",
        Binary::Add => "+",
        Binary::Subtract => "-",
        Binary::Multiply => "*",
        Binary::Divide => "/",
        Binary::Modulo => "%",
        Binary::Less => "<",
        Binary::LessEqual => "<=",
        Binary::Greater => ">",
        Binary::GreaterEqual => ">=",
        Binary::Equal => "==",
        Binary::NotEqual => "!=",
        Binary::EqualTilde => "=~",
        Binary::NotTilde => "!~",
        Binary::Search => ":",
        Binary::Text(op) => return text_op(op),
    };
    text.to_owned()
}

fn text_op(op: TextOp) -> String {
    let word = match op.word {
        TextWord::Has => "has",
        TextWord::HasPrefix => "hasprefix",
        TextWord::HasSuffix => "hassuffix",
        TextWord::Contains => "contains",
        TextWord::StartsWith => "startswith",
        TextWord::EndsWith => "endswith",
        TextWord::Like => "like",
        TextWord::MatchesRegex => return "matches regex".to_owned(),
    };
    let (not, cs) = (if op.not { "!" } else { "" }, if op.case_sensitive { "_cs" } else { "" });
    format!("{not}{word}{cs}")
}

/// An operator with a list, as KQL writes it.
pub(super) const fn membership(op: Membership) -> &'static str {
    match op {
        Membership::In => "in",
        Membership::NotIn => "!in",
        Membership::InTilde => "in~",
        Membership::NotInTilde => "!in~",
        Membership::HasAny => "has_any",
        Membership::HasAll => "has_all",
    }
}

/// What a function of SQL, Splunk, Python or a spreadsheet is in KQL.
pub(super) fn of_other_languages(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "len" | "length" | "char_length" => "strlen() for texts, array_length() for arrays",
        "upper" | "ucase" => "toupper()",
        "lower" | "lcase" => "tolower()",
        "concat" | "concat_ws" => "strcat()",
        "substr" | "mid" | "left" | "right" => "substring()",
        "isnull_or_empty" | "nullorempty" | "isnullorempty" => "isempty()",
        "ifnull" | "nvl" => "coalesce()",
        "getdate" | "sysdate" | "current_timestamp" | "curdate" | "utcnow" => "now()",
        "dateadd" | "date_add" => "datetime_add(), or `+ 1d`",
        "datediff" | "date_diff" => "datetime_diff()",
        "date_trunc" | "datetrunc" | "trunc" => "bin() or startofday()",
        "date_format" | "strftime" => "format_datetime()",
        "cast" | "convert" => "tostring(), toint(), todatetime()",
        "count_distinct" | "countdistinct" | "dc" | "approx_count_distinct" => "dcount()",
        "group_concat" | "string_agg" | "array_agg" | "listagg" | "values" => "make_list() or make_set()",
        "if" => "iff()",
        "instr" | "charindex" | "locate" | "strpos" => "indexof()",
        "regexp_extract" | "regexp_substr" => "extract()",
        "regexp_replace" => "replace_regex()",
        "regexp_like" | "rlike" | "regexmatch" => "the operator `matches regex`",
        "average" | "mean" => "avg()",
        "ltrim" => "trim_start()",
        "rtrim" => "trim_end()",
        "isin" | "in_list" => "the operator `in (…)`",
        _ => return None,
    })
}
