//! Notices for tests of channels: a usual one, a failing hunt's, and a hostile one.

use std::time::Duration;

use huntd::model::delivery::{Notice, NoticeHunt};
use huntd::model::hit::{Hit, HitKind};
use huntd::model::hunt::Severity;
use huntd::model::id::{ChannelName, DeliveryId, HitId, HuntId, RunId, TenantName};
use huntd::model::run::{Run, RunStatus, Trigger};
use huntd::model::time::{Timestamp, Window};
use serde_json::json;
use serde_json::value::RawValue;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// A channel's name.
pub(crate) fn channel(name: &str) -> ChannelName {
    ChannelName::new(name).unwrap()
}

/// A notice with one hit a row, to be delivered for the first time.
pub(crate) fn notice(rows: &[serde_json::Value]) -> Notice {
    let run = RunId::new("20261124T161300Z-3fa9c1d2").unwrap();
    let as_of = at("2026-11-24T16:13:00Z");
    let hits = rows.iter().enumerate().map(|(number, row)| Hit {
        hit: HitId(std::array::from_fn(|at| u8::try_from((number + 1) * (at + 3) % 251).unwrap())),
        hunt: "endpoint/encoded powershell".to_owned(),
        tenant: "contoso".to_owned(),
        kind: if number % 5 == 3 { HitKind::Returned } else { HitKind::New },
        run: run.as_str().to_owned(),
        first_seen: as_of.minus(Duration::from_mins(33)),
        last_seen: as_of,
        severity: Severity::High,
        row: RawValue::from_string(row.to_string()).unwrap(),
    });
    Notice {
        delivery: DeliveryId::derive(&run, &channel("soc"), "hits"),
        attempts: 0,
        hunt: NoticeHunt {
            id: "endpoint/encoded powershell".to_owned(),
            name: "Encoded PowerShell".to_owned(),
            description: "PowerShell was started with an encoded command. Administrators do this rarely; attackers do it to hide what they run.\n\nDecode the command, look at its parent process, and ask the person who was signed in.".to_owned(),
            severity: Severity::High,
            tactics: vec!["Execution".to_owned(), "DefenseEvasion".to_owned()],
            techniques: vec!["T1059.001".to_owned(), "T1027".to_owned()],
            tags: vec!["windows".to_owned()],
            owner: Some("blue@contoso.example".to_owned()),
            entities: vec!["DeviceName".to_owned(), "AccountUpn".to_owned()],
        },
        hits: hits.collect(),
        run: Run {
            run,
            hunt: HuntId::new("endpoint/encoded powershell").unwrap(),
            tenant: TenantName::new("contoso").unwrap(),
            due: as_of,
            started: as_of,
            finished: as_of.plus(Duration::from_secs(2)),
            window: Some(Window { from: as_of.minus(Duration::from_mins(90)), to: as_of }),
            as_of,
            status: RunStatus::Ok,
            rows: 1_204,
            new: rows.len() as u64,
            changed: 0,
            gone: 0,
            returned: 0,
            calls: 1,
            api: Duration::from_millis(1_250),
            error: None,
            hunt_version: "9f2c4e7a11d0".to_owned(),
            commit: Some("a1b2c3d".to_owned()),
            trigger: Trigger::Schedule,
            query: "DeviceProcessEvents | where ProcessCommandLine has '-enc'".to_owned(),
        },
    }
}

/// A usual notice.
pub(crate) fn usual(hits: usize) -> Notice {
    let row = |number: usize| {
        json!({
            "Timestamp": format!("2026-11-24T15:{:02}:17.2841936Z", 10 + number % 40),
            "DeviceId": format!("{:040x}", number * 7919),
            "DeviceName": format!("ws-{:04}.corp.contoso.example", 142 + number),
            "ActionType": "ProcessCreated",
            "FileName": "powershell.exe",
            "FolderPath": "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe",
            "SHA256": format!("{:064x}", 0x9f2c_4e7a_usize.wrapping_mul(number + 1)),
            "ProcessId": 4_812 + number,
            "ProcessCommandLine": format!("powershell.exe -NoProfile -WindowStyle Hidden -EncodedCommand {}", "SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQAIABOAGUAdAAuAFcAZQBiAEMAbABpAGUAbgB0ACkA".repeat(1 + number % 8)),
            "AccountUpn": "alice.liddell@contoso.example",
            "InitiatingProcessFileName": "winword.exe",
            "InitiatingProcessCommandLine": "\"WINWORD.EXE\" /n \"C:\\Users\\alice\\Downloads\\Invoice 4711.docm\"",
            "RemoteUrl": "https://cdn.evil.example/stage2.ps1?id=4711",
            "AdditionalFields": {"WasElevated": true, "Integrity": "High", "Parents": ["explorer.exe", "outlook.exe"]},
            "ReportId": 188_204 + number,
            "Empty": null
        })
    };
    notice(&(0..hits).map(row).collect::<Vec<_>>())
}

/// A hunt that keeps failing.
pub(crate) fn failing() -> Notice {
    let mut notice = notice(&[]);
    notice.run.status = RunStatus::Failed;
    notice.run.rows = 0;
    notice.run.error = Some(
        "the API refused the query: 'where' operator: Failed to resolve table or column expression named \
         'DeviceProcesEvents'\nhint: did you mean `DeviceProcessEvents`? `huntd check` finds it offline"
            .to_owned(),
    );
    notice
}

/// What an attacker would try, in names and in rows.
pub(crate) fn hostile() -> Notice {
    let mut notice = notice(&[
        json!({
            "DeviceName": "\u{1b}[31mred\u{1b}]0;title\u{7}\u{0}",
            "Header": "x\r\nBcc: everyone@evil.example\r\n\r\nbody",
            "Formula": "=cmd|'/c calc'!A0",
            "=1+1": "a column named like a formula",
            "Html": "<script>alert(1)</script><img src=\"http://evil.example/p.png\">",
            "Bidi": "\u{202e}gpj.exe",
            "Line": "a\u{2028}b\u{85}c",
            "Template": "{{ 7 * 7 }}{% for x in y %}",
            "Dot": "\r\n.\r\nMAIL FROM:<evil@evil.example>"
        }),
        json!({"Long": "A".repeat(10_000_000)}),
    ]);
    notice.hunt.name = String::from("name\r\nBcc: everyone@evil.example\r\n\r\n<script>\u{202e}");
    notice.hunt.description = String::from("<script>alert(1)</script>\u{1b}[2J");
    notice
}
