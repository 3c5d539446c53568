//! Facts of a query.

use std::time::Duration;

use super::super::analyse::{Analysis, analyse};
use super::super::facts::Reach;
use super::super::schema::Schema;

fn of(text: &'static str) -> Analysis<'static> {
    let analysis = analyse(text, Schema::defender());
    // A table that isn't known has facts too.
    assert!(text.starts_with("Orders_CL") || !analysis.is_refused(), "{text}: {:?}", analysis.problems);
    analysis
}

const DAY: Duration = Duration::from_hours(24);

#[test]
fn how_far_back_a_query_looks() {
    for (text, reach) in [
        ("DeviceInfo | where DeviceName == 'a'", Reach::Open),
        ("DeviceInfo | where Timestamp > ago(1d)", Reach::Back(DAY)),
        ("DeviceInfo | where Timestamp >= now() - 2d and DeviceName has 'a'", Reach::Back(DAY * 2)),
        ("DeviceInfo | where ago(1h) < Timestamp", Reach::Back(DAY / 24)),
        ("DeviceInfo | where Timestamp between (ago(7d) .. now())", Reach::Back(DAY * 7)),
        ("let back = 3d; DeviceInfo | where Timestamp > ago(back)", Reach::Back(DAY * 3)),
        ("let start = ago(1d * 2); DeviceInfo | where Timestamp > start", Reach::Back(DAY * 2)),
        ("let T = DeviceInfo | where Timestamp > ago(1d); T | count", Reach::Back(DAY)),
        ("let T = DeviceInfo; T | where Timestamp > ago(1d)", Reach::Back(DAY)),
        ("DeviceInfo | where Timestamp > ago(7d) | where Timestamp > ago(1d)", Reach::Back(DAY)),
        ("DeviceInfo | where Timestamp > startofday(ago(1d))", Reach::Back(DAY * 2)),
        ("DeviceInfo | where Timestamp > datetime(2026-01-01)", Reach::Absolute),
        ("union DeviceInfo, DeviceLogonEvents | where Timestamp > ago(1d)", Reach::Back(DAY)),
        (
            "DeviceInfo | where Timestamp > ago(1d) | join (DeviceLogonEvents | where Timestamp > ago(30d)) on DeviceId",
            Reach::Back(DAY * 30),
        ),
        ("DeviceInfo | where Timestamp > ago(1d) | join DeviceLogonEvents on DeviceId", Reach::Partly(DAY)),
        (
            "DeviceInfo | where DeviceId in ((DeviceLogonEvents | where Timestamp > ago(2d) | project DeviceId))",
            Reach::Partly(DAY * 2),
        ),
        ("DeviceInfo | where Timestamp > ago(1d) or DeviceName == 'a'", Reach::Open),
        ("DeviceInfo | summarize Timestamp = max(Timestamp) by DeviceId | where Timestamp > ago(1d)", Reach::Open),
        // More than can be counted.
        ("DeviceInfo | where Timestamp > ago(150000000000000d) - 150000000000000d", Reach::Open),
        ("DeviceInfo | where Timestamp > startofday(ago(213503982334601d))", Reach::Open),
        ("DeviceTvmSoftwareInventory | where SoftwareName == 'a'", Reach::Timeless),
        ("print 1", Reach::Timeless),
        ("Orders_CL | where A == 1", Reach::Open),
    ] {
        assert_eq!(of(text).facts.reach, reach, "{text}");
    }
}

#[test]
fn rows_that_come_one_by_one() {
    for (text, row_wise) in [
        ("DeviceProcessEvents | where FileName == 'a' | project Timestamp, DeviceId", true),
        (
            "DeviceProcessEvents | extend d = parse_json(AdditionalFields) | mv-expand d | parse FileName with x '.' *",
            true,
        ),
        ("union DeviceProcessEvents, DeviceFileEvents | where FileName == 'a'", true),
        ("let T = DeviceProcessEvents | where FileName == 'a'; T | sort by Timestamp", true),
        ("DeviceFileEvents | invoke FileProfile('SHA1')", true),
        ("DeviceProcessEvents | lookup (datatable(FileName:string, why:string)['a', 'b']) on FileName", true),
        ("DeviceProcessEvents | lookup DeviceTvmSoftwareInventory on DeviceId", true),
        ("DeviceProcessEvents | lookup kind=inner DeviceTvmSoftwareInventory on DeviceId", true),
        ("DeviceProcessEvents | join kind=inner DeviceTvmSoftwareInventory on DeviceId", true),
        ("DeviceProcessEvents | join kind=leftanti (DeviceTvmSoftwareInventory | take 5) on DeviceId", true),
        ("let k = datatable(DeviceId:string)['a']; DeviceProcessEvents | join kind=leftouter k on DeviceId", true),
        ("DeviceProcessEvents | where DeviceId in (DeviceTvmSoftwareInventory)", true),
        ("DeviceProcessEvents | where DeviceId in ((DeviceTvmSoftwareInventory | project DeviceId))", true),
        ("let bad = dynamic(['a', 'b']); DeviceProcessEvents | where FileName in~ (bad)", true),
        ("let low = (s:string) { tolower(s) }; DeviceProcessEvents | where low(FileName) == 'a'", true),
        ("let T = materialize(DeviceProcessEvents | where FileName == 'a'); union T, DeviceFileEvents", true),
        ("DeviceProcessEvents | extend a = pack_array(FileName) | mv-expand a to typeof(string) limit 3", true),
        (
            "DeviceProcessEvents | mv-apply a = pack_array(FileName) to typeof(string) on (where a has 'x' | summarize count())",
            true,
        ),
        ("DeviceProcessEvents | extend i = ingestion_time(), age = now() - Timestamp", true),
        ("union withsource=T DeviceProcessEvents, (DeviceFileEvents | where FileName == 'a')", true),
        ("DeviceProcessEvents | where Timestamp > ago(1d) | as A | render table", true),
        ("DeviceProcessEvents | summarize count() by DeviceId", false),
        ("DeviceProcessEvents | join DeviceLogonEvents on DeviceId", false),
        ("DeviceProcessEvents | where DeviceId in ((DeviceLogonEvents | project DeviceId))", false),
        ("let l = DeviceLogonEvents | project DeviceId; DeviceProcessEvents | where DeviceId in (l)", false),
        // The default, innerunique, keeps one row of the left table for each key.
        ("DeviceProcessEvents | join DeviceTvmSoftwareInventory on DeviceId", false),
        ("DeviceProcessEvents | join kind=innerunique DeviceTvmSoftwareInventory on DeviceId", false),
        // Rows of the right table that met nobody come in each part.
        ("DeviceProcessEvents | join kind=rightouter DeviceTvmSoftwareInventory on DeviceId", false),
        ("DeviceProcessEvents | join kind=fullouter DeviceTvmSoftwareInventory on DeviceId", false),
        ("DeviceProcessEvents | join kind=rightanti DeviceTvmSoftwareInventory on DeviceId", false),
        ("DeviceProcessEvents | join kind=rightsemi DeviceTvmSoftwareInventory on DeviceId", false),
        ("DeviceProcessEvents | join kind=inner DeviceLogonEvents on DeviceId", false),
        ("DeviceProcessEvents | join kind=inner (union Device*) on DeviceId", false),
        ("DeviceProcessEvents | join kind=inner (search 'a') on DeviceId", false),
        ("DeviceProcessEvents | join kind=inner (find where DeviceId == 'a') on DeviceId", false),
        ("DeviceProcessEvents | join kind=inner (table('DeviceLogonEvents')) on DeviceId", false),
        ("DeviceProcessEvents | join kind=inner (DeviceInfo | summarize by DeviceId) on DeviceId", false),
        ("DeviceProcessEvents | where DeviceId in (DeviceLogonEvents)", false),
        (
            "let f = (d:string) { d == toscalar(DeviceLogonEvents | summarize max(DeviceId)) }; DeviceProcessEvents | where f(DeviceId)",
            false,
        ),
        (
            "let f = () { let T = DeviceLogonEvents; T | project DeviceId }; DeviceProcessEvents | where DeviceId in (f())",
            false,
        ),
        ("let n = 1 + toscalar(DeviceLogonEvents | count); DeviceProcessEvents | where ProcessId == n", false),
        ("let rn = () { row_number() }; DeviceProcessEvents | sort by Timestamp | extend n = rn()", false),
        ("let f = (T:(DeviceId:string)) { T | summarize by DeviceId }; DeviceProcessEvents | invoke f()", false),
        ("DeviceProcessEvents | serialize n = row_number()", false),
        ("DeviceProcessEvents | sort by Timestamp | extend n = next(FileName)", false),
        ("DeviceProcessEvents | sort by Timestamp | extend n = row_rank_dense(FileName)", false),
        ("DeviceProcessEvents | where rand() < 0.5", false),
        ("DeviceProcessEvents | extend g = new_guid()", false),
        ("DeviceProcessEvents | sample 5", false),
        ("DeviceProcessEvents | count", false),
        ("DeviceProcessEvents | partition by DeviceId (top 1 by Timestamp)", false),
        ("DeviceProcessEvents | make-series count() on Timestamp step 1h", false),
        ("DeviceProcessEvents | reduce by FileName", false),
        ("DeviceProcessEvents | evaluate bag_unpack(AdditionalFields)", false),
        ("DeviceProcessEvents | scan with (step s: true;)", false),
        ("DeviceInfo | invoke SeenBy()", false),
        ("union DeviceProcessEvents, (DeviceFileEvents | summarize by DeviceId)", false),
        ("union DeviceProcessEvents, (DeviceFileEvents | take 5)", false),
        ("union Device*", false),
        ("search 'a'", false),
        ("DeviceProcessEvents; DeviceFileEvents", false),
        ("let DeviceProcessEvents = DeviceProcessEvents | where FileName == 'a'; DeviceProcessEvents", false),
        (
            "DeviceProcessEvents | mv-apply a = pack_array(FileName) on (where a in ((DeviceLogonEvents | project DeviceName)))",
            false,
        ),
        ("DeviceProcessEvents | take 5", false),
        ("DeviceProcessEvents | top 5 by Timestamp", false),
        ("DeviceProcessEvents | distinct DeviceId", false),
        ("DeviceProcessEvents | sort by Timestamp | extend p = prev(FileName)", false),
        ("DeviceProcessEvents | where Timestamp > toscalar(DeviceInfo | summarize max(Timestamp))", false),
        ("print 1", false),
    ] {
        assert_eq!(of(text).facts.row_wise, row_wise, "{text}");
    }
}

#[test]
fn what_cuts_what_is_chance_what_is_a_set() {
    let facts = of("DeviceInfo | take 5").facts;
    assert!(!facts.deterministic && facts.cut.is_some_and(|cut| !cut.stable));
    let facts = of("DeviceInfo | sort by DeviceId | take 5").facts;
    assert!(facts.deterministic && facts.cut.is_some_and(|cut| cut.stable));
    assert!(!of("DeviceInfo | extend r = rand()").facts.deterministic);
    assert!(of("DeviceInfo | where Timestamp > ago(1d)").facts.deterministic);
    let facts = of("DeviceInfo | summarize make_set(DeviceName), l = make_list(OSPlatform) by DeviceId | project-rename s = set_DeviceName").facts;
    assert_eq!(facts.sets, ["l", "s"]);
}

#[test]
fn sets_under_whatever_name_they_come_out() {
    for (text, sets) in [
        (
            "DeviceInfo | summarize make_set(DeviceName), make_list(OSPlatform) by DeviceId",
            &["list_OSPlatform", "set_DeviceName"][..],
        ),
        (
            "DeviceInfo | summarize make_set(tolower(DeviceName)), make_set(DeviceName, 10) by DeviceId",
            &["set_", "set_DeviceName"],
        ),
        ("DeviceEvents | summarize make_set(parse_json(AdditionalFields).a) by DeviceId", &["set_AdditionalFields_a"]),
        (
            "DeviceEvents | extend j = parse_json(AdditionalFields) | summarize make_set(j.a), make_set(j['b']) by DeviceId",
            &["set_j_a", "set_j_b"],
        ),
        (
            "DeviceInfo | summarize s = make_set_if(DeviceName, OSBuild > 1) by DeviceId | extend t = s | project u = t, DeviceId",
            &["u"],
        ),
        ("DeviceInfo | summarize s = make_set(DeviceName) by DeviceId | project-rename t = s", &["t"]),
        (
            "let T = DeviceInfo | summarize s = make_set(DeviceName) by DeviceId; DeviceEvents | join kind=inner T on DeviceId | project s",
            &["s"],
        ),
        (
            "DeviceInfo | mv-apply n = pack_array(DeviceName) to typeof(string) on (summarize s = make_set(n)) | project DeviceId, s",
            &["s"],
        ),
        ("DeviceInfo | summarize s = make_set(DeviceName) by DeviceId | summarize arg_max(DeviceId, *)", &["s"]),
        (
            "DeviceInfo | summarize (a, b) = arg_max(Timestamp, DeviceName), s = make_list_with_nulls(DeviceName)",
            &["s"],
        ),
        // A text keeps its order, and so does what is made of something else later.
        ("DeviceInfo | summarize s = make_set(DeviceName) by DeviceId | extend s = strcat_array(s, ',')", &[]),
        ("DeviceInfo | summarize s = make_set(DeviceName) by DeviceId | extend s = pack_array(DeviceId, s)", &[]),
        ("DeviceInfo | summarize s = make_set(DeviceName) by DeviceId | project s = parse_json(DeviceId)", &[]),
        ("DeviceInfo | summarize s = make_set(DeviceName) by DeviceId | project b = bag_pack('s', s)", &[]),
        (
            "DeviceInfo | summarize s = make_set(DeviceName) by DeviceId | extend t = s | project s = parse_json(DeviceId), t, u = s",
            &["t", "u"],
        ),
        ("DeviceEvents | project s = parse_json(AdditionalFields)", &[]),
    ] {
        assert_eq!(of(text).facts.sets, sets, "{text}: {:?}", of(text).columns);
    }
}

#[test]
fn what_tells_rows_apart() {
    assert_eq!(of("DeviceProcessEvents | where FileName == 'a'").facts.keys, [["Timestamp", "DeviceId", "ReportId"]]);
    assert_eq!(
        of("DeviceProcessEvents | summarize count() by DeviceName, bin(Timestamp, 1h)").facts.keys,
        [["DeviceName", "Timestamp"]]
    );
    assert!(of("DeviceProcessEvents | project DeviceName").facts.keys.is_empty());
    assert_eq!(
        of("union DeviceProcessEvents, DeviceFileEvents").facts.tables,
        ["DeviceProcessEvents", "DeviceFileEvents"]
    );
}

#[test]
fn which_columns_say_when_an_event_happened_and_arrived() {
    for (text, arrival) in [
        ("DeviceEvents | extend I = ingestion_time()", Some(("Timestamp", "I"))),
        ("DeviceEvents | project Timestamp, I = ingestion_time()", Some(("Timestamp", "I"))),
        (
            "DeviceEvents | project At = Timestamp, I = (ingestion_time()), DeviceId | where At > ago(1d)",
            Some(("At", "I")),
        ),
        (
            "DeviceEvents | extend I = ingestion_time() | extend J = I | project-rename K = J, At = Timestamp",
            Some(("At", "K")),
        ),
        (
            "let T = DeviceEvents | extend I = ingestion_time(); T | where DeviceName == 'a' | sort by I | take 5",
            Some(("Timestamp", "I")),
        ),
        (
            "union (DeviceEvents | extend I = ingestion_time()), (DeviceInfo | extend I = ingestion_time())",
            Some(("Timestamp", "I")),
        ),
        (
            "union DeviceEvents, DeviceInfo | extend I = ingestion_time() | project-away DeviceName",
            Some(("Timestamp", "I")),
        ),
        ("CallActivityEvents | extend I = ingestion_time()", Some(("ActivityTimestamp", "I"))),
        (
            "DeviceEvents | extend I = ingestion_time() | join kind=inner DeviceInfo on DeviceId",
            Some(("Timestamp", "I")),
        ),
        ("DeviceEvents | extend I = ingestion_time() | distinct Timestamp, I", Some(("Timestamp", "I"))),
        ("DeviceEvents | extend I = ingestion_time() | mv-expand a = pack_array(1)", Some(("Timestamp", "I"))),
        ("DeviceEvents | extend I = ingestion_time(), E = Timestamp | project-away Timestamp", None),
        ("DeviceEvents | where ingestion_time() > ago(1h)", None),
        ("DeviceEvents | extend I = ingestion_time() | project DeviceId, I", None),
        ("DeviceEvents | extend I = ingestion_time() | project-away I", None),
        ("DeviceEvents | extend I = ingestion_time() | project-keep Device*, I", None),
        ("DeviceEvents | extend I = ingestion_time() | extend I = now()", None),
        ("DeviceEvents | extend I = ingestion_time(), Timestamp = bin(Timestamp, 1h)", None),
        ("DeviceEvents | project bin(Timestamp, 1h), I = ingestion_time()", None),
        ("DeviceEvents | extend I = ingestion_time() | summarize max(I) by Timestamp", None),
        ("DeviceEvents | extend I = ingestion_time() | parse DeviceName with Timestamp:datetime ' ' *", None),
        ("DeviceEvents | extend I = ingestion_time() | join kind=rightouter DeviceInfo on DeviceId", None),
        ("union (DeviceEvents | extend I = ingestion_time()), DeviceInfo", None),
        ("DeviceTvmSoftwareInventory | extend I = ingestion_time()", None),
        ("DeviceEvents | extend I = tostring(ingestion_time())", None),
    ] {
        let found = of(text).facts.arrival;
        assert_eq!(found.as_ref().map(|(event, ingestion)| (event.as_str(), ingestion.as_str())), arrival, "{text}");
    }
}

#[test]
fn a_table_that_is_not_known_may_be_one_of_events() {
    let schema = Schema::defender().clone().with_workspace(true);
    for text in [
        "DeviceProcessEvents | where DeviceId in ((SigninLogs | project DeviceId))",
        "DeviceProcessEvents | where ProcessId == toscalar(Orders_CL | count)",
        "DeviceProcessEvents | join kind=inner (Orders_CL | project DeviceId) on DeviceId",
        "DeviceProcessEvents | join kind=inner Orders_CL on DeviceId",
        "DeviceProcessEvents | lookup (union DeviceTvmSoftwareInventory, Orders_CL) on DeviceId",
        "let T = Orders_CL; DeviceProcessEvents | where DeviceId in ((T | project DeviceId))",
        "Orders_CL | where A == 1",
    ] {
        assert!(!analyse(text, &schema).facts.row_wise, "{text}");
    }
}
