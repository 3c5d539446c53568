//! More work than fits, a daemon and two loops of `huntd run` on one database, and `kill -9`: the tenant, which
//! counts for itself, never says no, and nearly all of what it allows is used.
//!
//! By default it plays for little more than a minute, with a kill every few seconds. The five minutes of
//! docs/quota.md:
//!
//! ```text
//! HUNTD_QUOTA_SECONDS=300 cargo test --test daemon quota -- --nocapture
//! ```

use std::time::Duration;

use huntd::model::time::Timestamp;
use serde_json::Value;

use crate::stage::{clock, number, pause};
use crate::support::{Running, Simulated, Site};

/// Hunts that are due each minute: a third more than fit, before the loops ask for anything.
const HUNTS: u32 = 60;
/// Loops of `huntd run` beside the daemon.
const LOOPS: usize = 2;
const MINUTE: Duration = Duration::from_mins(1);

/// The daemon, two loops beside it, and a tenant that allows what the service promises and counts each call when it
/// comes. Both sides have their own numbers, and nothing is set.
struct Contest {
    site: Site,
    tenant: Simulated,
}

impl Contest {
    fn set() -> Self {
        let site = Site::new();
        site.write("scenario.yaml", SCENARIO).write("secret", "full-secret\n");
        let tenant = Simulated::start(&site.file("scenario.yaml"), 1);
        site.write("huntd.yaml", config(&tenant.url));
        for hunt in 0..HUNTS {
            site.write(&format!("hunts/h{hunt:02}.yaml"), HUNT);
        }
        Self { site, tenant }
    }

    fn daemon(&self) -> Running {
        self.site.start(&["daemon"], "daemon.log")
    }

    fn run(&self) -> Running {
        self.site.start(&["run", "h*"], "run.log")
    }

    fn log(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.site.file(name)).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// When each call was received.
    fn calls(&self) -> Vec<Timestamp> {
        let at = |entry: &Value| Timestamp::parse(entry["at"].as_str().unwrap()).unwrap();
        let mut calls: Vec<Timestamp> = self.tenant.lines("/_sim/journal").iter().map(at).collect();
        calls.sort_unstable();
        calls
    }
}

#[test]
fn kills_cost_no_quota() {
    let seconds = number("HUNTD_QUOTA_SECONDS", 66);
    let long = seconds >= 180;
    let random = &mut fastrand::Rng::with_seed(number("HUNTD_CHAOS_SEED", 2));
    let contest = Contest::set();
    let mut daemon = contest.daemon();
    let mut loops: Vec<Running> = (0..LOOPS).map(|_| contest.run()).collect();
    let began = clock();
    let every = Duration::from_secs(if long { 20 } else { 6 });
    let (mut next, mut kills) = (every, 0);
    // A little more, as the first call comes a little later.
    while began.elapsed() < Duration::from_secs(seconds + 2) {
        pause(Duration::from_millis(20));
        for one in &mut loops {
            if !one.runs() {
                assert!(one.status().success(), "{}", contest.log("run.log"));
                *one = contest.run();
            }
        }
        assert!(daemon.runs(), "the daemon ended by itself: {}", contest.log("daemon.log"));
        if began.elapsed() < next {
            continue;
        }
        kills += 1;
        next += every;
        // A little off the beat, else each would fall at the same place between two calls.
        pause(Duration::from_millis(random.u64(0..1500)));
        daemon.kill();
        daemon = contest.daemon();
        match kills % 3 {
            1 => {
                let one = random.usize(0..LOOPS);
                loops[one].kill();
                loops[one] = contest.run();
            }
            // And once more while it starts.
            2 => {
                pause(Duration::from_millis(random.u64(0..600)));
                daemon.kill();
                daemon = contest.daemon();
            }
            _ => {}
        }
    }
    let (calls, stats) = (contest.calls(), contest.tenant.get("/_sim/stats"));
    let minutes = full_minutes(&calls);
    let (least, most) = rolling(&calls);
    eprintln!("{kills} kills in {seconds} s; calls in each full minute: {minutes:?}; in any minute: {least} to {most}");
    eprintln!("{stats}");
    assert_eq!(stats["answered_429"], 0, "{stats}");
    assert!(most <= 45, "{most}");
    // The short one only shows that the calls don't dry up, on however busy a machine.
    let floor = if long { 44 } else { 38 };
    assert!(
        !minutes.is_empty() && minutes.iter().all(|calls| *calls >= floor),
        "{minutes:?}: {}",
        contest.log("daemon.log")
    );
}

/// Calls in each full minute from the first call on.
fn full_minutes(calls: &[Timestamp]) -> Vec<usize> {
    let (first, last) = (calls[0], calls[calls.len() - 1]);
    let begins = std::iter::successors(Some(first), |at| Some(at.plus(MINUTE)));
    let full = begins.take_while(|at| at.plus(MINUTE) <= last);
    full.map(|from| calls.iter().filter(|at| **at >= from && **at < from.plus(MINUTE)).count()).collect()
}

/// The fewest and the most calls in any minute that lies between the first and the last call.
fn rolling(calls: &[Timestamp]) -> (usize, usize) {
    let last = calls[calls.len() - 1];
    let after = |from: Timestamp, counts: fn(Timestamp, Timestamp) -> bool| {
        calls.iter().filter(|at| counts(**at, from) && at.since(from) < MINUTE).count()
    };
    // The fullest minute begins with a call, the emptiest just behind one.
    let most = calls.iter().map(|from| after(*from, |at, from| at >= from)).max().unwrap_or_default();
    let whole = calls.iter().take_while(|from| from.plus(MINUTE) <= last);
    (whole.map(|from| after(*from, |at, from| at > from)).min().unwrap_or_default(), most)
}

const SCENARIO: &str = "tenants:
  - {id: 00000000-0000-4000-a000-000000000001, domain: full.example, client_id: full-app, secret: full-secret}
latency: {from: 20ms, to: 300ms}
hunts:
  - name: full
    match: {contains: [full-marker]}
    columns: {Timestamp: datetime, DeviceId: string, ReportId: long}
";

const HUNT: &str = "query: DeviceEvents | where AdditionalFields has \"full-marker\"
schedule: \"* * * * *\"
lookback: 5m
late: 1m
splay: 0
";

fn config(url: &str) -> String {
    format!(
        "database: huntd.db
tenants:
  contoso:
    tenant_id: full.example
    client_id: full-app
    auth: {{client_secret: {{file: secret}}}}
    login_url: {url}
    api_url: {url}
channels:
  hits: {{file: {{path: hits.jsonl}}}}
routes:
  - {{to: [hits]}}
"
    )
}
