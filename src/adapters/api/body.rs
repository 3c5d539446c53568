//! Takes a body apart: packed pieces to rows, on a thread that may be busy for long.

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc;

use super::inflate::{Damaged, Inflate};
use super::splitter::{Malformed, Splitter, Whole, is_full};
use crate::model::row::RowChunk;
use crate::ports::api::AnswerPiece;

/// Of the body's beginning so much is kept, to tell a page from broken JSON.
const HEAD: usize = 512;
/// What a step of unpacking brings at first, in bytes.
const UNPACKED: usize = 64 * 1024;

/// The work on one body.
pub(super) struct Body {
    inflate: Inflate,
    splitter: Splitter,
    rows: RowChunk,
    head: Vec<u8>,
    bytes: u64,
    /// The most bytes that are taken, inflated.
    cap: u64,
    pieces: mpsc::Sender<AnswerPiece>,
}

/// Why a body isn't taken to its end.
pub(super) enum Stop {
    /// What is packed is damaged.
    Damaged(Damaged),
    /// It is no answer.
    Malformed(Malformed),
    /// It is longer than any answer.
    TooLong,
    /// It has an `error` member.
    Said(Value),
    /// Nobody takes its rows any more.
    Abandoned,
}

/// What came of a body.
pub(super) struct Taken {
    /// All of it, or why not.
    pub(super) whole: Result<Whole, Stop>,
    /// How it begins.
    pub(super) head: Vec<u8>,
    /// How many bytes came, inflated.
    pub(super) bytes: u64,
}

impl Body {
    pub(super) fn new(inflate: Inflate, cap: u64, pieces: mpsc::Sender<AnswerPiece>) -> Self {
        Self {
            inflate,
            splitter: Splitter::default(),
            rows: RowChunk::default(),
            head: Vec::new(),
            bytes: 0,
            cap,
            pieces,
        }
    }

    /// Takes pieces until there are no more. Blocks while it waits for them, and while its rows wait.
    pub(super) fn take(mut self, mut fed: mpsc::Receiver<Bytes>) -> Taken {
        let whole = self.take_all(&mut fed);
        Taken { whole, head: self.head, bytes: self.bytes }
    }

    fn take_all(&mut self, fed: &mut mpsc::Receiver<Bytes>) -> Result<Whole, Stop> {
        let mut usual = UNPACKED;
        while let Some(piece) = fed.blocking_recv() {
            if matches!(self.inflate, Inflate::Plain) {
                self.split(piece)?;
                continue;
            }
            let mut rest = piece.as_ref();
            while !rest.is_empty() {
                let mut out = Vec::with_capacity(usual);
                let took = self.inflate.step(rest, &mut out).map_err(Stop::Damaged)?;
                usual = out.len() + out.len() / 4;
                self.split(Bytes::from(out))?;
                rest = rest.get(took..).unwrap_or_default();
            }
        }
        let mut out = Vec::new();
        self.inflate.finish(&mut out).map_err(Stop::Damaged)?;
        self.split(Bytes::from(out))?;
        let whole = self.splitter.finish().map_err(Stop::Malformed)?;
        self.hand_on()?;
        Ok(whole)
    }

    fn split(&mut self, unpacked: Bytes) -> Result<(), Stop> {
        self.bytes += unpacked.len() as u64;
        if self.bytes > self.cap {
            return Err(Stop::TooLong);
        }
        let wanted = HEAD.saturating_sub(self.head.len()).min(unpacked.len());
        self.head.extend_from_slice(unpacked.get(..wanted).unwrap_or_default());
        let mut rest = unpacked;
        while !rest.is_empty() {
            let took = self.splitter.feed(&rest, &mut self.rows).map_err(Stop::Malformed)?;
            rest = rest.slice(took..);
            if let Some(error) = self.splitter.error() {
                return Err(Stop::Said(error.clone()));
            }
            if let Some(schema) = self.splitter.take_schema() {
                self.send(AnswerPiece::Schema(schema))?;
            }
            if is_full(&self.rows) {
                self.hand_on()?;
            }
        }
        Ok(())
    }

    fn hand_on(&mut self) -> Result<(), Stop> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.rows);
        self.send(AnswerPiece::Rows(rows))
    }

    fn send(&self, piece: AnswerPiece) -> Result<(), Stop> {
        self.pieces.blocking_send(piece).map_err(|_| Stop::Abandoned)
    }
}
