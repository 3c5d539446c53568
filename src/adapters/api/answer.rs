//! Reads a good answer: body bytes to pieces, handed on as they come.

use std::time::Duration;

use reqwest::Response;
use tokio::sync::mpsc;

use super::body::{Body, Stop};
use super::classify::{Refusal, classify_member};
use super::fault;
use super::inflate::Inflate;
use super::text::{Veil, shown, shown_id};
use super::transport::header;
use crate::model::failure::{ApiFailure, FailureClass};
use crate::model::time::{Timestamp, format_duration};
use crate::ports::api::{AnswerEnd, AnswerPiece};

/// Pieces of a body that wait to be taken apart: beyond them the service waits.
const PIECES_IN_FLIGHT: usize = 2;

/// What reading an answer needs to know.
pub(super) struct Reader<'a> {
    pub(super) host: &'a str,
    pub(super) permission: &'static str,
    pub(super) now: Timestamp,
    pub(super) idle: Duration,
    /// The most bytes that are read, inflated.
    pub(super) cap: u64,
    pub(super) veil: Veil<'a>,
    pub(super) pieces: &'a mpsc::Sender<AnswerPiece>,
}

impl Reader<'_> {
    /// Reads the body of a 200 to its end. `Ok` only where all of it came, and was one whole answer.
    pub(super) async fn read(&self, mut response: Response) -> Result<AnswerEnd, ApiFailure> {
        let request_id = request_id(&response, self.veil);
        let about = |failure: ApiFailure| {
            let request_id = failure.request_id.clone().or_else(|| request_id.clone());
            ApiFailure { status: Some(200), request_id, ..failure }
        };
        let whole = self.pieces_of(&mut response).await.map_err(about)?;
        Ok(AnswerEnd { request_id, ..whole })
    }

    /// Reads here, and unpacks and splits on a thread of its own: that is work for a processor, and would hold up
    /// whatever else waits for the network.
    async fn pieces_of(&self, response: &mut Response) -> Result<AnswerEnd, ApiFailure> {
        let encoding = header(response, "content-encoding");
        let inflate = Inflate::of(encoding).map_err(|error| self.broken(&shown(&error.to_string(), self.veil)))?;
        let (feed, pieces) = mpsc::channel(PIECES_IN_FLIGHT);
        let body = Body::new(inflate, self.cap, self.pieces.clone());
        let work = tokio::task::spawn_blocking(move || body.take(pieces));
        let mut broke_off = None;
        loop {
            match self.next(response).await {
                Ok(None) => break,
                Ok(Some(piece)) => {
                    // A closed channel is a body that can't be taken: its work says why.
                    if feed.send(piece).await.is_err() {
                        break;
                    }
                }
                Err(error) => {
                    broke_off = Some(error);
                    break;
                }
            }
        }
        let is_whole = broke_off.is_none();
        drop(feed);
        let taken = work.await.map_err(|_| self.broken("its rows can't be taken apart"))?;
        match (broke_off, taken.whole) {
            (_, Err(Stop::Damaged(error))) if is_whole => Err(self.broken(&error.to_string())),
            (_, Err(Stop::Malformed(error))) if is_whole => {
                Err(fault::malformed(self.host, &error, &taken.head, self.veil))
            }
            (_, Err(Stop::TooLong)) => Err(self.too_big()),
            (_, Err(Stop::Abandoned)) => Err(fault::abandoned()),
            (_, Err(Stop::Said(error))) => {
                let refusal = Refusal { status: 200, permission: self.permission, ..Refusal::default() };
                Err(classify_member(&refusal, &error, self.now, self.veil))
            }
            (Some(broke_off), _) => Err(broke_off.after(self.host, taken.bytes, self.idle)),
            (None, Ok(whole)) => {
                Ok(AnswerEnd { rows: whole.rows, bytes: taken.bytes, cpu: whole.cpu, request_id: None })
            }
            (None, Err(Stop::Damaged(_) | Stop::Malformed(_))) => Err(self.broken("it ends early")),
        }
    }

    async fn next(&self, response: &mut Response) -> Result<Option<bytes::Bytes>, BrokeOff> {
        match tokio::time::timeout(self.idle, response.chunk()).await {
            Ok(Ok(piece)) => Ok(piece),
            Ok(Err(error)) => Err(BrokeOff::Failed(error)),
            Err(_) => Err(BrokeOff::Silent),
        }
    }

    fn broken(&self, why: &str) -> ApiFailure {
        fault::broken(format!("the answer of {} can't be read: {why}", self.host))
    }

    fn too_big(&self) -> ApiFailure {
        let message = format!("the answer of {} is longer than {} MiB", self.host, self.cap >> 20);
        let hint = "`project` fewer columns, or shorten the lookback".to_owned();
        ApiFailure { hint: Some(hint), ..fault::plain(FailureClass::ResultSize, message) }
    }
}

/// Why no more of a body comes.
enum BrokeOff {
    Failed(reqwest::Error),
    Silent,
}

impl BrokeOff {
    /// As the failure of a body of which `bytes` came.
    fn after(self, host: &str, bytes: u64, idle: Duration) -> ApiFailure {
        match self {
            Self::Failed(error) => fault::cut_short(host, bytes, &fault::causes(&error)),
            Self::Silent => {
                let why = format!("nothing more came within {}", format_duration(idle));
                ApiFailure { class: FailureClass::Timeout, ..fault::cut_short(host, bytes, &why) }
            }
        }
    }
}

/// The service's id of the request, as its headers tell it.
pub(super) fn request_id(response: &Response, veil: Veil<'_>) -> Option<String> {
    let names = ["request-id", "x-ms-request-id", "client-request-id"];
    names.into_iter().find_map(|name| header(response, name)).and_then(|id| shown_id(id, veil))
}
