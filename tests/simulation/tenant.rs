//! A tenant's logic, in the process: what it answers, when, and how it fails.

use std::sync::Arc;
use std::time::Duration;

use huntd::model::failure::{ApiFailure, FailureClass, ThrottleWindow};
use huntd::model::limits::DATA_AGE;
use huntd::model::row::{Column, ColumnType, RowChunk, Schema};
use huntd::model::time::{Timestamp, Window};
use huntd::ports::api::{AnswerEnd, AnswerPiece, FirstByte, QueryRequest, TenantApi};
use huntd::ports::clock::Clock;
use tokio::sync::mpsc;

use crate::dice::Dice;
use crate::events::{Event, schema};
use crate::faults::Ill;
use crate::features::SPLITS;
use crate::hunts::{self, Kind};
use crate::scale::{DAY, HOUR};
use crate::world::{Call, Outcome, ROW_LIMIT, World};

/// One tenant, as huntd reaches it.
pub(crate) struct Reached {
    pub(crate) world: Arc<World>,
    pub(crate) tenant: usize,
    /// Whether by the older API.
    pub(crate) older: bool,
}

/// How long the service takes.
fn latency(dice: &mut Dice) -> Duration {
    let slow = dice.chance(0.02);
    dice.span(Duration::from_millis(80), Duration::from_secs(if slow { 170 } else { 12 }))
}

/// What an answer will be.
enum Answer {
    Fails(ApiFailure),
    Rows(Vec<Event>),
    /// So many rows are handed on, and then the body breaks off.
    Breaks(Vec<Event>),
}

#[async_trait::async_trait]
impl TenantApi for Reached {
    fn takes_timespan(&self) -> bool {
        !self.older
    }

    fn endpoint(&self) -> String {
        "simulation".to_owned()
    }

    async fn sign_in(&self) -> Result<(), ApiFailure> {
        let clocks = &self.world.clocks;
        clocks.gate(clocks.true_now()).await;
        Ok(())
    }

    async fn forget_token(&self) {}

    async fn query(
        &self,
        request: &QueryRequest,
        first_byte: &FirstByte,
        pieces: mpsc::Sender<AnswerPiece>,
    ) -> Result<AnswerEnd, ApiFailure> {
        let (world, clocks) = (&self.world, &self.world.clocks);
        let hunt = hunts::asked(&request.query);
        let mut dice = world.dice_of_call(hunt);
        let call = self.enter(hunt, request, &mut dice);
        let arrives = clocks.true_now().plus(latency(&mut dice));
        clocks.gate(arrives).await;
        // By now the service has counted it, whatever becomes of the body.
        first_byte.note(clocks.steady());
        self.count(call);
        let answer = self.answer(hunt, call, request.query.ends_with("| count"), &mut dice);
        let broken = matches!(answer, Answer::Breaks(_));
        let rows = match answer {
            Answer::Fails(failure) => {
                self.close(call, Outcome::Failed(failure.class_word()));
                return Err(failure);
            }
            Answer::Rows(rows) | Answer::Breaks(rows) => rows,
        };
        if request.query.ends_with("| count") {
            // What it counts is no event, and shows nobody one.
            self.close(call, Outcome::Failed("counted"));
            let (schema, row) = counted(rows.len());
            let sent = pieces.send(AnswerPiece::Schema(schema)).await.is_ok()
                && pieces.send(AnswerPiece::Rows(row)).await.is_ok();
            assert!(sent, "the count is sound");
            return Ok(AnswerEnd { rows: 1, ..AnswerEnd::default() });
        }
        let count = rows.len() as u64;
        // Huntd may be killed while the body arrives.
        let between = dice.chance(0.1);
        if dice.chance(0.9) || !broken {
            let mut sent = pieces.send(AnswerPiece::Schema(schema())).await.is_ok();
            let (one, two) = rows.split_at(if between { rows.len() / 2 } else { 0 });
            sent &= pieces.send(AnswerPiece::Rows(self.chunk(one))).await.is_ok();
            if between {
                clocks.gate(clocks.true_now()).await;
            }
            sent &= pieces.send(AnswerPiece::Rows(self.chunk(two))).await.is_ok();
            assert!(sent, "the rows are sound");
        }
        if broken {
            self.close(call, Outcome::Failed("broken body"));
            return Err(failure(FailureClass::BrokenBody, None));
        }
        self.close(call, if count >= ROW_LIMIT { Outcome::Cut } else { Outcome::Whole { rows: count } });
        Ok(AnswerEnd { rows: count, ..AnswerEnd::default() })
    }
}

impl Reached {
    /// Writes down that it is called. When the service counts the call is its own affair.
    fn enter(&self, hunt: usize, request: &QueryRequest, dice: &mut Dice) -> usize {
        let now = self.world.clocks.true_now();
        let window = self.asked_for(hunt, request);
        let mut seen = self.world.seen();
        seen.story.say(now, &format!("h{hunt:03} asks {} for {}..{}", self.tenant, window.from, window.to));
        let late = dice.chance(0.5);
        let counted = if late { Timestamp::from_nanos(i64::MAX) } else { now };
        let outcome = Outcome::Open;
        seen.calls.push(Call { tenant: self.tenant, hunt, counted, answered: now, window, outcome });
        seen.calls.len() - 1
    }

    /// The service has counted a call by now.
    fn count(&self, call: usize) {
        let now = self.world.clocks.true_now();
        let call = &mut self.world.seen().calls[call];
        call.counted = call.counted.min(now);
    }

    fn close(&self, call: usize, outcome: Outcome) {
        let now = self.world.clocks.true_now();
        let mut seen = self.world.seen();
        let hunt = seen.calls[call].hunt;
        seen.story.say(now, &format!("h{hunt:03} is answered: {outcome:?}"));
        let call = &mut seen.calls[call];
        (call.answered, call.outcome) = (now, outcome);
    }

    /// The event time that a request asks for.
    fn asked_for(&self, hunt: usize, request: &QueryRequest) -> Window {
        let now = self.world.clocks.true_now();
        let all = Window { from: now.minus(DATA_AGE), to: Timestamp::from_nanos(i64::MAX) };
        let given = request.timespan.unwrap_or(all);
        // The narrower of two filters wins.
        let own = own_time(&request.query, self.world.hunts[hunt].kind).unwrap_or(all);
        Window { from: given.from.max(own.from), to: given.to.min(own.to) }
    }

    fn answer(&self, hunt: usize, call: usize, is_count: bool, dice: &mut Dice) -> Answer {
        let now = self.world.clocks.true_now();
        let window = self.world.seen().calls[call].window;
        if let Some(failure) = self.ill(hunt, window, dice) {
            return Answer::Fails(failure);
        }
        let reach = now.minus(DATA_AGE);
        let mut rows: Vec<Event> = self.world.events[hunt]
            .iter()
            .filter(|event| event.arrives <= now && event.at >= reach && window.contains(event.at))
            .copied()
            .collect();
        dice.shuffle(&mut rows);
        if !is_count {
            rows.truncate(usize::try_from(ROW_LIMIT).unwrap());
        }
        if now < self.world.scale.quiet() && dice.chance(0.02) {
            let kept = usize::try_from(dice.number(0, rows.len() as u64 + 1)).unwrap();
            rows.truncate(kept);
            return Answer::Breaks(rows);
        }
        Answer::Rows(rows)
    }

    fn ill(&self, hunt: usize, window: Window, dice: &mut Dice) -> Option<ApiFailure> {
        let now = self.world.clocks.true_now();
        let too_wide = window.to.min(now).since(window.from) > DAY * 2;
        if SPLITS && self.world.hunts[hunt].is_heavy && too_wide {
            return Some(failure(FailureClass::LimitsExceeded, None));
        }
        if now >= self.world.scale.quiet() {
            return None;
        }
        let wait = dice.chance(0.5).then(|| Duration::from_secs(dice.number(1, 50)));
        match self.world.faults.ill(self.tenant, now) {
            Some(Ill::Down) => return Some(failure(FailureClass::Service, None)),
            Some(Ill::Minute) if dice.chance(0.5) => {
                return Some(failure(FailureClass::ThrottledCalls(ThrottleWindow::Minute), wait));
            }
            Some(Ill::Hour) if dice.chance(0.7) => {
                return Some(failure(FailureClass::ThrottledCalls(ThrottleWindow::Hour), wait.map(|wait| wait * 40)));
            }
            Some(Ill::Cpu) if dice.chance(0.7) => return Some(failure(FailureClass::ThrottledCpu, None)),
            Some(Ill::Limits) if dice.chance(0.4) => return Some(failure(FailureClass::LimitsExceeded, None)),
            _ => {}
        }
        match dice.number(0, 200) {
            0..3 => Some(failure(FailureClass::Service, wait)),
            3 => Some(failure(FailureClass::LimitsExceeded, None)),
            4 => Some(failure(FailureClass::Timeout, None)),
            5 => Some(failure(FailureClass::Unauthorized, None)),
            _ => None,
        }
    }

    fn chunk(&self, events: &[Event]) -> RowChunk {
        let mut chunk = RowChunk::default();
        for event in events {
            chunk.push(event.row(self.older).as_bytes());
        }
        chunk
    }
}

/// The window that the query's text gives. It knows the two forms that huntd writes: the moment of the run in
/// place of `now()`, less the span of `ago`, and a bound at each table.
fn own_time(query: &str, kind: Kind) -> Option<Window> {
    let moments: Vec<Timestamp> = query
        .split("datetime(")
        .skip(1)
        .map(|rest| Timestamp::parse(rest.split(')').next().unwrap()).expect("a moment in RFC 3339"))
        .collect();
    let end = Timestamp::from_nanos(i64::MAX);
    match (kind, moments.as_slice()) {
        (Kind::OwnTime(span), [as_of]) => Some(Window { from: as_of.minus(span), to: end }),
        (Kind::OwnTime(span), [from, to, as_of]) => Some(Window { from: *from.max(&as_of.minus(span)), to: *to }),
        (_, [from, to]) => Some(Window { from: *from, to: *to }),
        (_, []) => None,
        _ => panic!("the simulated tenant doesn't understand {query}"),
    }
}

/// The answer to `| count`.
fn counted(rows: usize) -> (Schema, RowChunk) {
    let mut chunk = RowChunk::default();
    chunk.push(format!("{{\"Count\":{rows}}}").as_bytes());
    (Schema { columns: vec![Column { name: "Count".to_owned(), kind: ColumnType::Long }] }, chunk)
}

fn failure(class: FailureClass, wait: Option<Duration>) -> ApiFailure {
    let message = format!("simulated: {class}");
    ApiFailure { class, status: None, message, hint: None, wait: wait.map(|wait| wait.min(HOUR)), request_id: None }
}

/// A word for the story.
trait Word {
    fn class_word(&self) -> &'static str;
}

impl Word for ApiFailure {
    fn class_word(&self) -> &'static str {
        self.class.as_str()
    }
}
