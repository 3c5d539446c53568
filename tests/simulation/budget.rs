//! A tenant that blocks all once the quarter hour's CPU is spent, and hunts that want half as much again: what matters
//! most is served in time, and the rest gets on.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use huntd::model::config::Quota;
use huntd::model::failure::{ApiFailure, FailureClass};
use huntd::model::hunt::Hunt;
use huntd::model::severity::Severity;
use huntd::model::time::Timestamp;
use huntd::rules::schedule;

use crate::clock::Clocks;
use crate::scale::{HOUR, MINUTE};
use crate::stand::{self, Line, START, Service, Stand};

const QUARTER: Duration = Duration::from_mins(15);
/// What the tenant has of CPU in a quarter hour of the clock.
const BUDGET: Duration = Duration::from_mins(10);
/// How long is played, and from when on it is judged: the tenant has blocked by then, and taught what it has.
const PLAYED: Duration = Duration::from_hours(5);
const JUDGED: Duration = Duration::from_hours(1);

/// The tenant: it counts what calls cost when they end.
struct Spender {
    clocks: Arc<Clocks>,
    costs: Vec<Duration>,
    /// Whether it tells what a call cost, as the older API does.
    tells: bool,
    book: Mutex<Book>,
}

struct Book {
    quarter: Timestamp,
    spent: Duration,
    /// When it said no.
    refused: Vec<Timestamp>,
    /// CPU in all.
    total: Duration,
}

impl Book {
    const fn new() -> Self {
        Self { quarter: START, spent: Duration::ZERO, refused: Vec::new(), total: Duration::ZERO }
    }
}

impl Spender {
    /// What a call costs this time: a fifth more or less than usual.
    fn cost(&self, hunt: usize) -> Duration {
        let nanos = self.clocks.true_now().nanos().unsigned_abs() / 1_000_000;
        let spread =
            (nanos.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ hunt as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93) >> 40;
        let share = 0.8 + 0.4 * f64::from(u32::try_from(spread).unwrap()) / f64::from(1_u32 << 24);
        self.costs[hunt].mul_f64(share)
    }

    /// The book, in this quarter hour.
    fn book<T>(&self, work: impl FnOnce(&mut Book) -> T) -> T {
        let mut book = self.book.lock().unwrap();
        let quarter = self.clocks.true_now().floor_to(QUARTER);
        if book.quarter != quarter {
            (book.quarter, book.spent) = (quarter, Duration::ZERO);
        }
        work(&mut book)
    }
}

#[async_trait::async_trait]
impl Service for Spender {
    async fn call(&self, hunt: usize) -> Result<Option<Duration>, ApiFailure> {
        let now = self.clocks.true_now();
        let is_spent = self.book(|book| {
            let is_spent = book.spent >= BUDGET;
            if is_spent {
                book.refused.push(now);
            }
            is_spent
        });
        if is_spent {
            self.clocks.gate(now.plus(Duration::from_millis(200))).await;
            let message = "You have exceeded processing resources allocated to this tenant.".to_owned();
            let class = FailureClass::ThrottledCpu;
            return Err(ApiFailure { class, status: Some(429), message, hint: None, wait: None, request_id: None });
        }
        let cost = self.cost(hunt);
        // It works on several cores.
        self.clocks.gate(now.plus(cost / 4)).await;
        self.book(|book| (book.spent, book.total) = (book.spent + cost, book.total + cost));
        Ok(self.tells.then_some(cost))
    }
}

/// The hunts, and what a run of each costs: the high ones want 180 s in a quarter hour, all together 900 s.
fn hunts() -> (Vec<Arc<Hunt>>, Vec<Duration>) {
    let groups = [
        (4, "high", "*/5", 10.0),
        (6, "high", "*/15", 10.0),
        (10, "medium", "*/15", 24.0),
        (10, "low", "*/15", 32.0),
        (10, "low", "*/15", 16.0),
    ];
    let mut all = (Vec::new(), Vec::new());
    for (many, severity, minutes, cost) in groups {
        for _ in 0..many {
            let keys = format!("severity: {severity}\nschedule: '{minutes} * * * *'\nsplay: 0s");
            all.0.push(stand::hunt(all.1.len(), &keys));
            all.1.push(Duration::from_secs_f64(cost));
        }
    }
    all
}

fn tenant(clocks: &Arc<Clocks>, tells: bool) -> (Arc<Spender>, Arc<Line>) {
    let spender = Spender { clocks: Arc::clone(clocks), costs: hunts().1, tells, book: Mutex::new(Book::new()) };
    let spender = Arc::new(spender);
    (Arc::clone(&spender), Line::new(spender, clocks))
}

/// How the hunts of one severity fared.
#[derive(Debug, Clone, Copy)]
struct Fared {
    ticks: u32,
    met: u32,
    /// The longest from a tick to the start of the run that served it.
    latest: Duration,
    /// The longest between two runs of a hunt.
    longest_pause: Duration,
}

struct Outcome {
    by_severity: Vec<(Severity, Fared)>,
    refused: usize,
    /// Quarter hours in which the tenant was blocked.
    blocked: usize,
    used: f64,
}

impl Outcome {
    fn of(&self, severity: Severity) -> Fared {
        self.by_severity.iter().find(|(one, _)| *one == severity).unwrap().1
    }

    fn row(&self, name: &str) -> String {
        let met = |severity| {
            let Fared { ticks, met, .. } = self.of(severity);
            100.0 * f64::from(met) / f64::from(ticks)
        };
        let minutes = |span: Duration| span.as_secs().div_ceil(60);
        let [high, low] = [Severity::High, Severity::Low].map(|severity| self.of(severity));
        format!(
            "| {name} | {:.1} % | {} min | {:.0} % | {:.0} % | {} min | {} | {} | {:.0} % |",
            met(Severity::High),
            minutes(high.latest),
            met(Severity::Medium),
            met(Severity::Low),
            minutes(low.longest_pause),
            self.refused,
            self.blocked,
            self.used * 100.0,
        )
    }
}

fn judge(spender: &Spender, line: &Line) -> Outcome {
    let (from, end) = (START.plus(JUDGED), START.plus(PLAYED));
    let served = line.served();
    let (all, _) = hunts();
    let severities = [Severity::High, Severity::Medium, Severity::Low];
    let by_severity = severities.map(|severity| {
        let mut fared = Fared { ticks: 0, met: 0, latest: Duration::ZERO, longest_pause: Duration::ZERO };
        for (number, hunt) in all.iter().enumerate().filter(|(_, hunt)| hunt.severity == severity) {
            let starts: Vec<Timestamp> = served.iter().filter(|one| one.hunt == number).map(|one| one.sent).collect();
            fared.add(hunt, &starts, from, end);
        }
        (severity, fared)
    });
    let (refused, total) = spender.book(|book| (book.refused.clone(), book.total));
    let refused: Vec<Timestamp> = refused.into_iter().filter(|at| *at >= from).collect();
    let mut blocked: Vec<Timestamp> = refused.iter().map(|at| at.floor_to(QUARTER)).collect();
    blocked.dedup();
    let quarters = PLAYED.as_secs_f64() / QUARTER.as_secs_f64();
    let used = total.as_secs_f64() / BUDGET.as_secs_f64() / quarters;
    Outcome { by_severity: by_severity.to_vec(), refused: refused.len(), blocked: blocked.len(), used }
}

impl Fared {
    fn add(&mut self, hunt: &Hunt, starts: &[Timestamp], from: Timestamp, end: Timestamp) {
        let next = |after: &Timestamp| schedule::next(&hunt.schedule, hunt.timezone, *after);
        let ticks: Vec<Timestamp> = std::iter::successors(next(&from), next).take_while(|tick| *tick < end).collect();
        // The last one's deadline is behind the end.
        for pair in ticks.windows(2) {
            let start = starts.iter().copied().find(|start| *start >= pair[0]).unwrap_or(end);
            self.ticks += 1;
            self.met += u32::from(start < pair[1]);
            self.latest = self.latest.max(start.since(pair[0]));
        }
        let judged: Vec<Timestamp> =
            [from].into_iter().chain(starts.iter().copied().filter(|at| *at > from)).chain([end]).collect();
        let longest = judged.windows(2).map(|pair| pair[1].since(pair[0])).max().unwrap();
        self.longest_pause = self.longest_pause.max(longest);
    }
}

/// huntd's engine against the tenant.
fn governed(tells: bool) -> Outcome {
    fastrand::seed(1);
    let clocks = Clocks::new(START);
    let (spender, line) = tenant(&clocks, tells);
    let lines = [("alpha".to_owned(), Quota::DEFAULT, Arc::clone(&line))];
    stand::alone(async {
        let mut stand = Stand::new(&clocks, &hunts().0, &lines).await;
        stand.live(START.plus(PLAYED)).await;
    });
    judge(&spender, &line)
}

/// What is commonly written: what is due is called in the order of its coming, and a 429 is waited out.
fn first_come() -> Outcome {
    let clocks = Clocks::new(START);
    let (spender, line) = tenant(&clocks, false);
    let end = START.plus(PLAYED);
    let (caller, now) = (Arc::clone(&line), Arc::clone(&clocks));
    stand::alone(async {
        let naive = tokio::spawn(async move { first_come_loop(&now, &caller, &hunts().0).await });
        tokio::task::yield_now().await;
        while let Some(next) = clocks.next().filter(|next| *next < end) {
            clocks.go_on_to(next);
            clocks.let_go(None);
            while clocks.next().is_none() && !naive.is_finished() {
                tokio::task::yield_now().await;
            }
        }
        naive.abort();
    });
    judge(&spender, &line)
}

async fn first_come_loop(clocks: &Clocks, line: &Line, hunts: &[Arc<Hunt>]) {
    let next = |number: usize, after| schedule::next(&hunts[number].schedule, hunts[number].timezone, after).unwrap();
    let mut ticks: Vec<Timestamp> = (0..hunts.len()).map(|number| next(number, START)).collect();
    let mut queue = VecDeque::new();
    loop {
        let now = clocks.true_now();
        let mut due: Vec<usize> = (0..ticks.len()).filter(|number| ticks[*number] <= now).collect();
        due.sort_by_key(|number| ticks[*number]);
        for number in due {
            ticks[number] = next(number, now);
            if !queue.contains(&number) {
                queue.push_back(number);
            }
        }
        match queue.pop_front() {
            None => clocks.gate(*ticks.iter().min().unwrap()).await,
            Some(number) => {
                while line.call(number).await.is_err() {
                    let turn = clocks.true_now().floor_to(QUARTER).plus(QUARTER);
                    clocks.gate(turn).await;
                }
            }
        }
    }
}

/// `cargo test --test simulation budget -- --nocapture` prints the table of docs/quota.md.
#[test]
fn high_severities_meet_their_ticks_where_cpu_is_short() {
    let naive = first_come();
    let told = governed(true);
    let untold = governed(false);
    for (name, outcome) in [("first come", &naive), ("huntd, CPU told", &told), ("huntd, CPU not told", &untold)] {
        eprintln!("{}", outcome.row(name));
    }
    let quarters = 16;
    for outcome in [told, untold] {
        let high = outcome.of(Severity::High);
        assert_eq!(high.met, high.ticks, "a high one missed its next tick: {high:?}");
        for severity in [Severity::Medium, Severity::Low] {
            let fared = outcome.of(severity);
            // A tick is served within the hour; the next run may be some minutes later in its own quarter hour.
            assert!(fared.latest <= HOUR && fared.longest_pause <= HOUR + MINUTE * 5, "{severity:?}: {fared:?}");
        }
        assert!(outcome.blocked <= quarters / 3, "blocked in {} of {quarters} quarter hours", outcome.blocked);
        assert!(outcome.used >= 0.88, "{}", outcome.used);
    }
    let high = naive.of(Severity::High);
    assert!(high.met * 4 < high.ticks * 3, "the loop would do as well: {high:?}");
}
