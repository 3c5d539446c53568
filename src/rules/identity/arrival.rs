//! How late a row arrived is read off its two times, whatever else it holds, and changes nothing of what it is.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::tests::{facts, made, schema};
use super::{IdentityRule, RowFacts, RowReader};
use crate::model::time::Timestamp;

const COLUMNS: [(&str, &str); 3] = [("Timestamp", "DateTime"), ("DeviceId", "String"), ("Ingested", "DateTime")];

fn measuring(event: &str, arrived: &str, columns: &[(&str, &str)]) -> RowReader {
    let rule = IdentityRule { arrival: Some((event.to_owned(), arrived.to_owned())), ..IdentityRule::default() };
    made(&rule, &schema(columns)).unwrap()
}

fn lateness(event: &str, arrived: &str) -> Option<u64> {
    let row = format!("{{\"Timestamp\":{event},\"DeviceId\":\"d\",\"Ingested\":{arrived}}}");
    facts(&mut measuring("Timestamp", "Ingested", &COLUMNS), &row).lateness.map(|late| late.as_secs())
}

#[test]
fn it_is_arrival_less_event_time_and_needs_both() {
    let noon = "\"2026-01-02T12:00:00Z\"";
    for (event, arrived, late) in [
        (noon, "\"2026-01-02T12:01:30Z\"", Some(90)),
        (noon, "\"2026-01-02T14:01:30.0000000+02:00\"", Some(90)),
        (noon, noon, Some(0)),
        (noon, "\"2026-01-02T11:00:00Z\"", Some(0)),
        (noon, "null", None),
        (noon, "{}", None),
        ("{}", noon, None),
        (noon, "\"\"", None),
        (noon, "\"soon\"", None),
        (noon, "1790000000", None),
        ("\"0001-01-01T00:00:00Z\"", noon, None),
    ] {
        assert_eq!(lateness(event, arrived), late, "{event} {arrived}");
    }
}

#[test]
fn columns_that_the_result_lacks_are_no_fault() {
    let row =
        r#"{"Timestamp":"2026-01-02T12:00:00Z","INGESTED":"2026-01-02T12:00:05Z","Ingested":"2026-01-02T12:00:09Z"}"#;
    let late = |event: &str, arrived: &str, columns: &[(&str, &str)]| {
        facts(&mut measuring(event, arrived, columns), row).lateness.map(|late| late.as_secs())
    };
    assert_eq!(late("timestamp", "ingested", &COLUMNS), Some(9));
    assert_eq!(late("Timestamp", "Arrived", &COLUMNS), None);
    assert_eq!(late("At", "Ingested", &COLUMNS), None);
    assert_eq!(late("Timestamp", "Ingested", &COLUMNS[..2]), None);
    let both = [COLUMNS[0], ("INGESTED", "DateTime"), ("Ingested", "DateTime")];
    assert_eq!(late("Timestamp", "INGESTED", &both), Some(5));
    assert_eq!(late("Timestamp", "ingested", &both), None, "it fits two");
}

proptest! {
    #[test]
    fn it_changes_nothing_of_what_a_row_is(event in any::<i64>(), arrived in any::<i64>(), swapped in any::<bool>()) {
        let (event, arrived) = (Timestamp::from_nanos(event), Timestamp::from_nanos(arrived));
        let row = json!({"Timestamp": event, "DeviceId": "d", "Ingested": arrived}).to_string();
        let (first, second) = if swapped { ("Ingested", "Timestamp") } else { ("Timestamp", "Ingested") };
        let measured = facts(&mut measuring(first, second, &COLUMNS), &row);
        let plain = facts(&mut made(&IdentityRule::default(), &schema(&COLUMNS)).unwrap(), &row);
        let late: Duration = if swapped { event.since(arrived) } else { arrived.since(event) };
        prop_assert_eq!(measured, RowFacts { lateness: Some(late), ..plain });
        prop_assert_eq!(plain.lateness, None);
    }
}
