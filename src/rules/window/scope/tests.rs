//! What is told of a query's time.

use std::time::Duration;

use super::*;
use crate::model::time::Timestamp;
use crate::rules::kql::analyse::analyse;

fn nature(query: &str) -> QueryNature {
    QueryNature::of(query, &analyse(query, Schema::defender()), Schema::defender())
}

#[test]
fn doubts_what_it_cant_be_sure_of() {
    let window = Window { from: Timestamp::EPOCH, to: Timestamp::from_seconds(3600) };
    let (whole, in_window, unknown) = (ResultScope::Whole, ResultScope::Window(window), ResultScope::Unknown);
    let cases = [
        ("DeviceTvmSoftwareInventory | where SoftwareName has 'log4j'", whole),
        ("DeviceTvmSoftwareInventory | summarize dcount(DeviceId) by SoftwareName", whole),
        ("DeviceTvmSoftwareVulnerabilities | join DeviceTvmSoftwareVulnerabilitiesKB on CveId", whole),
        ("DeviceTvmSoftwareInventory | where SoftwareName == 'DeviceInfo, take ago(1d)' // limit", whole),
        ("DeviceTvmSoftwareInventory | join SigninLogs on DeviceName", unknown),
        ("DeviceTvmSoftwareInventory | take 100", unknown),
        ("DeviceTvmSoftwareInventory | top 10 by SoftwareName", unknown),
        ("DeviceTvmSoftwareInventory | join DeviceInfo on DeviceId", unknown),
        ("DeviceTvmSoftwareInventory | where EndOfSupportDate < now()", unknown),
        ("DeviceTvmSoftwareInventory | where EndOfSupportDate between (a .. b)", unknown),
        ("union DeviceTvmSoftwareInventory, SecurityEvent", unknown),
        ("CallActivityEvents", unknown),
        ("DeviceProcessEvents | where FileName == 'a.exe' | project Timestamp, DeviceId, ReportId", in_window),
        ("DeviceProcessEvents | where FileName == 'a.exe' | sort by Timestamp desc", in_window),
        ("DeviceProcessEvents | where Timestamp > ago(1h)", unknown),
        ("let from = x; DeviceProcessEvents | where Timestamp > from", unknown),
        ("DeviceProcessEvents | where from < Timestamp", unknown),
        ("DeviceProcessEvents | extend Timestamp = ProcessCreationTime", unknown),
        ("DeviceProcessEvents | project At = Timestamp", unknown),
        ("DeviceProcessEvents | summarize count() by DeviceId", unknown),
        ("DeviceProcessEvents | where DeviceId in (DeviceInfo | project DeviceId)", unknown),
        ("DeviceProcessEvents | mv-expand x = AdditionalFields", unknown),
        ("SecurityEvent | where EventID == 4625", unknown),
        ("", unknown),
    ];
    for (query, expected) in cases {
        assert_eq!(nature(query).scope(Some(window)), expected, "{query}");
        let without = if expected == whole { whole } else { unknown };
        assert_eq!(nature(query).scope(None), without, "{query}");
    }
}

#[test]
fn a_query_with_its_own_time_gets_no_window_of_ours() {
    for (query, kind) in [
        ("DeviceProcessEvents | where FileName == 'ago(1d)'", QueryKind::Windowed),
        ("DeviceProcessEvents | summarize count() by bin(Timestamp, 1h)", QueryKind::Windowed),
        ("DeviceProcessEvents | where Timestamp > ago(1d)", QueryKind::OwnTime),
        ("let start = datetime(2026-01-01); DeviceEvents | where Timestamp > start", QueryKind::Fixed),
        ("DeviceEvents | where Timestamp between (datetime(2026-01-01) .. datetime(2026-01-02))", QueryKind::Fixed),
        ("DeviceEvents | where Timestamp > InitiatingProcessCreationTime + 1h", QueryKind::Fixed),
        ("DeviceEvents | where Timestamp > datetime(2026-01-01) and Timestamp > ago(1d)", QueryKind::OwnTime),
        ("DeviceEvents | where ingestion_time() > ago(1h)", QueryKind::OwnTime),
        ("let from = x; DeviceEvents | where Timestamp > from", QueryKind::OwnTime),
        ("DeviceTvmSoftwareInventory | project DeviceId, SoftwareName", QueryKind::Snapshot),
        ("MyTable_CL | where X == 1 // ago(1d)", QueryKind::Windowed),
    ] {
        assert_eq!(nature(query).kind, kind, "{query}");
    }
}

#[test]
fn how_far_back_it_looks_for_certain() {
    let hours = |hours| Some(Duration::from_hours(hours));
    for (query, back) in [
        ("DeviceEvents | where Timestamp > ago(1d)", hours(24)),
        ("DeviceEvents | where Timestamp >= now() - 2h and DeviceName has 'a'", hours(2)),
        ("DeviceEvents | where ago(1h) < Timestamp", hours(1)),
        ("DeviceEvents | where (Timestamp > now(-3h))", hours(3)),
        ("DeviceEvents | where Timestamp > ago(7d) | where Timestamp > ago(1d)", hours(24)),
        ("DeviceEvents | where Timestamp between (ago(7d) .. now())", hours(24 * 7)),
        ("DeviceEvents | where Timestamp > ago(1d) and Timestamp <= now()", hours(24)),
        ("let end = now(); let start = end - 12h; DeviceEvents | where Timestamp between (start .. end)", hours(12)),
        ("let back = 3d; DeviceEvents | where Timestamp > ago(back)", hours(72)),
        ("let back = totimespan(2 * 1h); let start = ago(back); DeviceEvents | where Timestamp > start", hours(2)),
        // Earlier than that, by how much depends.
        ("DeviceEvents | where Timestamp > startofday(ago(1d))", hours(24)),
        ("DeviceEvents | where Timestamp > bin(ago(1d), 1h)", hours(24)),
        ("let T = DeviceEvents | where Timestamp > ago(1d); T | summarize count() by DeviceId", hours(24)),
        ("let T = DeviceEvents; T | where Timestamp > ago(1d) | project DeviceId", hours(24)),
        (
            "let T = materialize(DeviceEvents | where Timestamp > ago(1d)); union T, (T | where ActionType == 'a')",
            hours(24),
        ),
        ("union DeviceEvents, DeviceInfo | where Timestamp > ago(1d)", hours(24)),
        ("DeviceEvents | where Timestamp > ago(1d) | extend Timestamp = bin(Timestamp, 1h)", hours(24)),
        ("DeviceEvents | extend a = 1 | parse DeviceName with x '.' * | where Timestamp > ago(1d)", hours(24)),
        (
            "DeviceEvents | where Timestamp > ago(1d) | join (DeviceLogonEvents | where Timestamp > ago(30d)) on DeviceId",
            hours(24),
        ),
        (
            "DeviceEvents | where Timestamp > ago(7d) | join kind=inner (DeviceLogonEvents | where Timestamp > ago(2d)) on DeviceId",
            hours(48),
        ),
        ("DeviceEvents | where Timestamp > ago(1d) | join kind=inner DeviceLogonEvents on DeviceId", hours(24)),
        ("DeviceEvents | where DeviceId in ((DeviceInfo | where Timestamp > ago(2h) | project DeviceId))", hours(2)),
        ("let f = () { DeviceEvents | where Timestamp > ago(5h) }; f() | take_never", None),
        ("let f = () { DeviceEvents | where Timestamp > ago(5h) }; f()", hours(5)),
        // It doesn't end at the run's time.
        ("DeviceEvents | where Timestamp between (ago(7d) .. ago(1d))", None),
        ("DeviceEvents | where Timestamp between (ago(7d) .. 6d)", None),
        ("DeviceEvents | where Timestamp > ago(7d) and Timestamp < ago(1h)", None),
        ("DeviceEvents | where Timestamp < startofday(now()) and Timestamp > ago(1d)", None),
        ("DeviceEvents | where Timestamp > ago(7d) and not(Timestamp > ago(1h))", None),
        (
            "let old = DeviceInfo | where Timestamp < ago(1d); DeviceEvents | where Timestamp > ago(2d) | join old on DeviceId",
            None,
        ),
        // Not all of it must hold, or isn't of the event's time.
        ("DeviceEvents | where Timestamp > ago(1d) or DeviceName == 'a'", None),
        ("DeviceEvents | where ingestion_time() > ago(1d)", None),
        ("DeviceEvents | where Timestamp > ago(7d) and ingestion_time() > ago(1h)", None),
        ("DeviceEvents | where InitiatingProcessCreationTime > ago(1h) and Timestamp > ago(1d)", None),
        ("DeviceEvents | extend age = now() - Timestamp | where age < 1h and Timestamp > ago(1d)", None),
        ("DeviceEvents | where datetime_diff('hour', now(), Timestamp) < 5", None),
        ("DeviceEvents | extend Timestamp = InitiatingProcessCreationTime | where Timestamp > ago(1d)", None),
        (
            "let T = DeviceEvents | project DeviceId, Timestamp = InitiatingProcessCreationTime; T | where Timestamp > ago(1d)",
            None,
        ),
        ("DeviceEvents | project bin(Timestamp, 1d) | where Timestamp > ago(1d)", None),
        ("DeviceEvents | summarize Timestamp = max(Timestamp) by DeviceId | where Timestamp > ago(1d)", None),
        ("DeviceEvents | summarize arg_max(Timestamp, *) by DeviceId | where Timestamp > ago(1d)", None),
        ("DeviceEvents | join kind=rightouter DeviceInfo on DeviceId | where Timestamp > ago(1d)", None),
        // What a name means hangs on the place.
        ("let x = 7d; let f = (x:timespan) { DeviceEvents | where Timestamp > ago(x) }; f(1h)", None),
        ("let StartTime = ago(7d); BehaviorInfo | where Timestamp > StartTime", None),
        ("let s = ago(7d); DeviceEvents | extend s = now() | where Timestamp > s", None),
        ("let ago = (x:timespan) { now() - 10 * x }; DeviceEvents | where Timestamp > ago(1d)", None),
        ("let ago = (x:timespan) { now() }; DeviceEvents | where Timestamp > ago(1d)", None),
        ("let start = ago(1d); DeviceEvents | where Timestamp > start | extend since = start", None),
        // Times that are written out, tables that aren't known, results that are cut.
        ("DeviceEvents | where Timestamp > ago(1d) and Timestamp > datetime(2026-01-01)", None),
        ("union DeviceEvents, SigninLogs | where Timestamp > ago(1d)", None),
        ("DeviceEvents | where Timestamp > ago(1d) | take 10", None),
        ("DeviceEvents | where Timestamp > ago(1d) | sample 10", None),
        ("search in (DeviceEvents) Timestamp > ago(1d)", None),
        ("DeviceEvents | where Timestamp > now()", None),
        ("DeviceEvents | where Timestamp > now() - 1d + 2d", None),
        // Not of that kind.
        ("DeviceEvents", None),
        ("DeviceTvmSoftwareInventory | where EndOfSupportDate < ago(1d)", None),
        ("DeviceEvents | where Timestamp > ", None),
    ] {
        assert_eq!(nature(query).back, back, "{query}");
    }
}

#[test]
fn parts_that_add_up() {
    for (query, splits) in [
        ("DeviceEvents | where ActionType == 'a'", Splits::ByTime),
        ("DeviceEvents | where Timestamp > ago(1d) | project DeviceId", Splits::ByTime),
        ("union DeviceEvents, DeviceFileEvents | where DeviceName == 'a'", Splits::ByTime),
        ("DeviceEvents | join kind=inner DeviceTvmSoftwareInventory on DeviceId", Splits::ByTime),
        ("DeviceFileEvents | invoke FileProfile('SHA1', 1000) | where GlobalPrevalence < 10", Splits::ByTime),
        // A column that the service has got since.
        ("DeviceEvents | where x == 1", Splits::ByTime),
        // Taken of the rows that come of one row.
        ("DeviceEvents | mv-apply a = pack_array(1) on (take 1)", Splits::ByTime),
        ("DeviceTvmSoftwareInventory | where SoftwareName == 'a'", Splits::ByHash),
        ("union DeviceEvents, DeviceTvmSoftwareInventory", Splits::ByHash),
        // The API's time span goes by another column, if by any.
        ("CallActivityEvents", Splits::ByHash),
        ("DeviceTvmSoftwareInventory | summarize dcount(DeviceId) by SoftwareName", Splits::Never),
        ("DeviceTvmSoftwareInventory | where DeviceId in (DeviceEvents)", Splits::Never),
        ("DeviceEvents | summarize count() by DeviceId", Splits::Never),
        ("DeviceEvents | top 5 by Timestamp", Splits::Never),
        ("DeviceEvents | join DeviceInfo on DeviceId", Splits::Never),
        ("SigninLogs", Splits::Never),
        ("DeviceEvents |", Splits::Never),
        ("print 1", Splits::Never),
        ("", Splits::Never),
    ] {
        assert_eq!(nature(query).splits, splits, "{query}");
    }
}
