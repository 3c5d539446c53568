use proptest::prelude::*;

use super::*;
use crate::model::row::{Column, ColumnType, Schema};

fn schema(columns: &[&str]) -> Schema {
    let kind = |name: &str| if name == "Timestamp" { ColumnType::DateTime } else { ColumnType::String };
    let column = |name: &&str| Column { name: (*name).to_owned(), kind: kind(name) };
    Schema { columns: columns.iter().map(column).collect() }
}

/// A sample of results, each cell as text.
fn sample<const N: usize>(columns: [&str; N], results: &[Vec<[String; N]>]) -> Sample {
    let (schema, mut sample) = (schema(&columns), Sample::default());
    for rows in results {
        let row = |cells: &[String; N]| {
            let cells = columns.iter().zip(cells).map(|(name, cell)| (*name, cell.as_str()));
            serde_json::to_string(&cells.collect::<std::collections::BTreeMap<_, _>>()).unwrap()
        };
        let rows: Vec<String> = rows.iter().map(row).collect();
        sample.take(&schema, &[], &rows).unwrap();
    }
    sample
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Ten results of four devices with three files each, of which a count and a time go up with each.
fn counted() -> Sample {
    let rows = |run: usize| {
        let row = move |at: usize| {
            [
                format!("d{}", at / 3),
                format!("f{}.exe", at % 3),
                "x".to_owned(),
                format!("{}", run * 7 + at),
                format!("t{run}"),
            ]
        };
        (0..12).map(row).collect::<Vec<_>>()
    };
    sample(["DeviceId", "FileName", "Site", "Count", "LastSeen"], &(0..10).map(rows).collect::<Vec<_>>())
}

#[test]
fn columns_that_go_up_are_ignored_and_the_smallest_key_found() {
    let sample = counted();
    let advice = advise(&sample, None, &[]);
    assert_eq!((advice.results, advice.rows, advice.as_is.told), (10, 120, 120));
    let ignored: Vec<_> = advice.ignore.iter().map(|(name, changed, of)| (name.as_str(), changed == of)).collect();
    assert_eq!(ignored, [("Count", true), ("LastSeen", true)]);
    // To ignore the two is enough.
    assert_eq!(advice.key, None);
    let quiet = advise(&sample, None, &names(&["Count", "LastSeen"]));
    assert_eq!((quiet.as_is.told, quiet.key, quiet.ignore), (12, None, vec![]));
}

#[test]
fn a_key_with_faults_is_replaced() {
    let sample = counted();
    let cases: [(&[&str], &[Fault]); 4] = [
        (&["DeviceId"], &[Fault::NotUnique(80)]),
        (&["DeviceId", "LastSeen"], &[Fault::Changes("LastSeen".to_owned()), Fault::NotUnique(80)]),
        (&["DeviceId", "FileName"], &[]),
        (&["DeviceId", "FileName", "Nope"], &[Fault::Missing("Nope".to_owned())]),
    ];
    for (key, faults) in cases {
        let advice = advise(&sample, Some(&names(key)), &[]);
        assert_eq!(advice.faults, faults, "{key:?}");
        let better = advice.key.map(|key| (key.columns, key.trial.told, key.chosen));
        let expected = (names(&["DeviceId", "FileName"]), 12, names(&["FileName"]));
        assert_eq!(better, (key.len() == 1 || key.contains(&"LastSeen")).then_some(expected), "{key:?}");
    }
}

#[test]
fn columns_that_hold_nothing_are_no_key() {
    let rows =
        |run: usize| (0..4).map(|at| [String::new(), format!("a{at}"), format!("{run}"), format!("{run}")]).collect();
    let sample = sample(["SHA256", "AccountUpn", "N", "M"], &(0..5).map(rows).collect::<Vec<Vec<_>>>());
    let advice = advise(&sample, Some(&names(&["SHA256"])), &[]);
    assert_eq!(advice.faults, [Fault::AlwaysEmpty("SHA256".to_owned()), Fault::Empty(20)]);
    assert_eq!(advice.key.unwrap().columns, ["AccountUpn"]);
}

#[test]
fn events_keep_the_key_of_events() {
    // Each event is in two results, as the windows overlap, and is seldom of the device of the one before.
    let event = |at: usize| {
        [format!("2026-01-01T00:{at:02}:00Z"), format!("d{}", at % 5), format!("{at}"), format!("c{}", at % 2)]
    };
    let results: Vec<Vec<_>> = (1..20).map(|at| vec![event(at - 1), event(at)]).collect();
    let sample = sample(["Timestamp", "DeviceId", "ReportId", "ProcessCommandLine"], &results);
    for key in [None, Some(names(&["Timestamp", "DeviceId", "ReportId"]))] {
        let advice = advise(&sample, key.as_deref(), &[]);
        assert_eq!((advice.key, advice.ignore, advice.faults), (None, vec![], vec![]), "nothing is to be mended");
    }
    let advice = advise(&sample, Some(&names(&["DeviceId"])), &[]);
    let better = advice.key.unwrap();
    assert_eq!((better.columns, better.is_known), (names(&["Timestamp", "DeviceId", "ReportId"]), true));
}

#[test]
fn little_history_suggests_nothing() {
    let rows = vec![["a".to_owned()]];
    let sample = sample(["A"], &[rows.clone(), vec![], rows]);
    let advice = advise(&sample, Some(&names(&["B"])), &[]);
    assert_eq!((advice.results, advice.key, advice.ignore, advice.faults), (2, None, vec![], vec![]));
}

#[test]
fn what_somebody_chooses_is_known_by_its_name() {
    for name in ["FileName", "InitiatingProcessCommandLine", "FolderPath", "Subject", "RemoteUrl", "SenderFromAddress"]
    {
        assert!(is_chosen(name), "{name}");
    }
    for name in ["DeviceId", "Timestamp", "ReportId", "CveId", "AccountObjectId", "SHA256", "NetworkMessageId"] {
        assert!(!is_chosen(name), "{name}");
    }
}

#[test]
fn a_sample_that_is_full_takes_no_more() {
    let schema = schema(&["A"]);
    let mut sample = Sample::with_room(40);
    let rows = |from: usize| (from..from + 5).map(|at| format!(r#"{{"A":"{at}"}}"#)).collect::<Vec<_>>();
    for from in [0, 5, 10] {
        sample.take(&schema, &[], &rows(from)).unwrap();
    }
    assert_eq!((sample.results().len(), sample.left_out(), sample.rows()), (2, 1, 10));
}

proptest! {
    /// What a key tells and how often it isn't unique, against counting it out.
    #[test]
    fn a_trial_counts_what_is_told(results in proptest::collection::vec(
        proptest::collection::btree_set((0..4_u8, 0..3_u8), 0..6), 1..8,
    )) {
        let rows: Vec<Vec<[String; 2]>> = results.iter()
            .map(|rows| rows.iter().map(|(a, b)| [format!("a{a}"), format!("b{b}")]).collect()).collect();
        let sample = sample(["A", "B"], &rows);
        let done = trial(&sample, &[0]);
        let every: std::collections::BTreeSet<u8> = results.iter().flatten().map(|(a, _)| *a).collect();
        prop_assert_eq!(done.told, every.len() as u64);
        let unique = results.iter().all(|rows| {
            let keys: std::collections::BTreeSet<u8> = rows.iter().map(|(a, _)| *a).collect();
            keys.len() == rows.len()
        });
        prop_assert_eq!(done.doubles == 0, unique);
        let whole = trial(&sample, &[0, 1]);
        let all: std::collections::BTreeSet<(u8, u8)> = results.iter().flatten().copied().collect();
        prop_assert_eq!((whole.told, whole.doubles, whole.replaced), (all.len() as u64, 0, 0));
    }
}
