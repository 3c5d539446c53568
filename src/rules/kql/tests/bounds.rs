//! A query within bounds.

use super::super::analyse::analyse;
use super::super::bounds::{Rewriting, counted, part, within};
use super::super::schema::Schema;
use super::invariants::bounds_hold;
use crate::model::time::{Timestamp, Window};

const BOUND: &str =
    "where Timestamp >= datetime(2026-01-02T03:04:05.123456800Z) and Timestamp < datetime(2026-01-03T00:00:00Z)";

fn window() -> Window {
    let at = |text| Timestamp::parse(text).unwrap();
    Window { from: at("2026-01-02T03:04:05.123456789Z"), to: at("2026-01-03T00:00:00Z") }
}

fn held(text: &str) -> Option<String> {
    within(text, &analyse(text, Schema::defender()).query, Schema::defender(), window())
}

#[test]
fn each_table_of_events_is_held_to_the_window() {
    // `#` stands for the bound.
    for (text, bounded) in [
        ("DeviceInfo", "DeviceInfo | #"),
        ("DeviceInfo // all | of them\n| count", "DeviceInfo | # // all | of them\n| count"),
        ("['DeviceInfo'] | count;", "['DeviceInfo'] | # | count;"),
        ("(DeviceInfo) | count", "(DeviceInfo | #) | count"),
        ("DeviceInfo | where Timestamp > ago(1d)", "DeviceInfo | # | where Timestamp > ago(1d)"),
        ("union DeviceInfo, (DeviceEvents | count)", "union (DeviceInfo | #), (DeviceEvents | # | count)"),
        ("union isfuzzy=true DeviceInfo, (DeviceEvents)", "union isfuzzy=true (DeviceInfo | #), (DeviceEvents | #)"),
        ("DeviceInfo | union DeviceEvents", "DeviceInfo | # | union (DeviceEvents | #)"),
        (
            "DeviceInfo | join kind=inner DeviceEvents on DeviceId | lookup DeviceTvmSoftwareInventory on DeviceId",
            "DeviceInfo | # | join kind=inner (DeviceEvents | #) on DeviceId | lookup DeviceTvmSoftwareInventory on DeviceId",
        ),
        (
            "let T = DeviceInfo; let n = 5; T | where OSBuild > n",
            "let T = DeviceInfo | #; let n = 5; T | where OSBuild > n",
        ),
        ("let T = materialize(DeviceInfo); T", "let T = materialize(DeviceInfo | #); T"),
        (
            "let f = (n:long) { DeviceInfo | where OSBuild > n }; f(5)",
            "let f = (n:long) { DeviceInfo | # | where OSBuild > n }; f(5)",
        ),
        (
            "let f = (T:(DeviceId:string)) { T | count }; f(DeviceInfo)",
            "let f = (T:(DeviceId:string)) { T | count }; f((DeviceInfo | #))",
        ),
        (
            "DeviceInfo | where DeviceId in ((DeviceEvents | project DeviceId)) and OSBuild > toscalar(DeviceInfo | count)",
            "DeviceInfo | # | where DeviceId in ((DeviceEvents | # | project DeviceId)) and OSBuild > toscalar(DeviceInfo | # | count)",
        ),
        ("DeviceFileEvents | invoke FileProfile(SHA1, 100)", "DeviceFileEvents | # | invoke FileProfile(SHA1, 100)"),
        (
            "DeviceEvents | evaluate bag_unpack(AdditionalFields)",
            "DeviceEvents | # | evaluate bag_unpack(AdditionalFields)",
        ),
        ("DeviceInfo | as A | join kind=inner A on DeviceId", "DeviceInfo | # | as A | join kind=inner A on DeviceId"),
        (
            "CallActivityEvents",
            "CallActivityEvents | where ActivityTimestamp >= datetime(2026-01-02T03:04:05.123456800Z) and ActivityTimestamp < datetime(2026-01-03T00:00:00Z)",
        ),
        ("DeviceTvmSoftwareInventory | count", "DeviceTvmSoftwareInventory | count"),
        ("print 1", "print 1"),
    ] {
        assert_eq!(held(text), Some(bounded.replace('#', BOUND)), "{text}");
    }
}

#[test]
fn what_may_read_more_is_not_held() {
    for text in [
        "Orders_CL | count",
        "union DeviceInfo, Orders_CL",
        "let T = Orders_CL; DeviceInfo | join T on DeviceId",
        "let T = (Orders_CL); DeviceInfo | join T on DeviceId",
        "union withsource=Table DeviceInfo, DeviceEvents",
        "union Device*",
        "union *",
        "search 'a'",
        "search in (DeviceInfo) 'a'",
        "find in (DeviceInfo) where DeviceName == 'a'",
        "table('DeviceInfo') | count",
        "DeviceInfo | join kind=inner (table('DeviceEvents')) on DeviceId",
        "workspace('a').SigninLogs | count",
        "DeviceInfo | where DeviceId in (DeviceEvents)",
        "DeviceInfo | where DeviceId in (SigninLogs)",
        "DeviceInfo | invoke SeenBy()",
        "DeviceInfo | where DeviceId in ((AssignedIPAddresses('a') | project IPAddress))",
        "let DeviceInfo = DeviceInfo | where OSBuild > 5; DeviceInfo",
        "let f = (DeviceInfo:(DeviceId:string)) { DeviceInfo | count }; f(DeviceEvents)",
        "DeviceInfo | stored()",
        "DeviceInfo | where stored(DeviceId)",
        "DeviceInfo |",
        "DeviceInfo | where (",
        "",
    ] {
        let found = held(text);
        assert!(found.is_none() || text.is_empty(), "{text}: {found:?}");
    }
}

#[test]
fn one_more_operator_at_the_end() {
    for (text, end) in [
        ("DeviceInfo", "DeviceInfo\n| #"),
        ("DeviceInfo | where OSBuild > 5 // new\n\n", "DeviceInfo | where OSBuild > 5\n| # // new\n\n"),
        ("DeviceInfo ;\n// end", "DeviceInfo\n| # ;\n// end"),
        ("let a = 5; DeviceInfo | where OSBuild > a;", "let a = 5; DeviceInfo | where OSBuild > a\n| #;"),
        ("union DeviceInfo, DeviceEvents", "union DeviceInfo, DeviceEvents\n| #"),
        ("DeviceInfo | sort by Timestamp desc", "DeviceInfo | sort by Timestamp desc\n| #"),
        ("DeviceInfo | take 5", "DeviceInfo | take 5\n| #"),
        (
            "DeviceInfo | summarize count() by OSPlatform | render piechart with (title = 'a')",
            "DeviceInfo | summarize count() by OSPlatform | #",
        ),
        ("DeviceInfo | render table // a\n;", "DeviceInfo | # // a\n;"),
        ("print x = 1", "print x = 1\n| #"),
        ("find in (DeviceInfo) where DeviceName == 'a'", "find in (DeviceInfo) where DeviceName == 'a'\n| #"),
    ] {
        let analysis = analyse(text, Schema::defender());
        let count = counted(text, &analysis.query).unwrap();
        assert_eq!(count, end.replace('#', "count"), "{text}");
        let columns = analyse(&count, Schema::defender()).columns.unwrap();
        assert_eq!(columns.iter().map(|column| column.name.to_string()).collect::<Vec<_>>(), ["Count"], "{count}");
        let third = part(text, &analysis.query, 2, 3).unwrap();
        assert_eq!(third, end.replace('#', "where hash(tostring(pack_all()), 3) == 2"), "{text}");
        let after = analyse(&third, Schema::defender());
        assert!(!after.is_refused(), "{third}: {:?}", after.problems);
        assert_eq!(after.columns, analysis.columns, "{text}");
    }
    for text in [
        "",
        "let a = 5;",
        "DeviceInfo; DeviceEvents",
        "DeviceInfo | fork (count) (take 5)",
        "DeviceInfo | facet by DeviceId",
        "DeviceInfo | where",
    ] {
        let query = analyse(text, Schema::defender()).query;
        assert_eq!((counted(text, &query), part(text, &query, 0, 2)), (None, None), "{text}");
    }
    let query = analyse("DeviceInfo", Schema::defender()).query;
    assert_eq!(part("DeviceInfo", &query, 2, 2), None);
    assert_eq!(part("DeviceInfo", &query, 0, 0), None);
}

#[test]
fn all_of_it_together() {
    let text = "DeviceInfo\n| where Timestamp > ago(1d)";
    let query = analyse(text, Schema::defender()).query;
    let at = Timestamp::parse("2026-01-03T00:00:00Z").unwrap();
    let steps = Rewriting::of(text, &query).as_of(at).within(Schema::defender(), window()).unwrap();
    let steps = steps.part(0, 2).unwrap().counted().unwrap();
    let expected = format!(
        "DeviceInfo | {BOUND}\n| where Timestamp > (datetime(2026-01-03T00:00:00Z) - (1d))\n| where hash(tostring(pack_all()), 2) == 0\n| count"
    );
    assert_eq!(steps.done().as_deref(), Some(expected.as_str()));
    // An end inside what is asked of the clock.
    let text = "print now()";
    let query = analyse(text, Schema::defender()).query;
    let done = Rewriting::of(text, &query).as_of(at).counted().unwrap().done();
    assert_eq!(done.as_deref(), Some("print datetime(2026-01-03T00:00:00Z)\n| count"));
}

#[test]
fn every_query_that_is_accepted_keeps_its_meaning_within_bounds() {
    let mut count = 0;
    for case in include_str!("accepted.kql").split("\n\n") {
        let (query, _) = case.split_once("\n--> ").unwrap();
        bounds_hold(query);
        count += usize::from(held(query).is_some());
    }
    assert!(count > 200, "{count} of them can be held to a window");
}
