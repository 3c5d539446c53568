//! What goes wrong, and when.

use serde::Deserialize;

use super::super::moment::{Moment, Span};

/// A fault: it strikes the calls that `on` names.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which calls it strikes.
    #[serde(default)]
    pub on: On,
    /// What it does to them.
    pub does: Effect,
}

/// Which calls a fault strikes: those that meet all that is said here. Without anything, every
/// hunting call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct On {
    /// Calls for a token in place of hunting calls.
    pub token: bool,
    /// Calls for this hunt.
    pub hunt: Option<String>,
    /// Calls of this tenant (its GUID).
    pub tenant: Option<String>,
    /// Calls from this moment on.
    pub from: Option<Moment>,
    /// Calls before this moment.
    pub to: Option<Moment>,
    /// Of the calls that meet the rest: these, counted from 1.
    pub calls: Vec<u64>,
    /// Of the calls that meet the rest: the first so many.
    pub first: Option<u64>,
    /// Of the calls that meet the rest: this part of them, 0 to 1, drawn by the seed.
    pub probability: f64,
}

impl Default for On {
    fn default() -> Self {
        Self {
            token: false,
            hunt: None,
            tenant: None,
            from: None,
            to: None,
            calls: Vec::new(),
            first: None,
            probability: 1.0,
        }
    }
}

/// What a fault does. The first whole answer wins; damage to the wire adds up.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// 500 `UnknownError` with an empty message.
    UnknownError,
    /// 500 `InternalServerError`.
    InternalError,
    /// 502 as HTML.
    BadGateway,
    /// 503 as HTML.
    Unavailable,
    /// 504 `UnknownError` with an empty message.
    GatewayTimeout,
    /// 400, the query was preempted.
    LimitsExceeded,
    /// 400, too many bytes.
    ResultSize,
    /// 400, no KQL.
    SyntaxError,
    /// 400, a name that isn't there.
    SemanticError,
    /// 429 for calls a minute, in the quota's wording.
    ThrottledMinute,
    /// 429 for calls an hour, in the quota's wording.
    ThrottledHour,
    /// 429 for CPU.
    ThrottledCpu,
    /// 429 of Graph's gateway, with `Retry-After` of so long.
    ThrottledGateway(Span),
    /// 401 in spite of a good token.
    Unauthorized,
    /// 401, the tenant isn't licensed.
    Unlicensed,
    /// 403, the role is missing.
    Forbidden,
    /// Any answer.
    Answer {
        /// The status.
        status: u16,
        /// The body, literally.
        #[serde(default)]
        body: String,
        /// Its type.
        #[serde(default = "json")]
        content_type: String,
        /// `Retry-After`, literally.
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// 200 with rows and an `error` member besides.
    ErrorMember,
    /// 200 with a body that is no JSON.
    NotJson,
    /// 200 with no body at all.
    Empty,
    /// 200, and the body breaks off after so many bytes.
    CutBody(u64),
    /// Content-Length is wrong by so many bytes.
    WrongLength(i64),
    /// The answer begins so late.
    SlowFirstByte(Span),
    /// The body comes in small pieces.
    SlowBody {
        /// Bytes a piece.
        bytes: usize,
        /// Time from piece to piece.
        every: Span,
    },
    /// The connection closes without an answer.
    Hangup,
}

fn json() -> String {
    "application/json".to_owned()
}
