//! No text breaks the front end: none panics, none overflows the stack, none takes long.

use proptest::prelude::*;

use super::super::analyse::analyse;
use super::super::schema::Schema;
use super::invariants::{all, whole};

const PIECES: [&str; 62] = [
    "DeviceInfo",
    "| where ",
    "| extend x = ",
    "| project ",
    "| summarize ",
    " by ",
    "| join kind=inner ",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ";",
    "let a = ",
    "let f = (x:long) { ",
    "x",
    "DeviceName",
    "Timestamp",
    "> ago(1d)",
    "now()",
    "==",
    "=",
    "!=",
    "=~",
    " and ",
    " or ",
    " in ",
    " has ",
    "\"a\"",
    "'b'",
    "@\"\\d\"",
    "\"",
    "'",
    "`",
    "```",
    "//",
    "\n",
    "|",
    "||",
    ".",
    "..",
    "-",
    "+",
    "*",
    "$left.",
    "datetime(",
    "dynamic({",
    "typeof(",
    "| mv-expand ",
    "| parse x with ",
    "| union ",
    "| evaluate ",
    "| scan with (step ",
    "| make-series ",
    "| graph-match (a)-[",
    "count()",
    "toscalar(",
    "1",
    "é",
    "\u{0}",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn tokens_give_the_text_back(text in "\\PC{0,200}") {
        whole(&text);
    }

    #[test]
    fn any_text_is_read(text in "\\PC{0,300}") {
        all(&text);
    }

    #[test]
    fn any_heap_of_pieces_is_read(pieces in prop::collection::vec(0..PIECES.len(), 0..60)) {
        let text: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
        all(&text);
    }

    #[test]
    fn a_query_cut_anywhere_is_read(from in 0..QUERY.len(), to in 0..QUERY.len()) {
        if let Some(text) = QUERY.get(from.min(to)..from.max(to)) {
            all(text);
        }
    }
}

const QUERY: &str = r#"let back = 7d;
let rare = materialize(DeviceNetworkEvents | where Timestamp > ago(back) | summarize n = count() by RemoteUrl | where n < 5);
let f = (T:(DeviceName:string), n:long = 5) { T | take n };
DeviceProcessEvents
| where Timestamp between (ago(1d) .. now()) and FileName in~ ("powershell.exe", 'pwsh.exe')
| extend parts = split(ProcessCommandLine, " "), d = dynamic({"a": [1, 2.5, null]})
| mv-expand part = parts to typeof(string)
| parse part with * "-enc" code:string " " *
| join kind=leftouter hint.strategy=shuffle (rare | project RemoteUrl, n) on $left.code == $right.RemoteUrl
| summarize arg_max(Timestamp, *), names = make_set(FileName, 100) by DeviceName, bin(Timestamp, 1h)
| invoke f(3)
| order by names asc nulls last // done
"#;

/// Texts that nest or repeat without end: a walk of quadratic time would not end here, and a deep one
/// would overflow the stack.
#[test]
fn texts_without_end_end() {
    for piece in [
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "-",
        "|",
        ",",
        ";",
        ".",
        "\"",
        "'",
        "@\"",
        "/",
        "//\n",
        "not(",
        "f(",
        "a.",
        "a[",
        "a or ",
        "a and ",
        "a+",
        "1 in (",
        "x=",
        "let a=",
        "| where ",
        "DeviceInfo | join (",
        "dynamic({\"a\":",
        "dynamic([",
        "case(1==1,",
        "toscalar(",
        "union (",
        "let f=(){",
        "a==b==",
        "\\",
        "é",
        "\u{feff}",
        "*",
        "*a",
        "(a)-[e]->",
        "| fork (",
        "| mv-apply x on (",
        "datetime(",
        "{{",
        "T | ",
        "~~~",
        "h\"",
    ] {
        let text = piece.repeat(200_000 / piece.len());
        all(&text);
        let text = format!("DeviceInfo | where {text}");
        all(&text);
        // A bound that only a walk of quadratic time breaks, on any machine.
    }
}

#[test]
fn long_chains_and_lists_of_real_hunts_are_read() {
    let terms = vec!["FileName == \"a\""; 1_500].join(" or ");
    all(&format!("DeviceProcessEvents | where {terms}"));
    let values = vec!["\"a\""; 20_000].join(", ");
    let text = format!("DeviceProcessEvents | where FileName in ({values})");
    assert!(!analyse(&text, Schema::defender()).is_refused());
}

/// Texts that once kept the parser from an end.
#[test]
fn texts_that_once_had_no_end_end() {
    for text in ["DeviceInfo | summarize (a,!b) = ", "print (in~) = 1", "T | extend (!has, x) = split(a, b)"] {
        all(text);
    }
}
