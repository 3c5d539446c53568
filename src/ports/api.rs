//! A tenant's advanced hunting API.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::model::failure::ApiFailure;
use crate::model::row::{RowChunk, Schema};
use crate::model::time::Window;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryRequest {
    /// The KQL.
    pub query: String,
    /// The event time asked for, where the API takes one ([`TenantApi::takes_timespan`]).
    pub timespan: Option<Window>,
    /// How long the whole call may take.
    pub timeout: Duration,
}

/// A piece of an answer, handed on as it arrives. The schema may come after rows: the API's two
/// dialects send it first, and JSON promises no order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerPiece {
    /// The columns; comes exactly once in a whole answer.
    Schema(Schema),
    /// Some rows.
    Rows(RowChunk),
}

/// What is known once the whole answer has arrived and was found sound.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AnswerEnd {
    /// How many rows there were.
    pub rows: u64,
    /// How many bytes the body had, inflated.
    pub bytes: u64,
    /// CPU that the service says it spent (the older API's `Stats`).
    pub cpu: Option<Duration>,
    /// The service's id of the request.
    pub request_id: Option<String>,
}

/// When the first byte of an answer came, by the steady clock: noted by the API as soon as it is there, and good also
/// where the answer then fails.
#[derive(Debug, Default)]
pub struct FirstByte(OnceLock<Duration>);

impl FirstByte {
    /// Notes it; only the first time counts.
    pub fn note(&self, steady: Duration) {
        self.0.get_or_init(|| steady);
    }

    /// When it came; `None` where nothing did.
    #[must_use]
    pub fn at(&self) -> Option<Duration> {
        self.0.get().copied()
    }
}

/// One tenant's API. An implementation makes exactly one HTTP call a [`query`](Self::query) to the
/// API itself; to sign in it may call the token endpoint, which has no quota of its own.
#[async_trait::async_trait]
pub trait TenantApi: Send + Sync {
    /// Whether a window can be given beside the query (Graph's `Timespan`).
    fn takes_timespan(&self) -> bool;

    /// Where the calls go, for people: never a secret in it.
    fn endpoint(&self) -> String;

    /// How far this machine's clock is ahead of the API's, in nanoseconds and negative where it is behind, as the last
    /// answer's `Date` said (RFC 9110, 6.6.1); none before the first answer.
    fn clock_ahead(&self) -> Option<i64> {
        None
    }

    /// Gets a token ready, so that [`query`](Self::query) makes its one call at once. Called before
    /// the call is entered in the quota's ledger.
    async fn sign_in(&self) -> Result<(), ApiFailure>;

    /// Throws the token away, so that the next [`sign_in`](Self::sign_in) gets another.
    async fn forget_token(&self);

    /// Asks, and hands the answer on through `pieces` while it arrives. Whatever was handed on
    /// counts only when this returns `Ok`. A closed receiver ends the call early with a failure.
    /// Whatever becomes of the call, the service has counted it by `first_byte`.
    async fn query(
        &self,
        request: &QueryRequest,
        first_byte: &FirstByte,
        pieces: mpsc::Sender<AnswerPiece>,
    ) -> Result<AnswerEnd, ApiFailure>;
}
