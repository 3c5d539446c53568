//! A site with a simulated tenant in the test's own process: real HTTP, and a scenario that the test can change
//! while the binary runs.

use std::sync::Arc;
use std::time::Duration;

use huntd::ports::clock::{Clock, SystemClock};
use huntd::sim::scenario::parse_scenario;
use huntd::sim::simulator::Simulator;
use tokio::runtime::Runtime;

use crate::support::{Printed, Site};

/// The secret that the tenant takes.
pub(crate) const SECRET: &str = "right~8Q~horse";

/// The tenant of every scenario here.
pub(crate) const TENANT: &str = "tenants: [{id: 11111111-1111-4111-a111-111111111111, client_id: 22222222-2222-4222-a222-222222222222, secret: right~8Q~horse}]\n";

/// A hunt's answer: three events of the last hour.
pub(crate) const EVENTS: &str = "
hunts:
  - name: enc
    match: {table: DeviceProcessEvents}
    columns: {Timestamp: datetime, DeviceId: string, ReportId: long, Command: string}
    base: {DeviceId: d1}
    rows:
      - {at: -30m, row: {ReportId: 1, Command: \"powershell -enc AA==\"}}
      - {at: -20m, row: {ReportId: 2, Command: \"powershell -enc BB==\"}}
      - {at: -10m, row: {ReportId: 3, Command: \"powershell -enc CC==\"}}
";

/// The hunt that asks for them.
pub(crate) const HUNT: &str = "query: DeviceProcessEvents | where ProcessCommandLine has '-enc'\nseverity: high\nschedule: '@hourly'\nlookback: 1h\nkey: [Timestamp, DeviceId, ReportId]\n";

/// A config whose tenant is at `url`, with `rest` after it.
pub(crate) fn config(url: &str, rest: &str) -> String {
    format!(
        "database: huntd.db\ntenants:\n  contoso:\n    tenant_id: 11111111-1111-4111-a111-111111111111\n    client_id: 22222222-2222-4222-a222-222222222222\n    auth: {{client_secret: {{file: secret}}}}\n    login_url: {url}\n    api_url: {url}\n{rest}"
    )
}

/// Where hits go unless a test says otherwise.
pub(crate) const TO_FILE: &str = "channels: {hits: {file: {path: hits.jsonl}}}\nroutes: [{to: [hits]}]\n";

/// The site, its tenant, and the threads that serve it.
pub(crate) struct Desk {
    pub(crate) site: Site,
    pub(crate) simulator: Simulator,
    _runtime: Runtime,
}

impl Desk {
    /// A desk with the usual events, the hunt `enc`, and a file for its hits.
    pub(crate) fn usual() -> Self {
        Self::new(EVENTS, TO_FILE)
    }

    /// A desk whose scenario and config are the tenant's and these.
    pub(crate) fn new(scenario: &str, rest: &str) -> Self {
        Self::ahead(scenario, rest, Duration::ZERO)
    }

    /// The same, with a tenant whose clock is so much ahead of this machine's.
    pub(crate) fn ahead(scenario: &str, rest: &str, ahead: Duration) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let scenario = parse_scenario(&format!("{TENANT}{scenario}")).unwrap();
        let clock = SystemClock::new();
        let listen = "127.0.0.1:0".parse().unwrap();
        let started = Simulator::start(scenario, listen, Arc::new(move || clock.now().plus(ahead)), 7);
        let simulator = runtime.block_on(started).unwrap();
        let site = Site::new();
        site.write("huntd.yaml", config(&simulator.url(), rest))
            .write("secret", format!("{SECRET}\n"))
            .write("hunts/enc.yaml", HUNT);
        Self { site, simulator, _runtime: runtime }
    }

    /// Runs a command to its end.
    pub(crate) fn huntd(&self, arguments: &[&str]) -> Printed {
        self.site.huntd(arguments)
    }

    /// How it ended and what it printed, without what differs from run to run.
    pub(crate) fn shown(&self, arguments: &[&str]) -> String {
        shown(&self.site, &self.huntd(arguments)).replace(&self.simulator.url().replace("http://", ""), "SIMULATOR")
    }
}

/// How a command ended and what it printed, with the site's folder as `SITE`.
pub(crate) fn shown(site: &Site, printed: &Printed) -> String {
    let text = format!("exit {}\n--- stdout\n{}--- stderr\n{}", printed.code, printed.stdout, printed.stderr);
    text.replace(&site.path().display().to_string(), "SITE")
}

/// Compares with a snapshot; ids, times and numbers of this one run are masked.
pub(crate) fn golden(name: &str, text: &str) {
    let filters = [
        (r"\d{8}T\d{6}Z-[0-9a-f]{8}", "RUN"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| \+00:00)", "TIME"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "GUID"),
        (r"\b[0-9a-f]{32}\b", "HEX32"),
        (r"\b[0-9a-f]{12}\b", "HEX12"),
        (r"\b\d+ ms\b", "N ms"),
        (r"\(process \d+\)", "(process N)"),
    ];
    let mut settings = insta::Settings::clone_current();
    for (pattern, word) in filters {
        settings.add_filter(pattern, word);
    }
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
