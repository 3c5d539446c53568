use proptest::prelude::*;
use serde_json::json;

use super::*;

fn one(text: &str) -> Document {
    let mut documents = parse(text.as_bytes());
    assert_eq!(documents.len(), 1, "{text:?}");
    documents.remove(0)
}

fn value(text: &str) -> serde_json::Value {
    let document = one(text);
    assert_eq!(document.problems, [], "{text:?}");
    document.root.unwrap().to_json()
}

fn problem(text: &str) -> (u32, u32, String) {
    let problem = one(text).problems.remove(0);
    (problem.place.line, problem.place.column, problem.message)
}

#[test]
fn what_editors_do_to_files_changes_nothing() {
    let expected = json!({"id": "a", "query": "T\n| x\n"});
    for text in [
        "id: a\nquery: |\n  T\n  | x\n",
        "id: a\nquery: |\n  T\n  | x",
        "\u{feff}id: a\r\nquery: |\r\n  T\r\n  | x\r\n",
        "id: a\r\nquery: |\n  T\r\n  | x\n",
        "# top\nid: a\n# between\nquery: |\n  T\n  | x\n# end\n",
        "id: a   \nquery: |   \n  T\n  | x\n\n\n",
        "---\nid: a\nquery: |\n  T\n  | x\n---\n",
        "{\"id\": \"a\", \"query\": \"T\\n| x\\n\"}",
    ] {
        assert_eq!(value(text), expected, "{text:?}");
    }
}

#[test]
fn tabs_and_blank_first_lines_in_blocks_load() {
    assert_eq!(value("q: |\n  a\n  \tb\tc\n"), json!({"q": "a\n\tb\tc\n"}));
    assert_eq!(value("q: |\n\n  a\n"), json!({"q": "\na\n"}));
    assert_eq!(value("q: |\n        \n  a\n    \n  b\nz: |-\n\t\n  c"), json!({"q": "\na\n  \nb\n", "z": "\nc"}));
    assert_eq!(value("q: |2-\n    a\n  b\n"), json!({"q": "  a\nb"}));
}

#[test]
fn every_key_and_value_knows_its_place() {
    let root = one("é: 1\nlist: [a, \"ü b\"]\nblock: |\n  x\n  y\n").root.unwrap();
    let entries = root.entries().unwrap();
    assert_eq!(entries[0].key_place, Place::in_line(1, 1, 2));
    assert_eq!(entries[0].value.place, Place::in_line(1, 4, 5));
    assert_eq!(entries[1].value.place, Place::in_line(2, 7, 17));
    let Value::List(items) = &entries[1].value.value else { panic!("a list") };
    assert_eq!(items[1].place, Place::in_line(2, 11, 16));
    assert_eq!((entries[2].value.place.line, entries[2].value.place.column), (4, 3));
}

#[test]
fn a_broken_document_spoils_no_other() {
    let documents = parse(b"a: 1\n---\nb: [1,\n---\nc: 3\n---\nd: 1\nd: 2\n---\ne: 5\n");
    let roots: Vec<_> =
        documents.iter().map(|d| (d.number, d.line, d.problems.len(), d.root.as_ref().map(Node::to_json))).collect();
    assert_eq!(
        roots,
        [
            (1, 1, 0, Some(json!({"a": 1}))),
            (2, 2, 1, None),
            (3, 5, 0, Some(json!({"c": 3}))),
            (4, 7, 1, Some(json!({"d": 1}))),
            (5, 10, 0, Some(json!({"e": 5}))),
        ]
    );
    assert!(parse(b"").is_empty());
    assert!(parse(b"# nothing\n---\n---\n").is_empty());
}

#[test]
fn a_key_that_stands_twice_names_both_places() {
    let (line, column, message) = problem("a: 1\nb: 2\na: 3\n");
    assert_eq!((line, column, message.as_str()), (3, 1, "`a` stands twice: first in line 1, column 1"));
    assert_eq!(problem("x: {k: 1, k: 2}\n").0, 1);
}

#[test]
fn problems_say_what_and_where() {
    for (text, line, column, part) in [
        ("schedule: @daily\n", 1, 11, "can't begin with `@`"),
        ("schedule: */30 * * * *\n", 1, 11, "is an alias"),
        ("threshold: > 5\n", 1, 12, "begin a block"),
        ("name: a: b\n", 1, 8, "a second `: `"),
        ("a: 1\nb\nc: 2\n", 2, 1, "a `:` is missing"),
        ("a: 1\n\tb: 2\n", 1, 4, "a tab"),
        ("id: {{guid}}\n", 1, 6, "can't be a key"),
        ("a: \"b\n", 1, 4, "no YAML"),
        ("a: b\0c\n", 1, 5, "NUL"),
        ("a: &x [*x]\n", 1, 8, "inside of what it names"),
        ("<<: 5\n", 1, 5, "`<<` takes a map"),
    ] {
        let found = problem(text);
        assert_eq!((found.0, found.1), (line, column), "{text:?}: {}", found.2);
        assert!(found.2.contains(part), "{text:?}: {}", found.2);
    }
    assert_eq!(parse(b"a: b\nc: \xff\n")[0].problems[0].place, Place::in_line(2, 4, 5));
    assert!(parse(b"\xff\xfea\0")[0].problems[0].message.contains("UTF-16"));
}

#[test]
fn bombs_end_early() {
    let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (name, before) in [("b", "a"), ("c", "b"), ("d", "c"), ("e", "d"), ("f", "e"), ("g", "f"), ("h", "g")] {
        use std::fmt::Write as _;
        let aliases = vec![format!("*{before}"); 9].join(",");
        writeln!(bomb, "{name}: &{name} [{aliases}]").unwrap();
    }
    assert!(problem(&bomb).2.contains("too large"));
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(500_000), vec!["*a"; 100].join(","));
    assert!(problem(&long).2.contains("too large"));
    assert!(problem(&"[".repeat(100_000)).2.contains("nested deeper"));
    assert!(problem(&"- ".repeat(100_000)).2.contains("nested deeper"));
    assert!(problem(&"x".repeat(MAX_BYTES + 1)).2.contains("bytes"));
}

#[test]
fn merge_keys_lend_what_is_missing() {
    assert_eq!(value("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n")["b"], json!({"x": 1, "y": 3}));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_panics(text in "[ab:\\-\\[\\]{}|>&*!%@'\"#\n\r\t é\u{feff}?,~]{0,60}", bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        for documents in [parse(text.as_bytes()), parse(&bytes)] {
            for document in documents {
                prop_assert!(document.root.is_some() || !document.problems.is_empty());
            }
        }
    }
}
