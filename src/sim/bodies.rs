//! The service's own texts, as captures and Microsoft's pages show them (docs/api.md has the sources).
//!
//! Where no capture is known, the text is the documented sentence in the dialect's usual envelope.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;

use super::cell::guid;
use crate::model::time::Timestamp;

/// Which of the two APIs is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// Microsoft Graph.
    Graph,
    /// The older API.
    Defender,
}

/// What an error body says besides its text.
#[derive(Debug, Clone)]
pub struct Trace {
    /// The dialect.
    pub dialect: Dialect,
    /// When.
    pub now: Timestamp,
    /// The service's id of the request, as a GUID.
    pub request_id: String,
    /// The client's id, where it sent one; else the service's.
    pub client_request_id: String,
}

/// An answer's status, type, extra headers and body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The status.
    pub status: u16,
    /// The body's type.
    pub content_type: String,
    /// Seconds of `Retry-After`, or any text in its place.
    pub retry_after: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Text {
    /// A body of that type.
    #[must_use]
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, content_type: content_type.to_owned(), retry_after: None, body: body.into() }
    }

    /// nginx's page for `status`, which stands before the service.
    #[must_use]
    pub fn gateway_page(status: u16, reason: &str) -> Self {
        let body = format!(
            "<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body>\r\n<center><h1>{status} {reason}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
        );
        Self::new(status, "text/html", body)
    }

    fn waiting(mut self, seconds: Option<u64>) -> Self {
        self.retry_after = seconds.map(|seconds| seconds.to_string());
        self
    }
}

impl Trace {
    /// `2024-02-13T22:04:59`: in UTC, with neither zone nor fraction.
    fn date(&self) -> String {
        self.now.chrono().format("%Y-%m-%dT%H:%M:%S").to_string()
    }

    /// An error in the dialect's envelope.
    #[must_use]
    pub fn error(&self, status: u16, code: &str, message: &str) -> Text {
        let error = match self.dialect {
            Dialect::Graph => json!({"error": {"code": code, "message": message, "innerError": {
                "date": self.date(), "request-id": self.request_id, "client-request-id": self.client_request_id}}}),
            Dialect::Defender => json!({"error": {"code": code, "message": message, "target": self.target(code)}}),
        };
        Text::new(status, "application/json; charset=utf-8", error.to_string())
    }

    /// The hunting backend marks its errors `|trace.span.`, the gateway with a GUID.
    fn target(&self, code: &str) -> String {
        if code != "BadRequest" {
            return self.request_id.clone();
        }
        let head = self.request_id.get(..8).unwrap_or_default();
        let tail = self.request_id.get(19..36).unwrap_or_default().replace('-', "");
        format!("|{head}-{tail}.")
    }

    /// A table that isn't in the tenant; both dialects say it alike, also of a missing permission.
    #[must_use]
    pub fn unknown_table(&self, table: &str) -> Text {
        self.error(400, "BadRequest", &format!(
            "'where' operator: Failed to resolve table or column expression named '{table}'. Fix semantic errors in your query."
        ))
    }

    /// A column that isn't there.
    #[must_use]
    pub fn unknown_column(&self) -> Text {
        self.error(
            400,
            "BadRequest",
            "'project' operator: Failed to resolve scalar expression named 'Nope'. Fix semantic errors in your query.",
        )
    }

    /// No KQL. The two full stops are the service's.
    #[must_use]
    pub fn syntax(&self) -> Text {
        let message = match self.dialect {
            Dialect::Graph => "Query operator expected.. Fix syntax errors in your query.",
            Dialect::Defender => "A recognition error occurred.. Fix syntax errors in your query.",
        };
        self.error(400, "BadRequest", message)
    }

    /// Preempted for its cost.
    #[must_use]
    pub fn limits_exceeded(&self) -> Text {
        self.error(400, "BadRequest", "Query execution has exceeded the allowed limits. The query execution was preempted. This could possibly be due to high CPU and/or memory resource consumption. Optimize your query by following best practices and try again.")
    }

    /// Too many bytes.
    #[must_use]
    pub fn result_size(&self) -> Text {
        self.error(400, "BadRequest", "Query execution has exceeded the allowed result size. Optimize your query by limiting the number of results and try again.")
    }

    /// A body that is no JSON, or has no query.
    #[must_use]
    pub fn bad_body(&self) -> Text {
        match self.dialect {
            Dialect::Graph => self.error(400, "BadRequest", "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format."),
            Dialect::Defender => self.error(400, "InvalidRequestBody", "Request body is incorrect"),
        }
    }

    /// A `Timespan` in none of its forms. No capture of this text is known.
    #[must_use]
    pub fn bad_timespan(&self, given: &str) -> Text {
        self.error(400, "BadRequest", &format!("The value '{given}' is not valid for Timespan."))
    }

    /// A path that isn't there.
    #[must_use]
    pub fn no_such_path(&self, segment: &str) -> Text {
        match self.dialect {
            Dialect::Graph => {
                self.error(400, "BadRequest", &format!("Resource not found for the segment '{segment}'."))
            }
            Dialect::Defender => self.error(404, "ResourceNotFound", &format!("Resource {segment} was not found")),
        }
    }

    /// A token that isn't known, or no longer.
    #[must_use]
    pub fn unauthorized(&self) -> Text {
        match self.dialect {
            Dialect::Graph => {
                self.error(401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid.")
            }
            Dialect::Defender => self.error(401, "Unauthorized", "The access token is invalid or has expired."),
        }
    }

    /// A tenant without Defender.
    #[must_use]
    pub fn unlicensed(&self) -> Text {
        let code = if self.dialect == Dialect::Graph { "UnknownError" } else { "Unauthorized" };
        self.error(401, code, "Unauthorized request - reason of failure: Account mode is inactive")
    }

    /// A role that the app has not; the text names those that it has.
    #[must_use]
    pub fn forbidden(&self, needed: &str, has: &[String]) -> Text {
        self.error(
            403,
            "Forbidden",
            &format!("Missing application roles. API required roles: {needed}, application roles: {}.", has.join(",")),
        )
    }

    /// Too many calls, in the wording without a wait.
    #[must_use]
    pub fn throttled(&self, limit: u32, per: &str, wait: Option<u64>) -> Text {
        self.error(429, "429", &format!("API calls quota exceeded! maximum allowed {limit} per {per}")).waiting(wait)
    }

    /// Too many calls, in the newer wording, which names the wait.
    #[must_use]
    pub fn throttled_newer(&self, limit: u32, per: &str, seconds: u64, wait: Option<u64>) -> Text {
        let message = format!(
            "API calls quota exceeded! Maximum allowed {limit} per {per} for the key Destination+TenantID+AppID. You can send requests again in {seconds} seconds."
        );
        self.error(429, "429", &message).waiting(wait)
    }

    /// CPU is spent.
    #[must_use]
    pub fn throttled_cpu(&self, wait: Duration, retry_after: Option<u64>) -> Text {
        // Up to whole seconds: who comes back then must not be a moment too early.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let span = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        let message = format!(
            "You have exceeded processing resources allocated to this tenant. You can run queries again in {span}."
        );
        self.error(429, "TooManyRequests", &message).waiting(retry_after)
    }

    /// The gateway's 429, which names no window.
    #[must_use]
    pub fn throttled_gateway(&self, wait: Option<u64>) -> Text {
        let body = json!({"error": {"code": "TooManyRequests", "innerError": {
            "code": "429", "date": self.date(), "message": "Please retry after",
            "request-id": self.request_id, "status": "429"}, "message": "Please retry again later."}});
        Text::new(429, "application/json", body.to_string()).waiting(wait)
    }

    /// A failure of which the service says nothing.
    #[must_use]
    pub fn unknown_error(&self, status: u16) -> Text {
        match self.dialect {
            Dialect::Graph => self.error(status, "UnknownError", ""),
            Dialect::Defender => self.error(status, "InternalServerError", ""),
        }
    }
}

/// An error of the token endpoint.
#[must_use]
pub fn sign_in_error(status: u16, error: &str, number: u32, message: &str, now: Timestamp, draw: u64) -> Text {
    let timestamp = now.chrono().format("%Y-%m-%d %H:%M:%SZ").to_string();
    let (trace, correlation) = (guid(draw), guid(draw ^ 0x5555));
    let mut description = format!("AADSTS{number}: {message}");
    // Writing to a String can't fail.
    write!(description, "\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {timestamp}")
        .unwrap_or_default();
    let body = json!({
        "error": error, "error_description": description, "error_codes": [number], "timestamp": timestamp,
        "trace_id": trace, "correlation_id": correlation,
        "error_uri": format!("https://login.microsoftonline.com/error?code={number}"),
    });
    Text::new(status, "application/json; charset=utf-8", body.to_string())
}
