//! Failures of a call to the API, classed once, where the answer is read.

use std::fmt;
use std::time::Duration;

/// Which window of the quota a 429 says is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ThrottleWindow {
    /// Calls in a minute (`per 00:01:00`).
    Minute,
    /// Calls in an hour (`per 01:00:00`).
    Hour,
    /// The gateway's: it names no window.
    Unnamed,
}

/// What kind of failure it is. The first eleven follow Microsoft's own classes for scheduled hunts
/// (Learn, `security-rundetails`) and the literals of docs/api.md.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FailureClass {
    /// The query's text is no KQL: "Fix syntax errors in your query."
    Syntax,
    /// A name or a type is wrong: "Fix semantic errors in your query."
    Semantic,
    /// A table isn't in this tenant, or the app may not read it (the API says the same of both).
    TableMissing {
        /// The table's name, as the API gives it.
        table: String,
    },
    /// The query was preempted: "exceeded the allowed limits". Comes and goes for the same query.
    LimitsExceeded,
    /// Too many bytes: "exceeded the allowed result size", or the proxy's 502 for the same.
    ResultSize,
    /// Too many calls.
    ThrottledCalls(ThrottleWindow),
    /// The tenant's CPU is spent until the next quarter hour.
    ThrottledCpu,
    /// The service or we gave up waiting.
    Timeout,
    /// The app lacks a role or a scope.
    Forbidden,
    /// The token isn't taken.
    Unauthorized,
    /// The tenant has no licence, or isn't provisioned.
    Unlicensed,
    /// The token endpoint refused: wrong or expired secret, unknown app or tenant.
    SignIn,
    /// A secret can't be read on this machine.
    Secret,
    /// The request itself is wrong: a bad body, a wrong path (a fault of huntd or of `api_url`), or
    /// a query of a megabyte and more (413), which no smaller window would shorten.
    Request,
    /// The service failed (5xx), or can't be reached.
    Service,
    /// A body that breaks off, lies about its length, or is no JSON: never a short result.
    BrokenBody,
}

impl FailureClass {
    /// A stable word for logs and JSON.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Semantic => "semantic",
            Self::TableMissing { .. } => "table_missing",
            Self::LimitsExceeded => "limits_exceeded",
            Self::ResultSize => "result_size",
            Self::ThrottledCalls(_) => "throttled_calls",
            Self::ThrottledCpu => "throttled_cpu",
            Self::Timeout => "timeout",
            Self::Forbidden => "forbidden",
            Self::Unauthorized => "unauthorized",
            Self::Unlicensed => "unlicensed",
            Self::SignIn => "sign_in",
            Self::Secret => "secret",
            Self::Request => "request",
            Self::Service => "service",
            Self::BrokenBody => "broken_body",
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failed call: its class, and what a person needs to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiFailure {
    /// What kind it is.
    pub class: FailureClass,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// What the API said, verbatim but for doubled full stops, cut to a sensible length; no secret
    /// and no control character is in it.
    pub message: String,
    /// How to mend it, where that can be said.
    pub hint: Option<String>,
    /// How long to wait before the next call, where the answer says so.
    pub wait: Option<Duration>,
    /// The service's id of the request (`request-id` or `target`), for a support case.
    pub request_id: Option<String>,
}
