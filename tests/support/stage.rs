//! The stage: a tenant with a stream of events, a mail server, and a site whose daemon watches the stream.

use std::time::Duration;

use serde_json::Value;

use crate::smtp::{Faults, MailServer, PASSWORD, USER};
use crate::support::{Running, Simulated, Site, wait_for};

/// All that plays.
pub(crate) struct Stage {
    pub(crate) site: Site,
    pub(crate) tenant: Simulated,
    pub(crate) mail: MailServer,
    events: usize,
}

/// Calls a minute that nobody here comes near.
pub(crate) const PLENTY: u32 = 100_000;

/// A number from the environment, else the default.
pub(crate) fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// Lets real time pass before a blow falls.
#[expect(clippy::disallowed_methods, reason = "the moment of a kill is a real one")]
pub(crate) fn pause(span: Duration) {
    std::thread::sleep(span);
}

/// A moment to count from.
#[expect(clippy::disallowed_methods, reason = "says how long the kills take")]
pub(crate) fn clock() -> std::time::Instant {
    std::time::Instant::now()
}

impl Stage {
    /// Two events a second for so many seconds, each arriving up to eight seconds late; both sides know of
    /// `per_minute` calls. A few of the tenant's answers break off or fail.
    pub(crate) fn set(seconds: u64, schedule: &str, per_minute: u32) -> Self {
        let rest = format!("{FAULTS}{}", stream(seconds, 8));
        Self::with(seconds, schedule, per_minute, &rest, &Faults::default())
    }

    /// The same, with a tenant that also throttles, and a mail server that fails, closes and hangs.
    pub(crate) fn rough(seconds: u64, schedule: &str, seed: u64) -> Self {
        let rest = format!("{FAULTS}{MORE_FAULTS}{}", stream(seconds, 8));
        Self::with(seconds, schedule, PLENTY, &rest, &Faults { moods: Some(seed), ..Faults::default() })
    }

    /// The same with a tenant that answers well, and events that are late by two seconds at most.
    pub(crate) fn calm(seconds: u64, schedule: &str) -> Self {
        Self::with(seconds, schedule, PLENTY, &stream(seconds, 2), &Faults::default())
    }

    /// The same, with a mail server whose certificate lasts for so long.
    pub(crate) fn ending(seconds: u64, schedule: &str, lasts: Duration) -> Self {
        let faults = Faults { certificate_lasts: Some(lasts), ..Faults::default() };
        Self::with(seconds, schedule, PLENTY, &stream(seconds, 2), &faults)
    }

    /// The same with a tenant that takes two seconds for each answer.
    pub(crate) fn slow(seconds: u64, schedule: &str) -> Self {
        let rest = format!("faults:\n  - {{does: {{slow_first_byte: 2s}}}}\n{}", stream(seconds, 2));
        Self::with(seconds, schedule, PLENTY, &rest, &Faults::default())
    }

    fn with(seconds: u64, schedule: &str, per_minute: u32, rest: &str, faults: &Faults) -> Self {
        let (site, mail) = (Site::new(), MailServer::start(faults));
        let events = usize::try_from(seconds * 2).unwrap();
        site.write("scenario.yaml", scenario(per_minute, rest));
        let tenant = Simulated::start(&site.file("scenario.yaml"), 1);
        site.write("secret", "stream-secret\n").write("smtp", PASSWORD);
        site.write("huntd.yaml", config(&tenant.url, &mail, per_minute));
        site.write("hunts/stream.yaml", hunt(schedule));
        Self { site, tenant, mail, events }
    }

    /// Starts a daemon.
    pub(crate) fn daemon(&self) -> Running {
        self.site.start(&["daemon"], "daemon.log")
    }

    /// What the daemons said.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.site.file("daemon.log")).unwrap_or_default()
    }

    /// Waits until every event of the stream was told by file and by mail.
    pub(crate) fn wait_until_told(&self, limit: Duration) {
        wait_for("the whole stream to be told", limit, || self.told_in("hits.jsonl") == self.events);
        wait_for("an empty outbox", limit, || !self.deliveries().contains("\"pending\""));
    }

    /// How many different events a file of hits holds.
    pub(crate) fn told_in(&self, file: &str) -> usize {
        let text = std::fs::read_to_string(self.site.file(file)).unwrap_or_default();
        let ids = text.split("\"EventId\":\"").skip(1).map(|rest| rest.split('"').next());
        ids.collect::<std::collections::BTreeSet<_>>().len()
    }

    /// How many events the stream has in all.
    pub(crate) fn events(&self) -> usize {
        self.events
    }

    /// The outbox, as JSON lines.
    pub(crate) fn deliveries(&self) -> String {
        self.site.huntd(&["--json", "deliveries"]).expect(0).stdout
    }

    /// Whether two more runs were made since this was called.
    pub(crate) fn two_more_runs(&self) -> impl FnMut() -> bool {
        let runs = || self.site.huntd(&["--json", "runs"]).stdout.lines().count();
        let before = runs();
        move || runs() >= before + 2
    }

    /// The simulated tenant's counts.
    pub(crate) fn stats(&self) -> Value {
        self.tenant.get("/_sim/stats")
    }

    /// The ids of all events that there are.
    pub(crate) fn event_ids(&self) -> Vec<String> {
        let id = |event: &Value| event["row"]["EventId"].as_str().unwrap().to_owned();
        self.tenant.lines("/_sim/events").iter().map(id).collect()
    }
}

fn scenario(per_minute: u32, rest: &str) -> String {
    format!(
        "tenants:
  - {{id: 00000000-0000-4000-a000-000000000001, domain: stream.example, client_id: stream-app, secret: stream-secret}}
shuffle: true
latency: {{from: 0s, to: 30ms}}
quota: {{calls_per_minute: {per_minute}, calls_per_hour: 1000000}}
{rest}"
    )
}

/// Faults that pass by themselves.
const FAULTS: &str = "faults:
  - {on: {probability: 0.03}, does: {cut_body: 200}}
  - {on: {probability: 0.02}, does: hangup}
  - {on: {probability: 0.01}, does: bad_gateway}
";

/// The rest of them: other answers of a service in trouble, and its throttling, for a second.
const MORE_FAULTS: &str = r#"  - {on: {probability: 0.01}, does: unavailable}
  - {on: {probability: 0.01}, does: unknown_error}
  - {on: {probability: 0.01}, does: {slow_first_byte: 2s}}
  - {on: {probability: 0.02}, does: {throttled_gateway: 1s}}
  - on: {probability: 0.03}
    does:
      answer:
        status: 429
        content_type: application/json
        body: '{"error":{"code":"429","message":"API calls quota exceeded! Maximum allowed 45 per 00:01:00 for the key Destination+TenantID+AppID. You can send requests again in 1 seconds."}}'
"#;

fn stream(seconds: u64, late: u64) -> String {
    let count = seconds * 2;
    format!(
        "hunts:
  - name: stream
    match: {{contains: [stream-marker]}}
    columns: {{Timestamp: datetime, DeviceId: string, ReportId: long, EventId: string}}
    streams:
      - {{every: 500ms, count: {count}, late: {{from: 0s, to: {late}s}}, row: {{ReportId: \"{{n}}\", EventId: \"event-{{n}}\"}}}}
"
    )
}

fn hunt(schedule: &str) -> String {
    format!(
        "query: DeviceEvents | where AdditionalFields has \"stream-marker\"
schedule: \"{schedule}\"
lookback: 30s
late: 30s
splay: 0
key: [EventId]
"
    )
}

fn config(url: &str, mail: &MailServer, per_minute: u32) -> String {
    let (port, ca) = (mail.port, mail.ca.display());
    format!(
        "database: huntd.db
tenants:
  contoso:
    tenant_id: stream.example
    client_id: stream-app
    auth: {{client_secret: {{file: secret}}}}
    login_url: {url}
    api_url: {url}
    quota: {{calls_per_minute: {per_minute}, calls_per_hour: 1000000}}
channels:
  soc:
    email:
      server: smtp://localhost:{port}?tls=required
      user: {USER}
      password: {{file: smtp}}
      ca: {{file: {ca}}}
      from: huntd@contoso.example
      to: [soc@contoso.example]
  hits: {{file: {{path: hits.jsonl}}}}
routes:
  - {{to: [soc, hits]}}
"
    )
}
