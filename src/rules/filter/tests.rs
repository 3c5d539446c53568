//! What the language means, case by case.

use super::{Column, Filter, Op, Own, Unmet, parse, parse_columns};
use crate::model::hit::{Hit, HitKind};
use crate::model::id::HitId;
use crate::model::severity::Severity;
use crate::model::time::Timestamp;

fn hit(row: &str) -> Hit {
    Hit {
        hit: HitId([0xab; 20]),
        hunt: "endpoint/encoded".to_owned(),
        tenant: "contoso".to_owned(),
        kind: HitKind::New,
        run: "20261124T161300Z-3fa9c1d2".to_owned(),
        first_seen: now(),
        last_seen: now(),
        severity: Severity::Medium,
        row: serde_json::value::RawValue::from_string(row.to_owned()).unwrap(),
    }
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-24T16:13:00Z").unwrap()
}

fn passes(expression: &str, row: &str) -> bool {
    let parsed = parse(expression).unwrap_or_else(|problem| panic!("{expression}: {problem} ({})", problem.hint));
    Filter::new(&[parsed], now()).passes(&hit(row))
}

#[track_caller]
fn all_pass(row: &str, yes: &[&str], no: &[&str]) {
    for expression in yes {
        assert!(passes(expression, row), "{expression} should pass {row}");
        assert!(!passes(&format!("NOT ({expression})"), row), "NOT {expression} should not pass {row}");
    }
    for expression in no {
        assert!(!passes(expression, row), "{expression} should not pass {row}");
        assert!(passes(&format!("NOT ({expression})"), row), "NOT {expression} should pass {row}");
    }
}

#[test]
fn texts_match_in_any_case_and_whole() {
    all_pass(
        r#"{"DeviceName":"SRV-01.contoso.example","Path":"C:\\Program Files\\a.exe","Odd":"say \"hi\" (now), it's","Star":"a*b","Ö":"ÄRGER"}"#,
        &[
            "DeviceName=srv-01.contoso.example",
            "DeviceName=srv-*",
            "DeviceName=SRV-??.*",
            "DeviceName='srv-*'",
            "devicename=srv-*",
            "\"DeviceName\"=\"srv-*\"",
            "DeviceName!=ws-*",
            "DeviceName==SRV-01*",
            "DeviceName!==srv-01*",
            r#"Path="C:\Program Files\*""#,
            r#"Path="c:\program files\A.EXE""#,
            r#"Odd="say ""hi"" (now), it's""#,
            r#"Odd='say "hi" (now), it''s'"#,
            "Star=a[*]b",
            "Star=a*b",
            "ö=ärger",
        ],
        &[
            "DeviceName=srv-01",
            "DeviceName==srv-*",
            "DeviceName=SRV-?",
            "Star=a[?]b",
            "Path=Program",
            "DeviceName!=srv-*",
        ],
    );
}

#[test]
fn nothing_is_an_empty_text() {
    all_pass(
        r#"{"Null":null,"Empty":"","Bag":{},"Spaced":{ },"Blank":" ","Zero":0,"List":[]}"#,
        &[
            "Null=\"\"",
            "Empty=\"\"",
            "Bag=\"\"",
            "Spaced=''",
            "Missing=\"\"",
            "Blank!=\"\"",
            "Zero!=\"\"",
            "List!=\"\"",
            "Missing!=x",
            "Missing=*",
            "Missing~^$",
            "Missing.Deeper=\"\"",
            "NOT Missing<5",
            "NOT Missing>=5",
            "Missing IN (x, \"\")",
        ],
        &[
            "Missing=x",
            "Missing=?*",
            "Missing<5",
            "Missing>=5",
            "Null=null",
            "Bag={}",
            "Missing<z",
            "Empty>2020-01-01",
            "Missing=0",
            "Null=false",
        ],
    );
}

#[test]
fn numbers_compare_as_numbers() {
    all_pass(
        r#"{"Count":10,"Long":9007199254740993,"Big":18446744073709551616,"Price":1.10,"Text":"42","Name":"svc","True":true,"False":false,"Version":"1.10","One":1}"#,
        &[
            "Count=10",
            "Count=1e1",
            "Count=\"10.0\"",
            "Count>9",
            "Count>=10",
            "Count<=10.0",
            "Count<10.5",
            "Count!=9",
            "Count IN (1, 10)",
            "Long=9007199254740993",
            "Long>9007199254740992",
            "Big>18446744073709551615",
            "Price=1.1",
            "Text>5",
            "Text=42.0",
            "True=true",
            "True=TRUE",
            "True=1",
            "False=0",
            "False=false",
            "One=true",
            "Version=1.1",
            "Version==1.10",
            "Count=1*",
        ],
        &[
            "Count=9",
            "Count>10",
            "Count<5",
            "Long=9007199254740992",
            "Name>5",
            "Name<5",
            "True>0",
            "True=0",
            "False=true",
            "Version==1.1",
            "Count==10.0",
            "One=false",
            "Text=4",
            "Big=18446744073709551617",
        ],
    );
}

#[test]
fn times_compare_as_instants() {
    all_pass(
        r#"{"Timestamp":"2026-11-20T15:00:00.1234567Z","Never":"9999-12-31T23:59:59Z","Text":"soon"}"#,
        &[
            "Timestamp>2026-11-20",
            "Timestamp<2026-11-21",
            "Timestamp=2026-11-20T17:00:00.1234567+02:00",
            "Timestamp=2026-11-20*",
            "Timestamp>\"2026-11-20 15:00:00\"",
            "Timestamp>ago(7d)",
            "Timestamp<ago(1d)",
            "Timestamp>=AGO(P7D)",
            "Never>2026-01-01",
            "first_seen>=2026-11-24T16:13:00Z",
            "last_seen<=ago(0)",
            "first_seen=2026-11-24T16:13:00.0Z",
        ],
        &[
            "Timestamp>2026-11-21",
            "Timestamp>ago(1d)",
            "Text>2020-01-01",
            "Text<2020-01-01",
            "Timestamp<5",
            "Timestamp=2026-11-20",
        ],
    );
}

#[test]
fn other_texts_stand_in_the_order_of_letters() {
    all_pass(r#"{"A":"beta"}"#, &["A>Alpha", "A<GAMMA", "A>=BETA", "A<=beta", "A<betas"], &["A>beta", "A<beta", "A>5"]);
}

#[test]
fn words_and_brackets_bind_as_usual() {
    let row = r#"{"a":"1","b":"2","c":"3","and":"x","two words":"y","a.b":"z","a,b":"w"}"#;
    all_pass(
        row,
        &[
            "a=1 AND b=2",
            "a=1 or b=9 and c=9",
            "NOT a=9 and not not b=2",
            "(a=9 OR b=2) AND c=3",
            "((((a=1))))",
            "a in (1,2) aNd b IN ( 2 )",
            "a not in (2, 3)",
            "\"and\"=x",
            "\"two words\"=y",
            "\"a.b\"=z",
            "'a,b'=w",
            "  a  =  1  ",
            "NOT(a=9)",
            "a=1\nAND\tb=2",
        ],
        &["(a=1 OR b=9) AND c=9", "NOT a=1 OR b=9", "a=in", "a='and'", "a.b=z", "a NOT IN (1)"],
    );
}

#[test]
fn paths_lead_into_dynamics_however_they_are_sent() {
    let graph = r#"{"F":{"IsElevated":true,"n":{"Deep":["x",{"k":7}]},"a.b":1},"row":{"kind":"own"}}"#;
    let older = r#"{"F":"{\"IsElevated\":true,\"n\":\"{\\\"Deep\\\":[\\\"x\\\",{\\\"k\\\":7}]}\",\"a.b\":1}","row":"{\"kind\":\"own\"}"}"#;
    for row in [graph, older] {
        all_pass(
            row,
            &[
                "F.IsElevated=true",
                "f.iselevated=1",
                "F.n.Deep.0=x",
                "F.n.Deep.1.k>6",
                "F.\"a.b\"=1",
                "F.x=\"\"",
                "F.n.Deep.2=\"\"",
                "row.row.kind=own",
                "F=*elevated*",
                "row.kind=\"\"",
            ],
            &["F.IsElevated=false", "F.n.Deep=x", "F.n.Deep.x=7", "F.n.Deep.1.k.z=7", "F.n.Deep.-1=x"],
        );
    }
    all_pass(
        r#"{"F":"{\"a\":1} and more","G":"[1,2","H":"{\"a\":1,\"a\":2}"}"#,
        &["F.a=\"\"", "G.0=\"\"", "H.a=2"],
        &["F.a=1"],
    );
}

#[test]
fn huntds_own_fields_have_their_names_and_a_row_may_bear_them_too() {
    all_pass(
        r#"{"kind":"forged","Severity":"High","HUNT":"x"}"#,
        &[
            "kind=new",
            "severity=medium",
            "Severity=high",
            "row.kind=forged",
            "hunt=endpoint/*",
            "tenant=contoso",
            "hit=abab*",
            "run=2026*",
            "severity>=low",
            "severity<high",
            "severity>informational",
            "severity IN (low, medium)",
            "HUNT=x",
            "row.hunt=x",
        ],
        &["kind=changed", "severity>medium", "row.severity=medium", "Kind=new", "hit=ab"],
    );
}

#[test]
fn expressions_of_the_regular_kind_match_anywhere_in_any_case() {
    all_pass(
        r#"{"F":"PowerShell.EXE -enc AA=="}"#,
        &["F~^power", "F~'(cmd|powershell)\\.exe'", "F~\"-e(nc)?\\s\"", "F!~wscript", "F~'(?-i)EXE'"],
        &["F~^enc", "F~'(?-i)exe'", "F!~power"],
    );
}

#[test]
fn half_a_character_hides_nothing() {
    all_pass(
        r#"{"\ud800":1,"F":"C:\\Windows\ud800\\x","G":"{\"a\":\"\ud800b\"}"}"#,
        &[r"F=C:\Windows*", "F=*x", "G.a=*b", r"F=*\x"],
        &[r"F=C:\\Windows*"],
    );
}

#[test]
fn a_name_in_its_own_case_wins_and_its_last_value_counts() {
    all_pass(r#"{"name":1,"NAME":2,"Name":3,"Name":4}"#, &["Name=4", "name=1", "NAME=2", "nAME=1"], &[]);
    all_pass("[1]", &["a=\"\""], &["a=1"]);
}

fn problem(text: &str) -> String {
    let problem = parse(text).expect_err(text);
    assert!(problem.text.is_char_boundary(problem.at) && !problem.hint.is_empty());
    format!("{}: {problem}; {}", text.escape_debug(), problem.hint)
}

#[test]
fn problems_point_at_their_place() {
    let texts = [
        "",
        "   ",
        "a",
        "a=",
        "a= AND b=1",
        "=x",
        "a=b c=d",
        "a=b AND",
        "a=b &&",
        "a=b && c=d",
        "(a=b",
        "a=b)",
        "((a=b) OR c=d",
        "a=my file.exe",
        "a=\"open",
        "a='it''s",
        "a=\"x\"y",
        "a=>5",
        "a=<5",
        "a==",
        "a=!b",
        "a contains b",
        "a startswith b",
        "a like b",
        "a is b",
        "a in b",
        "a in ()",
        "a in (b c)",
        "a in (b, c",
        "a in (b,)",
        "a NOT b",
        "a.=b",
        ".a=b",
        "a=foo(x86)",
        "a=b,c",
        "and=x",
        "a<b*",
        "a<\"\"",
        "a~(b|c)",
        "a~'(b'",
        "a~'a{1000}{1000}{1000}'",
        "a>ago(7x)",
        "a>ago(7d",
        "a=ago(7d)",
        "a==ago(7d)",
        "a IN (ago(1d))",
        "severity=hihg",
        "kind=neww",
        "severity>5",
        "first_seen>yesterday",
        "日本=語 日本",
        "NOT",
        "NOT NOT",
        "a=b OR OR c=d",
    ];
    let told: Vec<String> = texts.iter().map(|text| problem(text)).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn nesting_is_bounded_and_length_is_not() {
    for (open, close, most) in [("(", ")", 64), ("NOT ", "", 64), ("not(", ")", 32)] {
        let deep = |depth: usize| format!("{}a=b{}", open.repeat(depth), close.repeat(depth));
        assert!(parse(&deep(most)).is_ok(), "{open}");
        assert!(parse(&deep(most + 1)).unwrap_err().message.contains("64 deep"));
        assert!(parse(&deep(100_000)).unwrap_err().message.contains("64 deep"));
        assert!(parse(&open.repeat(100_000)).is_err());
    }
    let long = vec!["a=b"; 20_000].join(" OR ");
    assert!(!passes(&long, r#"{"a":"c"}"#));
    let values = vec!["b"; 20_000].join(",");
    assert!(!passes(&format!("a IN ({values})"), r#"{"a":"c"}"#));
}

#[test]
fn hostile_rows_are_read_without_recursion() {
    let deep = format!(r#"{{"a":{}{},"b":"x"}}"#, "[".repeat(200_000), "]".repeat(200_000));
    all_pass(&deep, &["b=x", "a!=\"\"", "a.0.0=[*"], &["a.0.0.0=x"]);
    let text = serde_json::json!({ "a": "{\"k\":".repeat(100_000) }).to_string();
    all_pass(&text, &["a.k=\"\"", "a=*k*"], &[]);
}

#[test]
fn columns_that_no_hit_had_are_told_with_the_nearest_name() {
    let unmet = |expression: &str, rows: &[&str]| {
        let mut filter = Filter::new(&[parse(expression).unwrap()], now());
        for row in rows {
            filter.passes(&hit(row));
        }
        filter.unmet()
    };
    let of = |column: &str, near: Option<&str>| Unmet { column: column.to_owned(), near: near.map(str::to_owned) };
    let rows = [r#"{"DeviceName":"a"}"#, r#"{"AccountName":"b","F":{"x":1}}"#];
    assert_eq!(unmet("DeviceNmae=x OR AccountName=b", &rows), [of("DeviceNmae", Some("DeviceName"))]);
    assert_eq!(unmet("severty=x AND Zzzz=y", &rows), [of("severty", Some("severity")), of("Zzzz", None)]);
    assert_eq!(unmet("F.y=1 OR row.F.x=1 OR kind=new", &rows), [of("F.y", None)]);
    assert_eq!(unmet("Severity=high", &rows), [of("Severity", Some("severity"))]);
    assert_eq!(unmet("x=1 OR x=2", &rows).len(), 1);
    assert_eq!(unmet("x=1", &[]), []);
}

#[test]
fn columns_are_listed_with_commas() {
    let columns = parse_columns(r#" first_seen, DeviceName,F.x , "a,b".'c d'"#).unwrap();
    let texts: Vec<String> = columns.iter().map(Column::to_string).collect();
    assert_eq!(texts, ["first_seen", "DeviceName", "F.x", r#""a,b"."c d""#]);
    assert_eq!(columns[0].own(), Some(Own::FirstSeen));
    assert_eq!(Column::of_row("kind").to_string(), "row.kind");
    assert_eq!(Column::of_row("row").in_row(), ["row"]);
    assert_eq!(Column::of_row("Kind").to_string(), "Kind");
    for (text, column) in [("", 1), ("a,", 3), ("a b", 3), ("a,,b", 3), ("a=b", 2), ("\"a", 1)] {
        assert_eq!(parse_columns(text).unwrap_err().column(), column, "{text}");
    }
}

#[test]
fn no_sign_is_taken_for_the_beginning_of_another() {
    for op in Op::SIGNS {
        let text = format!("a{}b", op.as_str());
        let expr = parse(&text).unwrap();
        assert!(matches!(&expr, super::Expr::Test(read) if read.op == op), "{text}");
        assert_eq!(expr.to_string(), text);
    }
}
