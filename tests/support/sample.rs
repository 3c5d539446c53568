//! A notice for tests of what is shown and sent: those of the renderers, beside their code, and those of
//! channels.

use std::time::Duration;

use huntd::model::coverage::{Fate, Stretch};
use huntd::model::delivery::{About, Notice, NoticeHunt};
use huntd::model::hit::{Hit, HitKind};
use huntd::model::hunt::Severity;
use huntd::model::id::{ChannelName, DeliveryId, HitId, HuntId, RunId, TenantName};
use huntd::model::run::{Run, RunStatus, Trigger};
use huntd::model::time::{Timestamp, Window};
use huntd::model::trouble::{Affected, News, Trouble, TroubleKind, Warning};
use serde_json::value::RawValue;

/// A row in which an attacker tried every medium.
pub(crate) const HOSTILE: &str = r#"{"=cmd|'/c calc'!A0":"x","DeviceName":"\u001b[31mws\u0000","Html":"<script>alert(1)</script><img src=http://evil.example/p.png>","Header":"a\r\nBcc: all@evil.example","Formula":"=cmd|'/c calc'!A0","Plus":"+1","Minus":"-2+3","At":"@SUM(1)","Tab":"\t=1","Cr":"\r=1","Bidi":"\u202egpj.exe","Link":"https://evil.example/a","Template":"{{ 7 * 7 }} {% raw %}","Number":-5}"#;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// A hit whose id is made of one number.
pub(crate) fn hit(number: u8, row: &str) -> Hit {
    Hit {
        hit: HitId([number; 20]),
        hunt: "endpoint/encoded".to_owned(),
        tenant: "contoso".to_owned(),
        kind: HitKind::New,
        run: "20261124T161300Z-3fa9c1d2".to_owned(),
        first_seen: at("2026-11-24T15:40:00Z"),
        last_seen: at("2026-11-24T16:13:00Z"),
        severity: Severity::High,
        row: RawValue::from_string(row.to_owned()).unwrap(),
    }
}

/// A notice with one hit a row, to be delivered for the first time.
pub(crate) fn notice(rows: &[&str]) -> Notice {
    let run = RunId::new("20261124T161300Z-3fa9c1d2").unwrap();
    let as_of = at("2026-11-24T16:13:00Z");
    Notice {
        delivery: DeliveryId::derive(&run, &ChannelName::new("soc").unwrap(), "hits"),
        attempts: 0,
        hunt: NoticeHunt {
            id: "endpoint/encoded".to_owned(),
            name: "Encoded PowerShell".to_owned(),
            description: "PowerShell started with an encoded command.\n\nDecode it, and ask who started it.".to_owned(),
            severity: Severity::High,
            tactics: vec!["Execution".to_owned()],
            techniques: vec!["T1059.001".to_owned()],
            tags: vec!["windows".to_owned()],
            owner: Some("blue@contoso.example".to_owned()),
            entities: vec!["DeviceName".to_owned(), "AccountUpn".to_owned()],
        },
        run: Run {
            run,
            hunt: HuntId::new("endpoint/encoded").unwrap(),
            tenant: TenantName::new("contoso").unwrap(),
            due: as_of,
            started: as_of,
            finished: as_of.plus(Duration::from_secs(2)),
            window: Some(Window { from: as_of.minus(Duration::from_hours(1)), to: as_of }),
            as_of,
            status: RunStatus::Ok,
            rows: 41,
            new: rows.len() as u64,
            changed: 0,
            gone: 0,
            returned: 0,
            calls: 1,
            api: Duration::from_millis(1_250),
            cpu: None,
            late: None,
            error: None,
            hunt_version: "9f2c4e7a11d0".to_owned(),
            commit: Some("a1b2c3d".to_owned()),
            trigger: Trigger::Schedule,
            query: "DeviceProcessEvents".to_owned(),
        },
        about: About::Hits,
        losses: Vec::new(),
        hits: rows.iter().zip((1..=u8::MAX).cycle()).map(|(row, number)| hit(number, row)).collect::<Vec<_>>().into(),
    }
}

/// Says these kinds of the first hits of a notice.
pub(crate) fn kinds(notice: &mut Notice, kinds: &[HitKind]) {
    let mut hits = hits(notice);
    for (hit, kind) in hits.iter_mut().zip(kinds) {
        hit.kind = *kind;
    }
    notice.hits = hits.into();
}

/// All hits of a notice.
pub(crate) fn hits(notice: &Notice) -> Vec<Hit> {
    notice.hits.iter().collect::<Result<_, _>>().unwrap()
}

/// A tenant that can't be signed in to.
pub(crate) fn warning(news: News) -> Warning {
    let at = notice(&[]).run.finished;
    let hunt = |id: &str| Affected { hunt: id.to_owned(), tenant: Some("contoso".to_owned()) };
    Warning {
        trouble: Trouble {
            kind: TroubleKind::TenantFails,
            subject: "contoso:sign_in".to_owned(),
            headline: "huntd can't sign in to contoso: 2 hunts fail".to_owned(),
            reasons: vec!["AADSTS7000222: The provided client secret keys are expired (sign_in, HTTP 401)".to_owned()],
            hint: Some("`huntd doctor` looks at the way to contoso, step by step".to_owned()),
            hunts: vec![hunt("encoded-powershell"), hunt("lsass-dump")],
            owners: Vec::new(),
            failures: 3,
        },
        news,
        since: at.minus(Duration::from_hours(26)),
        at,
        owner: None,
    }
}

/// Event time that no complete result held.
pub(crate) fn lost() -> Notice {
    let mut notice = notice(&[]);
    notice.about = About::Loss;
    let (from, to) = (at("2026-10-20T06:00:00Z"), at("2026-10-25T16:13:00Z"));
    let why = "no complete result held it before it was older than the 30 days that the API keeps".to_owned();
    let run = notice.run.run.clone();
    notice.losses = vec![Stretch {
        window: Window { from, to },
        fate: Fate::Lost,
        run: run.clone(),
        why: Some(why),
        told: Some(run),
    }];
    notice
}
