//! Many tenants, of which some are blocked, silent or slow: no other waits for them.
//!
//! `HUNTD_CROWD=100 cargo test --release --test simulation crowd` plays a hundred hunts on each.

use std::sync::Arc;
use std::time::Duration;

use huntd::model::config::Quota;
use huntd::model::failure::{ApiFailure, FailureClass, ThrottleWindow};
use huntd::model::hunt::Hunt;
use huntd::model::id::TenantName;
use huntd::model::time::Timestamp;
use huntd::rules::schedule;

use crate::clock::Clocks;
use crate::scale::MINUTE;
use crate::seeds::number;
use crate::stand::{self, Line, START, Service, Stand};

const TENANTS: usize = 100;
/// Hunts on each tenant, each due every quarter of an hour.
const HUNTS: u64 = 3;
const QUARTER: Duration = Duration::from_mins(15);

/// How a tenant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It answers within some seconds.
    Well,
    /// It says that the hour's calls are spent.
    Blocked,
    /// It answers nothing until the call's own end.
    Silent,
    /// Each answer takes two minutes.
    Slow,
    /// The service fails.
    Down,
}

impl State {
    /// Of ten tenants, six are well.
    const fn of(tenant: usize) -> Self {
        match tenant % 10 {
            0 => Self::Blocked,
            1 => Self::Silent,
            2 => Self::Slow,
            3 => Self::Down,
            _ => Self::Well,
        }
    }
}

struct Member {
    clocks: Arc<Clocks>,
    state: State,
}

#[async_trait::async_trait]
impl Service for Member {
    async fn call(&self, hunt: usize) -> Result<Option<Duration>, ApiFailure> {
        let pass = |span| self.clocks.gate(self.clocks.true_now().plus(span));
        let failure = |class, wait| {
            let message = format!("simulated: {class}");
            Err(ApiFailure { class, status: None, message, hint: None, wait, request_id: None })
        };
        match self.state {
            State::Well => pass(Duration::from_millis(300 + 70 * (hunt as u64 % 20))).await,
            State::Slow => pass(MINUTE * 2).await,
            State::Silent => {
                pass(MINUTE * 3).await;
                return failure(FailureClass::Timeout, None);
            }
            State::Blocked => {
                pass(Duration::from_millis(100)).await;
                let class = FailureClass::ThrottledCalls(ThrottleWindow::Hour);
                return failure(class, Some(MINUTE * 60));
            }
            State::Down => {
                pass(Duration::from_millis(100)).await;
                return failure(FailureClass::Service, None);
            }
        }
        Ok(None)
    }
}

/// How long after its start, splayed as it is, each run of a tenant was sent at the latest; and how many there were.
fn latest(tenant: &str, line: &Line, hunts: &[Arc<Hunt>], end: Timestamp) -> (Duration, usize) {
    let (name, served) = (TenantName::new(tenant).unwrap(), line.served());
    let mut worst = Duration::ZERO;
    let mut count = 0;
    for (number, hunt) in hunts.iter().enumerate() {
        let next = |after: &Timestamp| schedule::next(&hunt.schedule, hunt.timezone, *after);
        let ticks = std::iter::successors(next(&START), next).take_while(|tick| *tick < end);
        for start in ticks.map(|tick| schedule::start(hunt, &name, tick)).filter(|start| *start < end.minus(MINUTE)) {
            let sent = served.iter().filter(|one| one.hunt == number && one.sent >= start).map(|one| one.sent).min();
            worst = worst.max(sent.unwrap_or(end.plus(QUARTER)).since(start));
            count += 1;
        }
    }
    (worst, count)
}

#[test]
fn no_tenant_waits_for_another_in_a_crowd() {
    let many = number("HUNTD_CROWD").unwrap_or(HUNTS);
    let clocks = Clocks::new(START);
    // As many as a tenant takes in a quarter hour, parted over it as `plan` suggests, and met within its minute.
    let keys = |number: u64| format!("schedule: '{} * * * *'\nsplay: 1m", minutes(number));
    let hunts: Vec<Arc<Hunt>> =
        (0..many).map(|number| stand::hunt(usize::try_from(number).unwrap(), &keys(number))).collect();
    let lines: Vec<(String, Quota, Arc<Line>)> = (0..TENANTS)
        .map(|tenant| {
            let member = Member { clocks: Arc::clone(&clocks), state: State::of(tenant) };
            (format!("tenant-{tenant:02}"), Quota::DEFAULT, Line::new(Arc::new(member), &clocks))
        })
        .collect();
    let end = START.plus(MINUTE * 61);
    stand::alone(async {
        let mut stand = Stand::new(&clocks, &hunts, &lines).await;
        stand.live(end).await;
    });
    let mut runs = 0;
    for (tenant, (name, _, line)) in lines.iter().enumerate().filter(|(tenant, _)| State::of(*tenant) == State::Well) {
        let (late, count) = latest(name, line, &hunts, end);
        assert!(late <= Duration::from_secs(5), "{name} ({tenant}) waited for {late:?}");
        runs += count;
    }
    assert!(runs as u64 >= 60 * many * 3, "{runs}");
    eprintln!("{runs} runs of {} healthy tenants, none later than 5 s", TENANTS * 6 / 10);
}

/// The minutes of a hunt: its own in each quarter hour.
fn minutes(number: u64) -> String {
    let first = number % 15;
    format!("{first},{},{},{}", first + 15, first + 30, first + 45)
}
