//! Reads a good answer: body bytes to pieces, handed on as they come.

use std::time::Duration;

use reqwest::Response;
use tokio::sync::mpsc;

use super::classify::{Refusal, classify_member};
use super::fault;
use super::inflate::Inflate;
use super::splitter::{Splitter, is_full};
use super::text::{Veil, shown, shown_id};
use super::transport::header;
use crate::model::failure::{ApiFailure, FailureClass};
use crate::model::row::RowChunk;
use crate::model::time::{Timestamp, format_duration};
use crate::ports::api::{AnswerEnd, AnswerPiece};

/// Of the body's beginning so much is kept, to tell a page from broken JSON.
const HEAD: usize = 512;

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

/// The work on one body.
struct Body {
    inflate: Inflate,
    splitter: Splitter,
    rows: RowChunk,
    head: Vec<u8>,
    bytes: u64,
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

    async fn pieces_of(&self, response: &mut Response) -> Result<AnswerEnd, ApiFailure> {
        let encoding = header(response, "content-encoding");
        let inflate = Inflate::of(encoding).map_err(|error| self.broken(&shown(&error.to_string(), self.veil)))?;
        let mut body =
            Body { inflate, splitter: Splitter::new(), rows: RowChunk::default(), head: Vec::new(), bytes: 0 };
        let mut out = Vec::new();
        while let Some(piece) = self.next(response, body.bytes).await? {
            let mut rest = piece.as_ref();
            while !rest.is_empty() {
                let took = body.inflate.step(rest, &mut out).map_err(|error| self.broken(&error.to_string()))?;
                self.split(&mut body, &out).await?;
                rest = rest.get(took..).unwrap_or_default();
            }
        }
        body.inflate.finish(&mut out).map_err(|error| self.broken(&error.to_string()))?;
        self.split(&mut body, &out).await?;
        let whole =
            body.splitter.finish().map_err(|error| fault::malformed(self.host, &error, &body.head, self.veil))?;
        self.hand_on(&mut body.rows).await?;
        Ok(AnswerEnd { rows: whole.rows, bytes: body.bytes, cpu: whole.cpu, request_id: None })
    }

    async fn next(&self, response: &mut Response, bytes: u64) -> Result<Option<bytes::Bytes>, ApiFailure> {
        match tokio::time::timeout(self.idle, response.chunk()).await {
            Ok(Ok(piece)) => Ok(piece),
            Ok(Err(error)) => Err(fault::cut_short(self.host, bytes, &fault::causes(&error))),
            Err(_) => {
                let why = format!("nothing more came within {}", format_duration(self.idle));
                Err(ApiFailure { class: FailureClass::Timeout, ..fault::cut_short(self.host, bytes, &why) })
            }
        }
    }

    async fn split(&self, body: &mut Body, unpacked: &[u8]) -> Result<(), ApiFailure> {
        body.bytes += unpacked.len() as u64;
        if body.bytes > self.cap {
            return Err(self.too_big());
        }
        let wanted = HEAD.saturating_sub(body.head.len()).min(unpacked.len());
        body.head.extend_from_slice(unpacked.get(..wanted).unwrap_or_default());
        let mut rest = unpacked;
        while !rest.is_empty() {
            let took = body.splitter.feed(rest, &mut body.rows);
            let took = took.map_err(|error| fault::malformed(self.host, &error, &body.head, self.veil))?;
            rest = rest.get(took..).unwrap_or_default();
            if let Some(error) = body.splitter.error() {
                let refusal = Refusal { status: 200, permission: self.permission, ..Refusal::default() };
                return Err(classify_member(&refusal, error, self.now, self.veil));
            }
            if let Some(schema) = body.splitter.take_schema() {
                self.send(AnswerPiece::Schema(schema)).await?;
            }
            if is_full(&body.rows) {
                self.hand_on(&mut body.rows).await?;
            }
        }
        Ok(())
    }

    async fn hand_on(&self, rows: &mut RowChunk) -> Result<(), ApiFailure> {
        if rows.is_empty() {
            return Ok(());
        }
        self.send(AnswerPiece::Rows(std::mem::take(rows))).await
    }

    async fn send(&self, piece: AnswerPiece) -> Result<(), ApiFailure> {
        self.pieces.send(piece).await.map_err(|_| fault::abandoned())
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

/// The service's id of the request, as its headers tell it.
pub(super) fn request_id(response: &Response, veil: Veil<'_>) -> Option<String> {
    let names = ["request-id", "x-ms-request-id", "client-request-id"];
    names.into_iter().find_map(|name| header(response, name)).and_then(|id| shown_id(id, veil))
}
