//! Notices for tests of channels: a usual one, and a hostile one.

use std::io;
use std::sync::Arc;

use huntd::model::delivery::Notice;
use huntd::model::hit::{Hit, HitKind};
use huntd::model::id::{ChannelName, HitId, HuntId};
use huntd::model::told::{Told, ToldHits};
use serde_json::json;

use crate::sample;

/// A channel's name.
pub(crate) fn channel(name: &str) -> ChannelName {
    ChannelName::new(name).unwrap()
}

/// A notice with one hit a row, of a hunt with a blank in its id; some hits are back.
pub(crate) fn notice(rows: &[serde_json::Value]) -> Notice {
    let rows: Vec<String> = rows.iter().map(ToString::to_string).collect();
    let mut notice = sample::notice(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    notice.run.hunt = HuntId::new("endpoint/encoded powershell").unwrap();
    notice.hunt.id = notice.run.hunt.as_str().to_owned();
    let mut hits = sample::hits(&notice);
    for (number, hit) in hits.iter_mut().enumerate() {
        hit.hit = HitId(std::array::from_fn(|at| u8::try_from((number + 1) * (at + 3) % 251).unwrap()));
        hit.hunt.clone_from(&notice.hunt.id);
        hit.kind = if number % 5 == 3 { HitKind::Returned } else { HitKind::New };
    }
    notice.hits = hits.into();
    notice
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

/// A usual notice whose hits can be read up to `good`, and then not.
pub(crate) fn unreadable(hits: usize, good: usize) -> Notice {
    #[derive(Debug)]
    struct Torn(Vec<Hit>, usize);
    impl ToldHits for Torn {
        fn read(&self, from: usize) -> io::Result<Vec<Hit>> {
            let to = self.1.min(from + 1_000);
            self.0
                .get(from..to)
                .filter(|hits| !hits.is_empty())
                .map(<[Hit]>::to_vec)
                .ok_or_else(|| io::Error::other("the disk broke"))
        }
    }
    let mut notice = usual(hits);
    let all = sample::hits(&notice);
    let kinds: Vec<HitKind> = all.iter().map(|hit| hit.kind).collect();
    notice.hits = Told::new(Arc::new(Torn(all, good)), kinds.into_iter()).unwrap();
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
