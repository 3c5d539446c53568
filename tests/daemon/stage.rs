//! The stage: a tenant with a stream of events, a mail server, and a site whose daemon watches the stream.

use std::io::{Read, Write};
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

/// A number from the environment, else the default.
pub(crate) fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// Lets real time pass before a blow falls.
#[expect(clippy::disallowed_methods, reason = "the moment of a kill is a real one")]
pub(crate) fn pause(span: Duration) {
    std::thread::sleep(span);
}

impl Stage {
    /// Two events a second for so many seconds, each arriving up to eight seconds late; both sides know of
    /// `per_minute` calls.
    pub(crate) fn set(seconds: u64, schedule: &str, per_minute: u32) -> Self {
        let (site, mail) = (Site::new(), MailServer::start(&Faults::default()));
        let events = usize::try_from(seconds * 2).unwrap();
        site.write("scenario.yaml", scenario(events, per_minute));
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
        wait_for("the whole stream to be told", limit, || {
            let told = |text: &str| (0..self.events).filter(|n| text.contains(&format!("\"event-{n}\""))).count();
            let file = std::fs::read_to_string(self.site.file("hits.jsonl")).unwrap_or_default();
            let pending = self.site.huntd(&["--json", "deliveries"]).stdout.contains("\"pending\"");
            told(&file) == self.events && !pending
        });
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
        let lines = self.fetch("/_sim/events");
        let id = |line: &str| {
            let event: Value = serde_json::from_str(line).unwrap();
            event["row"]["EventId"].as_str().unwrap().to_owned()
        };
        lines.lines().map(id).collect()
    }

    fn fetch(&self, path: &str) -> String {
        let address = self.tenant.url.trim_start_matches("http://").trim_end_matches('/');
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        write!(socket, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }
}

fn scenario(events: usize, per_minute: u32) -> String {
    format!(
        "tenants:
  - {{id: 00000000-0000-4000-a000-000000000001, domain: stream.example, client_id: stream-app, secret: stream-secret}}
shuffle: true
latency: {{from: 0s, to: 30ms}}
quota: {{calls_per_minute: {per_minute}, calls_per_hour: 1000000}}
hunts:
  - name: stream
    match: {{contains: [stream-marker]}}
    columns: {{Timestamp: datetime, DeviceId: string, ReportId: long, EventId: string}}
    streams:
      - {{every: 500ms, count: {events}, late: {{from: 0s, to: 8s}}, row: {{ReportId: \"{{n}}\", EventId: \"event-{{n}}\"}}}}
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
