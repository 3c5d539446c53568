//! What a refusal means: status, headers and body to one [`ApiFailure`]. Pure.
//!
//! The API says `BadRequest` for nearly everything, so classes hang on stable parts of the text;
//! each literal and its source stands in docs/api.md. Codes and texts are compared without case.

use std::time::Duration;

use serde_json::Value;

use super::envelope::Envelope;
use super::text::{Veil, is_page, of_page, shown, shown_id};
use crate::model::failure::{ApiFailure, FailureClass};
use crate::model::time::Timestamp;
use crate::rules::quota::read_429;

/// The longest wait that is taken from an answer: longer ones would be a slip, and the quota's own
/// blocks come on top.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// An answer that is no result.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Refusal<'a> {
    /// The HTTP status.
    pub(super) status: u16,
    /// The header `Retry-After`.
    pub(super) retry_after: Option<&'a str>,
    /// The header `Location`.
    pub(super) location: Option<&'a str>,
    /// The headers' id of the request.
    pub(super) request_id: Option<&'a str>,
    /// The permission that this API needs.
    pub(super) permission: &'static str,
    /// The body, inflated.
    pub(super) body: &'a [u8],
}

/// The failure that `refusal` tells of. `now` is for a `Retry-After` that is a date.
pub(super) fn classify(refusal: &Refusal<'_>, now: Timestamp, veil: Veil<'_>) -> ApiFailure {
    let envelope = Envelope::read(refusal.body);
    let message = message(refusal, envelope.as_ref(), veil);
    told(refusal, &envelope.unwrap_or_default(), message, now, veil)
}

/// The failure of an answer with status 200 that has an `error` member.
pub(super) fn classify_member(refusal: &Refusal<'_>, error: &Value, now: Timestamp, veil: Veil<'_>) -> ApiFailure {
    let envelope = Envelope::of(error);
    let said = if envelope.message.trim().is_empty() { error.to_string() } else { envelope.message.clone() };
    let message = shown(&said, veil);
    told(refusal, &envelope, message, now, veil)
}

fn told(refusal: &Refusal<'_>, envelope: &Envelope, message: String, now: Timestamp, veil: Veil<'_>) -> ApiFailure {
    let words = Words { status: refusal.status, code: envelope.code.to_lowercase(), text: message.to_lowercase() };
    let class = words.class(&message);
    let id = envelope.request_id.as_deref().or(refusal.request_id);
    ApiFailure {
        hint: hint(&class, refusal, &message),
        wait: wait(&class, refusal.retry_after, &words.text, now),
        class,
        status: Some(refusal.status),
        request_id: id.and_then(|id| shown_id(id, veil)),
        message,
    }
}

/// What the API said; where it said nothing, what can be said of its answer.
fn message(refusal: &Refusal<'_>, envelope: Option<&Envelope>, veil: Veil<'_>) -> String {
    let status = refusal.status;
    let raw = String::from_utf8_lossy(refusal.body);
    match envelope {
        Some(envelope) if !envelope.message.trim().is_empty() => shown(&envelope.message, veil),
        _ if (300..400).contains(&status) => shown(&redirection(status, refusal.location), veil),
        _ if raw.trim().is_empty() => format!("HTTP {status} with an empty body"),
        Some(_) => shown(&format!("HTTP {status} without a message: {raw}"), veil),
        None if is_page(&raw) => shown(&format!("HTTP {status} with a web page: {}", of_page(&raw)), veil),
        None => shown(&format!("HTTP {status}: {raw}"), veil),
    }
}

/// Names the other host alone: the rest of such a URL may hold a session.
fn redirection(status: u16, location: Option<&str>) -> String {
    let host = location.and_then(|to| url::Url::parse(to).ok()).and_then(|to| to.host_str().map(str::to_owned));
    format!("HTTP {status} leads to {}, and huntd follows no redirection", host.as_deref().unwrap_or("another place"))
}

/// What a refusal's class is decided from: code and text in lower case.
struct Words {
    status: u16,
    code: String,
    text: String,
}

impl Words {
    fn says(&self, parts: &[&str]) -> bool {
        parts.iter().any(|part| self.text.contains(part))
    }

    fn class(&self, message: &str) -> FailureClass {
        self.throttled()
            .or_else(|| self.of_the_query(message))
            .or_else(|| self.of_access())
            .or_else(|| self.of_size())
            .unwrap_or_else(|| self.of_status())
    }

    fn throttled(&self) -> Option<FailureClass> {
        let by_code = matches!(self.code.as_str(), "429" | "toomanyrequests");
        let by_text = self.says(&["api calls quota exceeded", "exceeded processing resources"]);
        (self.status == 429 || by_code || by_text).then(|| read_429(&self.text).0)
    }

    /// The query's own faults, which end in a fixed sentence. They come first of those decided by
    /// text, as they quote names out of the query, which could read like any other.
    fn of_the_query(&self, message: &str) -> Option<FailureClass> {
        if !matches!(self.status, 200 | 400) {
            return None;
        }
        if let Some(table) = missing_table(&self.text, message) {
            return Some(FailureClass::TableMissing { table });
        }
        let syntax = ["fix syntax errors", "a recognition error occurred", "the query contains syntax errors"];
        if self.says(&["fix semantic errors", "failed to resolve", "has a semantic error"]) {
            Some(FailureClass::Semantic)
        } else if self.says(&syntax) {
            Some(FailureClass::Syntax)
        } else {
            None
        }
    }

    fn of_access(&self) -> Option<FailureClass> {
        let unlicensed = ["no tvm license", "account mode is inactive", "account is not provisioned"];
        if self.status == 402 || self.says(&unlicensed) {
            return Some(FailureClass::Unlicensed);
        }
        let forbidden = ["missing application roles", "missing application scopes", "insufficient privileges"];
        let by_code = self.code.ends_with("permissionmissing") || self.code == "authorization_requestdenied";
        if self.status == 403 || by_code || self.code == "forbidden" || self.says(&forbidden) {
            return Some(FailureClass::Forbidden);
        }
        let refused = matches!(self.code.as_str(), "invalidauthenticationtoken" | "unauthorized");
        (self.status == 401 || refused).then_some(FailureClass::Unauthorized)
    }

    fn of_size(&self) -> Option<FailureClass> {
        if self.says(&["allowed result size", "result size limit exceeded"]) {
            Some(FailureClass::ResultSize)
        } else if self.says(&["allowed limits", "excessive resource consumption", "query stopped. adjust use"]) {
            Some(FailureClass::LimitsExceeded)
        } else if self.says(&["exceeded the timeout period"]) {
            Some(FailureClass::Timeout)
        } else {
            None
        }
    }

    fn of_status(&self) -> FailureClass {
        match self.status {
            // Rows beside an error, or no rows: never a result.
            200..=299 => FailureClass::BrokenBody,
            408 | 504 => FailureClass::Timeout,
            // The proxy in front of the service gives up on an answer that is too big for it.
            502 => FailureClass::ResultSize,
            500..=599 => FailureClass::Service,
            // A refusal of the query that names no cause: the text is all there is.
            400 if self.code == "badrequest" && !self.text.starts_with("http 400") && !self.says(&["segment"]) => {
                FailureClass::Semantic
            }
            _ => FailureClass::Request,
        }
    }
}

/// The table that isn't there. Unknown columns are called scalar expressions.
fn missing_table(lower: &str, message: &str) -> Option<String> {
    const MARKS: [&str; 2] =
        ["failed to resolve table or column expression named '", "failed to resolve table expression named '"];
    let start = MARKS.iter().find_map(|mark| lower.find(mark).map(|at| at + mark.len()))?;
    // Lower case may have other lengths outside ASCII: then the lower text serves as well.
    let source = if message.len() == lower.len() { message } else { lower };
    let name = source.get(start..)?;
    let end = name.find('\'')?;
    name.get(..end).map(str::to_owned)
}

fn hint(class: &FailureClass, refusal: &Refusal<'_>, message: &str) -> Option<String> {
    let text = match class {
        FailureClass::Syntax => {
            "mend the query; the API names no line, `huntd check` and the portal's editor do".to_owned()
        }
        FailureClass::Semantic => {
            "a name, a type or a function doesn't fit this tenant's schema: compare with the schema in the portal".to_owned()
        }
        FailureClass::TableMissing { table } => format!(
            "either `{table}` is misspelt, or it isn't part of this tenant's licences, or the app may not read it \
             (permission {}); `tenants:` in the hunt keeps it to tenants that have it",
            refusal.permission
        ),
        FailureClass::LimitsExceeded => {
            "filter earlier and on fewer columns, or shorten the lookback; a busy service says the same of good queries".to_owned()
        }
        FailureClass::ResultSize => "`project` fewer columns, or shorten the lookback".to_owned(),
        FailureClass::ThrottledCalls(_) => {
            "all apps share the tenant's calls: lower calls_per_minute or calls_per_hour in huntd.yaml".to_owned()
        }
        FailureClass::ThrottledCpu => {
            "all apps share the tenant's CPU: make the dearest hunts lighter or rarer (`huntd quota`)".to_owned()
        }
        FailureClass::Timeout => "the query takes too long for the service: filter earlier, or shorten the lookback".to_owned(),
        FailureClass::Forbidden => permission_hint(refusal.permission, message),
        FailureClass::Unauthorized => {
            "the API doesn't take this token: check that client_id, tenant_id, api and cloud belong together".to_owned()
        }
        FailureClass::Unlicensed => {
            "the tenant has no licence for advanced hunting, or Defender XDR was never opened there: sign in once at the Defender portal".to_owned()
        }
        FailureClass::Request if refusal.status == 413 => {
            "the query is too long for the service (about 1 MB): move lists out of it, or split the hunt".to_owned()
        }
        FailureClass::Request => "check api and api_url in huntd.yaml, and any proxy in between".to_owned(),
        FailureClass::Service => "the service's own fault, often a passing one; where it lasts, see whether the portal runs the query".to_owned(),
        FailureClass::BrokenBody => "nothing is taken from such an answer".to_owned(),
        FailureClass::SignIn | FailureClass::Secret => return None,
    };
    Some(text)
}

/// Names the permission that the API asks for, and those that the token has.
fn permission_hint(permission: &str, message: &str) -> String {
    let between = |from: &str| {
        let start = message.find(from)? + from.len();
        let rest = message.get(start..)?;
        let list = rest.split(", application roles:").next()?;
        Some(list.trim().trim_end_matches('.').to_owned()).filter(|list| !list.is_empty())
    };
    let wanted = between("API required roles:").unwrap_or_else(|| permission.to_owned());
    let grant = format!("grant the app the application permission {wanted} and give admin consent");
    match between(", application roles:") {
        Some(held) => format!("{grant}; its token holds {held}"),
        None => format!("{grant}; a new permission counts from the next token on"),
    }
}

fn wait(class: &FailureClass, retry_after: Option<&str>, text: &str, now: Timestamp) -> Option<Duration> {
    let throttled = matches!(class, FailureClass::ThrottledCalls(_) | FailureClass::ThrottledCpu);
    let asked = retry_after.and_then(|header| retry_after_span(header, now));
    let asked = asked.or_else(|| if throttled { read_429(text).1 } else { None });
    asked.map(|wait| wait.min(LONGEST_WAIT))
}

/// `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).
pub(super) fn retry_after_span(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    if header.bytes().all(|byte| byte.is_ascii_digit()) && !header.is_empty() {
        // More digits than fit are a very long wait, not none.
        return Some(Duration::from_secs(header.parse().unwrap_or(u64::MAX)).min(LONGEST_WAIT));
    }
    Timestamp::parse_rfc2822(header).map(|at| at.since(now).min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests;
