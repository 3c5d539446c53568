//! What the service refuses: one problem where a person would point, in words that say how to mend it.

use std::fmt::Write;

use super::super::analyse::analyse;
use super::super::schema::Schema;
use super::{columns, errors};
use crate::model::place::Level;

/// Kinds of mistakes, with a query that makes each. The mistake stands on the line that `//!` ends.
const MISTAKES: [(&str, &str); 96] = [
    ("table misspelt", "DeviceProcesEvents | take 5 //!"),
    ("table in the wrong case", "deviceprocessevents | take 5 //!"),
    ("table of Sentinel", "SecurityEvent | take 5 //!"),
    ("table unknown", "Orders | take 5 //!"),
    ("table renamed long ago", "ProcessCreationEvents | take 5 //!"),
    ("column misspelt", "DeviceInfo\n| where DeviceNam == 'a' //!"),
    ("column in the wrong case", "DeviceInfo\n| where devicename == 'a' //!"),
    ("column of Sentinel", "DeviceInfo\n| where TimeGenerated > ago(1d) //!"),
    ("column of another product", "DeviceInfo\n| project Computer //!"),
    ("column renamed", "DeviceInfo\n| where MachineId == 'a' //!"),
    ("column lost by project", "DeviceInfo\n| project DeviceName\n| where OSBuild == 5 //!"),
    ("column lost by project-away", "DeviceInfo\n| project-away OSBuild\n| where OSBuild == 5 //!"),
    ("column lost by summarize", "DeviceInfo\n| summarize count() by DeviceName\n| where OSBuild == 5 //!"),
    ("column renamed by the query", "DeviceInfo\n| project-rename Host = DeviceName\n| where DeviceName == 'a' //!"),
    ("column of the same extend", "DeviceInfo\n| extend a = 1, b = a //!"),
    ("pipe missing", "DeviceInfo\nwhere OSBuild == 5 //!"),
    ("pipe missing between operators", "DeviceInfo\n| take 5\nproject DeviceName //!"),
    ("pipe doubled", "DeviceInfo\n| | take 5 //!"),
    ("pipe at the end", "DeviceInfo\n| take 5\n| //!"),
    ("parenthesis missing", "DeviceInfo\n| where (OSBuild == 5 //!\n| take 5"),
    ("parenthesis missing in a call", "DeviceInfo\n| where isnotempty(DeviceName //!\n| take 5"),
    ("parenthesis too many", "DeviceInfo\n| where OSBuild == 5) //!\n| take 5"),
    ("bracket missing", "DeviceInfo\n| extend a = dynamic([1, 2) //!"),
    ("quote missing", "DeviceInfo\n| where DeviceName == \"a //!\n| take 5"),
    ("typographic quotes", "DeviceInfo\n| where DeviceName == “a” //!"),
    ("verbatim mark lost", "DeviceInfo\n| where DeviceName matches regex \"\\d+\" //!"),
    ("verbatim mark lost before a path", "DeviceInfo\n| where DeviceName has \"C:\\Users\" //!"),
    ("function unknown", "DeviceInfo\n| extend a = foo(DeviceName) //!"),
    ("function misspelt", "DeviceInfo\n| extend a = tolwer(DeviceName) //!"),
    ("function in the wrong case", "DeviceInfo\n| extend a = ToLower(DeviceName) //!"),
    ("function of SQL", "DeviceInfo\n| extend a = upper(DeviceName) //!"),
    ("function without parentheses", "DeviceInfo\n| where Timestamp > now //!"),
    ("too many arguments", "DeviceInfo\n| extend a = tolower(DeviceName, 1) //!"),
    ("too few arguments", "DeviceInfo\n| extend a = substring(DeviceName) //!"),
    ("case with an even count", "DeviceInfo\n| extend a = case(OSBuild > 1, 'a', OSBuild > 2, 'b') //!"),
    ("string ordered against number", "DeviceInfo\n| where DeviceName > 5 //!"),
    ("datetime against string", "DeviceInfo\n| where Timestamp > '2026-01-01' //!"),
    ("ago of text", "DeviceInfo\n| where Timestamp > ago('1d') //!"),
    ("time unit unknown", "DeviceInfo\n| where Timestamp > ago(5y) //!"),
    ("string operator on a number", "DeviceInfo\n| where OSBuild has '5' //!"),
    ("number on the right of a string operator", "DeviceInfo\n| where DeviceName contains 5 //!"),
    ("plus on strings", "DeviceInfo\n| extend a = DeviceName + 'b' //!"),
    ("where without a condition", "DeviceInfo\n| where DeviceName //!"),
    ("operator misspelt", "DeviceInfo\n| sumarize count() //!"),
    ("operator of SQL", "DeviceInfo\n| select DeviceName //!"),
    ("operator in the wrong case", "DeviceInfo\n| Where OSBuild == 5 //!"),
    ("by missing", "DeviceInfo\n| summarize count() DeviceName //!"),
    ("by without an expression", "DeviceInfo\n| summarize count() by //!\n| take 5"),
    ("top without by", "DeviceInfo\n| top 5 //!"),
    ("sort without by", "DeviceInfo\n| sort DeviceName //!"),
    ("join without on", "DeviceInfo\n| join (DeviceLogonEvents) //!\n| take 5"),
    ("join of an unknown kind", "DeviceInfo\n| join kind=left (DeviceLogonEvents) on DeviceId //!"),
    ("join key missing on a side", "DeviceInfo\n| join (DeviceLogonEvents) on OSBuild //!"),
    ("join of uneven names", "DeviceInfo\n| join (DeviceLogonEvents) on DeviceName == AccountName //!"),
    ("join with sides swapped", "DeviceInfo\n| join (DeviceLogonEvents) on $right.DeviceId == $left.DeviceId //!"),
    (
        "join keys of different types",
        "DeviceInfo\n| join (DeviceLogonEvents) on $left.OSBuild == $right.AccountName //!",
    ),
    ("= for ==", "DeviceInfo\n| where OSBuild = 5 //!"),
    ("= for == behind and", "DeviceInfo\n| where OSBuild == 5 and DeviceName = 'a' //!"),
    ("=== for ==", "DeviceInfo\n| where OSBuild === 5 //!"),
    ("&&", "DeviceInfo\n| where OSBuild == 5 && DeviceName == 'a' //!"),
    ("||", "DeviceInfo\n| where OSBuild == 5 || DeviceName == 'a' //!"),
    ("includes", "DeviceInfo\n| where DeviceName includes 'a' //!"),
    ("not without parentheses", "DeviceInfo\n| where not DeviceName == 'a' //!"),
    ("in without parentheses", "DeviceInfo\n| where DeviceName in 'a', 'b' //!"),
    ("in with square brackets", "DeviceInfo\n| where DeviceName in ['a', 'b'] //!"),
    ("comma missing", "DeviceInfo\n| project DeviceName OSBuild //!"),
    ("comma too many", "DeviceInfo\n| project DeviceName,, OSBuild //!"),
    ("comma at the end", "DeviceInfo\n| project DeviceName, //!\n| take 5"),
    ("let without semicolon", "let a = 5 //!\nDeviceInfo | take a"),
    ("let twice", "let a = 5;\nlet a = 6; //!\nDeviceInfo | take a"),
    ("let of a reserved word", "let where = 5; //!\nDeviceInfo"),
    ("let of a name with a blank", "let my list = 5; //!\nDeviceInfo"),
    ("let with ==", "let a == 5; //!\nDeviceInfo"),
    ("name misspelt", "let threshold = 5;\nDeviceInfo | take treshold //!"),
    ("column twice", "DeviceInfo\n| project DeviceName, DeviceName //!"),
    ("aggregate in where", "DeviceInfo\n| where count() > 5 //!"),
    ("column in summarize", "DeviceInfo\n| summarize DeviceName //!"),
    ("plain function in summarize", "DeviceInfo\n| summarize tolower(DeviceName) //!"),
    ("take of text", "DeviceInfo\n| take 'ten' //!"),
    ("as of SQL", "DeviceInfo\n| project DeviceName as Host //!"),
    ("alias with a blank", "DeviceInfo\n| extend My Host = DeviceName //!"),
    ("assignment without a value", "DeviceInfo\n| extend a = //!\n| take 5"),
    ("between without dots", "DeviceInfo\n| where OSBuild between (1, 5) //!"),
    ("index into a string", "DeviceInfo\n| where DeviceName[0] == 'a' //!"),
    ("member of a string", "DeviceInfo\n| extend a = DeviceName.part //!"),
    ("mv-expand of a string", "DeviceInfo\n| mv-expand DeviceName //!"),
    ("two queries", "DeviceInfo | take 5\nDeviceLogonEvents | take 5 //!"),
    ("Markdown fence", "```kql //!\nDeviceInfo\n```"),
    ("# as a comment", "# find hosts //!\nDeviceInfo"),
    ("-- as a comment", "-- find hosts //!\nDeviceInfo"),
    ("placeholder left in", "DeviceInfo\n| where DeviceName == {{host}} //!"),
    ("is null", "DeviceInfo\n| where DeviceName is null //!"),
    ("column of different types in a union", "union DeviceProcessEvents, EmailEvents\n| where ReportId == 'a' //!"),
    ("constant that is a column", "DeviceInfo\n| extend a = extract(DeviceName, 1, OSPlatform) //!"),
    ("unit of a function unknown", "DeviceInfo\n| extend a = datetime_diff('days', now(), Timestamp) //!"),
    ("null", "DeviceInfo\n| where DeviceName == null //!"),
];

#[test]
fn every_kind_of_mistake_is_told_on_its_line() {
    let mut all = String::new();
    for (kind, query) in MISTAKES {
        let analysis = analyse(query, Schema::defender());
        let marked = query.lines().position(|line| line.ends_with("//!")).expect("a marked line");
        let errors: Vec<_> = analysis.problems.iter().filter(|problem| problem.level == Level::Error).collect();
        let first = errors.first().unwrap_or_else(|| panic!("{kind} is accepted: {query}"));
        let line = query.get(..first.span.start as usize).unwrap_or_default().matches('\n').count();
        assert!(line.abs_diff(marked) <= 1, "{kind}: line {line} of {query:?}: {}", first.message);
        assert!(errors.len() <= 2, "{kind}: {} errors for one mistake: {errors:#?}", errors.len());
        writeln!(all, "{kind}\n  {}", query.lines().nth(line).unwrap_or_default()).expect("a text takes all");
        for problem in errors {
            let place = problem.span.of(query);
            writeln!(all, "  {} at `{place}`: {}", problem.code.text(), problem.message).expect("a text takes all");
            if let Some(opened) = problem.related {
                let line = query.get(..opened.start as usize).unwrap_or_default().matches('\n').count() + 1;
                writeln!(all, "    opened: `{}` on line {line}", opened.of(query)).expect("a text takes all");
            }
            if let Some(hint) = &problem.hint {
                writeln!(all, "    hint: {hint}").expect("a text takes all");
            }
            if let Some(fix) = &problem.fix {
                writeln!(all, "    fix: `{}` -> `{}`", fix.span.of(query), fix.text).expect("a text takes all");
            }
        }
    }
    insta::assert_snapshot!(all);
}

/// A fix is certain: applied, the query has that problem no more.
#[test]
fn a_fix_mends() {
    let mut fixed = 0;
    for (kind, query) in MISTAKES {
        let analysis = analyse(query, Schema::defender());
        for problem in &analysis.problems {
            let Some(fix) = &problem.fix else { continue };
            let mended = format!(
                "{}{}{}",
                query.get(..fix.span.start as usize).unwrap_or_default(),
                fix.text,
                query.get(fix.span.end as usize..).unwrap_or_default()
            );
            let after = analyse(&mended, Schema::defender());
            let still =
                after.problems.iter().any(|other| other.code == problem.code && other.message == problem.message);
            assert!(!still, "{kind}: {} is still there in {mended:?}", problem.message);
            fixed += 1;
        }
    }
    assert!(fixed > 25, "{fixed} fixes");
}

#[test]
fn several_mistakes_are_told_at_once() {
    let query = "DeviceInfo\n| where DeviceNam == 'a'\n| extend a = tolwer(DeviceName), b = 'x' + 'y'\n| sumarize count()\n| take 'x'";
    let codes: Vec<_> = errors(query).into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, ["KQL011", "KQL012", "KQL014", "KQL005", "KQL014"]);
}

#[test]
fn an_unknown_name_is_told_once() {
    assert_eq!(errors("DeviceInfo | where Foo == 1 or Foo == 2 | extend a = Foo"), [("KQL011", "Foo".to_owned())]);
}

#[test]
fn with_a_workspace_what_cant_be_known_is_a_warning() {
    let schema = Schema::defender().clone().with_workspace(true);
    for text in [
        "SigninLogs | where ResultType == 0",
        "MyOwn_CL | where Foo_s == 'a'",
        "_Im_Dns(starttime=ago(1d)) | where DnsQuery has 'a'",
        "DeviceInfo | where TimeGenerated > ago(1d) and Type == 'a'",
        "let w = _GetWatchlist('a') | project SearchKey; DeviceInfo | where DeviceName in (w)",
        "workspace('x').SigninLogs | where A == 1",
    ] {
        let analysis = analyse(text, &schema);
        assert!(!analysis.is_refused(), "{text}: {:?}", analysis.problems);
    }
    for text in [
        "DeviceProcesEvents | take 5",
        "DeviceInfo | where DeviceNam == 'a'",
        "DeviceInfo | extend a = tolwer(DeviceName)",
    ] {
        assert!(analyse(text, &schema).is_refused(), "{text}");
    }
}

#[test]
fn columns_of_a_result_have_names_and_types() {
    assert_eq!(
        columns("DeviceInfo | summarize n = count(), arg_max(Timestamp, OSBuild) by DeviceName"),
        ["DeviceName:string", "n:long", "Timestamp:datetime", "OSBuild:long"]
    );
}

#[test]
fn what_is_retired_is_a_warning() {
    for (text, code, place) in [
        ("AADSignInEventsBeta | take 5", "KQL030", "AADSignInEventsBeta"),
        ("DeviceInfo | summarize makeset(DeviceName)", "KQL030", "makeset"),
        ("AlertInfo | where DetectionSource == 'WindowsDefenderAv'", "KQL030", "'WindowsDefenderAv'"),
        ("AlertInfo | where DetectionSource in ('EDR', 'CustomerTI')", "KQL030", "'CustomerTI'"),
    ] {
        let analysis = analyse(text, Schema::defender());
        let told: Vec<_> = analysis
            .problems
            .iter()
            .map(|problem| (problem.level, problem.code.text(), problem.span.of(text)))
            .collect();
        assert_eq!(told, [(Level::Warning, code, place)], "{text}");
    }
}
