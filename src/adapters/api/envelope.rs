//! The envelope of a refusal, read leniently: the services, their gateways and their documents
//! differ in its form (docs/api.md).

use serde_json::Value;

/// What an envelope says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Envelope {
    /// `code`, as it stands.
    pub(super) code: String,
    /// `message`, as it stands; may be blank.
    pub(super) message: String,
    /// `request-id` of the inner error, else `target`.
    pub(super) request_id: Option<String>,
}

/// How deep inner errors are followed.
const DEPTH: usize = 8;

impl Envelope {
    /// Reads a body; `None` where it is no JSON object.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        body.is_object().then(|| match member(&body, &["error"]) {
            Some(Value::String(code)) => {
                Self { code: code.clone(), message: text(&body, &["error_description", "message"]), request_id: None }
            }
            Some(error) if error.is_object() => Self::of(error),
            // `"error": true`, or none: the portal's own form, and OData's older one.
            _ => Self::of(&body),
        })
    }

    /// Reads the value of an `error` member.
    pub(super) fn of(error: &Value) -> Self {
        if let Value::String(text) = error {
            return Self { message: text.clone(), ..Self::default() };
        }
        let inner = inner_errors(error);
        let deepest =
            |keys: &[&str]| inner.iter().rev().map(|inner| text(inner, keys)).find(|found| !found.trim().is_empty());
        let mut message = text(error, &["message", "errormessage"]);
        if message.trim().is_empty() {
            message = deepest(&["message"]).unwrap_or(message);
        }
        let action = text(error, &["recommendedaction"]);
        if !action.is_empty() {
            message = format!("{message}. {action}");
        }
        let mut code = text(error, &["code", "errorcode"]);
        if code.is_empty() {
            code = deepest(&["code"]).unwrap_or_default();
        }
        let own_id = [text(error, &["request-id", "requestid"]), text(error, &["target"])];
        let request_id = deepest(&["request-id"]).or_else(|| own_id.into_iter().find(|id| !id.is_empty()));
        Self { code, message, request_id }
    }
}

/// `innerError` within `innerError`, outermost first.
fn inner_errors(error: &Value) -> Vec<&Value> {
    std::iter::successors(member(error, &["innererror"]), |inner| member(inner, &["innererror"])).take(DEPTH).collect()
}

/// A member whose key is one of `keys`, in any case.
fn member<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    let members = value.as_object()?;
    keys.iter()
        .find_map(|wanted| members.iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted)).map(|(_, value)| value))
}

/// A member's text; a number is text too, as `code` may be one.
fn text(value: &Value, keys: &[&str]) -> String {
    match member(value, keys) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Object(_)) => text_of_message(value, keys),
        _ => String::new(),
    }
}

/// OData's older form: `"message": {"lang": "en", "value": "…"}`.
fn text_of_message(value: &Value, keys: &[&str]) -> String {
    let inner = member(value, keys).and_then(|message| member(message, &["value"]));
    inner.and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Option<(String, String, Option<String>)> {
        Envelope::read(body.as_bytes()).map(|made| (made.code, made.message, made.request_id))
    }

    #[test]
    fn every_form_of_envelope() {
        let cases = [
            (r#"{"error":{"code":"A","message":"m","target":"|t.s."}}"#, "A", "m", Some("|t.s.")),
            (
                r#"{"error":{"code":"A","message":"m","innerError":{"request-id":"r"},"target":"t"}}"#,
                "A",
                "m",
                Some("r"),
            ),
            (
                r#"{"error":{"code":"A","message":" ","innererror":{"message":"in","request-id":"r"}}}"#,
                "A",
                "in",
                Some("r"),
            ),
            (r#"{"error":{"message":"m","innerError":{"innerError":{"code":"Deep"}}}}"#, "Deep", "m", None),
            (r#"{"Error":{"Code":429,"Message":"m"}}"#, "429", "m", None),
            (r#"{"error":"invalid_client","error_description":"d"}"#, "invalid_client", "d", None),
            (r#"{"error":true,"message":"m","code":"A"}"#, "A", "m", None),
            (
                r#"{"ErrorCode":1,"ErrorMessage":"e","RecommendedAction":"Fix it","requestId":"|x"}"#,
                "1",
                "e. Fix it",
                Some("|x"),
            ),
            (r#"{"error":{"message":{"lang":"en","value":"v"}}}"#, "", "v", None),
            ("{}", "", "", None),
        ];
        for (body, code, message, id) in cases {
            assert_eq!(read(body), Some((code.to_owned(), message.to_owned(), id.map(str::to_owned))), "{body}");
        }
        for body in ["", "[]", "\"x\"", "<html>", "{"] {
            assert_eq!(read(body), None, "{body}");
        }
    }
}
