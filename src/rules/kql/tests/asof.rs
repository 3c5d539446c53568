//! A query as of a time.

use proptest::prelude::*;

use super::super::analyse::analyse;
use super::super::asof::as_of;
use super::super::schema::Schema;
use crate::model::time::Timestamp;

fn at(text: &str) -> String {
    let analysis = analyse(text, Schema::defender());
    as_of(text, &analysis.query, Timestamp::parse("2026-01-02T03:04:05.1234567Z").unwrap())
}

#[test]
fn the_clock_is_read_nowhere_any_more() {
    let time = "datetime(2026-01-02T03:04:05.123456Z)";
    for (text, later) in [
        ("DeviceInfo | where Timestamp > ago(1d)", format!("DeviceInfo | where Timestamp > ({time} - (1d))")),
        ("DeviceInfo | where Timestamp > now() - 1d", format!("DeviceInfo | where Timestamp > {time} - 1d")),
        ("print now( -1h )", format!("print ({time} + (-1h))")),
        (
            "let back = 7d;\r\nDeviceInfo // ago(1d)\r\n| where Timestamp > ago(back)",
            format!("let back = 7d;\r\nDeviceInfo // ago(1d)\r\n| where Timestamp > ({time} - (back))"),
        ),
        (
            "print \"now()\", 'ago(1d)', @\"ago(2d)\", now()",
            format!("print \"now()\", 'ago(1d)', @\"ago(2d)\", {time}"),
        ),
        (
            "let f = (x:timespan) { ago(x) }; print f(1d)",
            format!("let f = (x:timespan) {{ ({time} - (x)) }}; print f(1d)"),
        ),
        ("let now = 5; print now", "let now = 5; print now".to_owned()),
        (
            "let now = () { datetime(2020-01-01) }; print now()",
            "let now = () { datetime(2020-01-01) }; print now()".to_owned(),
        ),
        ("print ago(now() - ago(1h))", format!("print ({time} - ({time} - ({time} - (1h))))")),
        ("DeviceInfo | where Now == ago", "DeviceInfo | where Now == ago".to_owned()),
    ] {
        assert_eq!(at(text), later, "{text}");
        assert!(!analyse(&later, Schema::defender()).facts.reads_clock, "{later}");
    }
}

#[test]
fn a_query_means_the_same_as_of_a_time() {
    for text in [
        "DeviceInfo | where Timestamp between (ago(7d) .. now()) | summarize count() by bin(Timestamp, 1d)",
        "range t from ago(7d) to now() step 1d",
        "DeviceInfo | make-series c = count() on Timestamp from ago(7d) to now() step 1d",
        "DeviceInfo | extend age = now() - Timestamp | where age > 1h",
        "DeviceInfo | extend d = datetime_diff('day', now(), Timestamp), s = startofday(ago(1d))",
    ] {
        let before = analyse(text, Schema::defender());
        let later = at(text);
        let after = analyse(&later, Schema::defender());
        assert!(!before.is_refused(), "{text}");
        assert!(!after.is_refused(), "{later}: {:?}", after.problems);
        assert_eq!(before.columns, after.columns, "{later}");
    }
}

proptest! {
    #[test]
    fn all_else_stays_byte_for_byte(before in "[ a-z\\n\\t]{0,20}", inside in "[0-9]{1,3}[dhms]", after in "[ \\n]{0,9}// [a-z ()]{0,20}") {
        let text = format!("print x = \"{}\",{before}", before.replace('\n', " "));
        let text = format!("DeviceInfo\n| where Timestamp > ago({inside}){after}\n| where DeviceName == \"{}\"", text.escape_default());
        let later = at(&text);
        let (head, tail) = later.split_once("(datetime(2026-01-02T03:04:05.123456Z) - (").unwrap();
        let (kept, tail) = tail.split_once("))").unwrap();
        prop_assert_eq!(format!("{head}ago({kept}){tail}"), text);
    }
}
