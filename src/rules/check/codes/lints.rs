//! Lints: what loads and runs, and is probably not meant so.

use super::{Rule, rule};
use crate::model::place::Level::{Error, Info, Warning};

pub(super) const RULES: &[Rule] = &[
    rule(
        Warning,
        "L001",
        "the lookback leaves a gap between two runs",
        "Each run covers the lookback, and a run's event time should reach back to the run before. A query with a time filter of its own, or a hunt that doesn't catch up, never sees what lies between; else huntd widens each run, which is not what the lookback says.",
        ["schedule: \"@daily\"\nlookback: 1h", "schedule: \"@daily\"\nlookback: 1d"],
    ),
    rule(
        Warning,
        "L002",
        "events that arrive late can't be found",
        "Events reach the tables minutes after they happen, some much later. Without an overlap between runs, an event that arrives after the run that covered its time is found by no run. `late` makes the overlap, unless the query filters by time itself.",
        [
            "schedule: \"@hourly\"\nquery: |\n  DeviceEvents\n  | where Timestamp > ago(1h)",
            "schedule: \"@hourly\"\nlookback: 1h\nlate: 30m\nquery: |\n  DeviceEvents",
        ],
    ),
    rule(
        Warning,
        "L003",
        "no time bound at all",
        "The older Defender API takes no time span beside the query: a query without a filter of its own reads all thirty days in each run, and is the dearest that it can be.",
        [
            "query: |\n  DeviceEvents\n  | where ActionType == \"UsbDriveMounted\"",
            "query: |\n  DeviceEvents\n  | where Timestamp > ago(1d)\n  | where ActionType == \"UsbDriveMounted\"",
        ],
    ),
    rule(
        Warning,
        "L004",
        "the query's own time filter is shorter than the lookback, and silently wins",
        "Of two time filters the narrower counts. The lookback then says what isn't so, and whoever reads it believes in cover that isn't there. Take the filter out, and huntd gives each run its window.",
        [
            "lookback: 1d\nquery: |\n  DeviceEvents\n  | where Timestamp > ago(1h)",
            "lookback: 1d\nquery: |\n  DeviceEvents",
        ],
    ),
    rule(
        Info,
        "L005",
        "the schedule meets the hour that clocks leave out or repeat",
        "In the night of a clock change an hour is missing, and in another one it comes twice. huntd makes up for a missing time when the hour is over, and a time of several an hour comes in both passes. A time outside of that hour, or UTC, has neither.",
        ["schedule: \"30 2 * * *\"\ntimezone: Europe/Berlin", "schedule: \"30 4 * * *\"\ntimezone: Europe/Berlin"],
    ),
    rule(
        Warning,
        "L006",
        "a lookback that has no effect",
        "huntd gives a run its window only where the query has no time of its own: of two time filters the narrower counts. A query with times written out, or of tables without time, is run as it stands. A lookback beside it promises what isn't so.",
        [
            "lookback: 1d\nquery: |\n  DeviceEvents\n  | where Timestamp > datetime(2026-01-01)",
            "lookback: 1d\nquery: |\n  DeviceEvents",
        ],
    ),
    rule(
        Error,
        "L010",
        "a key column that the query doesn't return",
        "A run whose rows lack a key column fails: nothing can be said of which row is which.",
        [
            "key: [DeviceId, ReportId]\nquery: |\n  DeviceEvents\n  | project Timestamp, DeviceId",
            "key: [DeviceId, ReportId]\nquery: |\n  DeviceEvents\n  | project Timestamp, DeviceId, ReportId",
        ],
    ),
    rule(
        Warning,
        "L011",
        "a column that the query doesn't return",
        "`ignore`, `suppress: {by: …}` and `entities` name columns of the result. One that isn't there has no effect.",
        [
            "ignore: [Count]\nquery: DeviceEvents | summarize count() by DeviceId",
            "ignore: [count_]\nquery: DeviceEvents | summarize count() by DeviceId",
        ],
    ),
    rule(
        Warning,
        "L012",
        "the result is cut to some of its rows, in no stable order",
        "`take`, `limit` and `sample` return any rows, others each time; `top` and a sorted `take` leave out the rest. A hit that is cut off is missed, and one that comes and goes is told as returned.",
        ["DeviceEvents | take 100", "DeviceEvents | sort by Timestamp asc, ReportId asc"],
    ),
    rule(
        Warning,
        "L013",
        "a column that is different in each run makes a hit new each time",
        "`now()`, `rand()`, `ingestion_time()` and row numbers change with each run. In the key, or without a key at all, each run's rows are new hits.",
        [
            "DeviceEvents\n| extend Checked = now()",
            "ignore: [Checked]\nquery: |\n  DeviceEvents\n  | extend Checked = now()",
        ],
    ),
    rule(
        Info,
        "L014",
        "no key, although the rows have what identifies an event",
        "`ReportId` with `DeviceId` (or `DeviceName`) and `Timestamp` identifies an event. Without a key, every column makes the identity: a column that is filled in later makes a second hit of the same event.",
        ["query: DeviceEvents", "key: [Timestamp, DeviceId, ReportId]\nquery: DeviceEvents"],
    ),
    rule(
        Info,
        "L015",
        "no key, although counts and times of a group change while the group stays",
        "Without a key, a group whose count, first or last time has changed is a new hit. The columns after `by` are what stays.",
        [
            "query: DeviceEvents | summarize Count = count() by DeviceId",
            "key: [DeviceId]\nquery: DeviceEvents | summarize Count = count() by DeviceId",
        ],
    ),
    rule(
        Info,
        "L020",
        "a name of Sentinel's, where Defender has its own",
        "`TimeGenerated`, `Type` and `TenantId` exist only where a Sentinel workspace is connected. The hunt fails in a tenant alone.",
        ["DeviceEvents | where TimeGenerated > ago(1d)", "DeviceEvents | where Timestamp > ago(1d)"],
    ),
    rule(
        Info,
        "L030",
        "case counts where the value's case varies",
        "`==` tells upper from lower case. Names of files, devices and accounts, command lines, paths and domains come in any case, and an attacker chooses it. `=~` and `in~` don't care.",
        [
            "DeviceProcessEvents | where FileName == \"powershell.exe\"",
            "DeviceProcessEvents | where FileName =~ \"powershell.exe\"",
        ],
    ),
    rule(
        Info,
        "L031",
        "`contains` reads every row where `has` would use the index",
        "`has` finds whole words by the index and is much cheaper. `contains` finds parts of words as well, and must read all text.",
        [
            "DeviceProcessEvents | where ProcessCommandLine contains \"mimikatz\"",
            "DeviceProcessEvents | where ProcessCommandLine has \"mimikatz\"",
        ],
    ),
    rule(
        Info,
        "L032",
        "a filter after a join that belongs before it",
        "It looks only at columns of the left side. Before the join, it makes the left side small; after, the join is made of all rows first.",
        [
            "DeviceProcessEvents\n| join kind=inner DeviceInfo on DeviceId\n| where ProcessCommandLine has \"enc\"",
            "DeviceProcessEvents\n| where ProcessCommandLine has \"enc\"\n| join kind=inner DeviceInfo on DeviceId",
        ],
    ),
    rule(
        Warning,
        "L033",
        "a join without a kind keeps one left row a key",
        "Without `kind` a join is `innerunique`: of several left rows with the same key it keeps one, any one. The others are hits that are missed. Say what is meant.",
        [
            "DeviceProcessEvents | join DeviceInfo on DeviceId",
            "DeviceProcessEvents | join kind=inner DeviceInfo on DeviceId",
        ],
    ),
    rule(
        Info,
        "L034",
        "a `let` that nothing uses",
        "Either it can go, or it was meant to be used, and the query leaves out what it says.",
        [
            "let bad = dynamic([\"a.exe\"]);\nDeviceProcessEvents",
            "let bad = dynamic([\"a.exe\"]);\nDeviceProcessEvents | where FileName in~ (bad)",
        ],
    ),
    rule(
        Warning,
        "L035",
        "a `let` that hides a table or another `let`",
        "From here on the name means something else. Whoever reads the query takes it for the table.",
        ["let DeviceInfo = DeviceEvents | take 1;\nDeviceInfo", "let Events = DeviceEvents | take 1;\nEvents"],
    ),
    rule(
        Warning,
        "L036",
        "a regular expression that the engine refuses",
        "KQL's engine is RE2: it never runs long, and so has no look-around (`(?=`, `(?!`, `(?<=`, `(?<!`), no back-references (`\\1`), no atomic groups. The query fails when it runs.",
        [
            "DeviceProcessEvents | where ProcessCommandLine matches regex @\"-enc(?!oding)\"",
            "DeviceProcessEvents\n| where ProcessCommandLine matches regex @\"-enc\\b\"",
        ],
    ),
    rule(
        Warning,
        "L037",
        "a search over every table",
        "`search`, `find` and `union *` without tables read all that the tenant has, in each run. Name the tables.",
        ["search \"mimikatz\"", "search in (DeviceProcessEvents, DeviceFileEvents) \"mimikatz\""],
    ),
    rule(
        Error,
        "L038",
        "lines were joined, and a comment swallows the rest",
        "A folded (`>`), plain or quoted YAML text joins its lines, and KQL's `//` comments out everything up to the line's end: the rest of the query is silently gone. Write the query as a block after `|`.",
        [
            "query: >\n  DeviceEvents // all of them\n  | where ActionType == \"UsbDriveMounted\"",
            "query: |\n  DeviceEvents // all of them\n  | where ActionType == \"UsbDriveMounted\"",
        ],
    ),
];
