//! What the token endpoint answers. Pure.
//!
//! Sources: Microsoft Learn, OAuth 2.0 client credentials flow, and Microsoft Entra error codes
//! (read 2026-11-24). Microsoft asks programs not to act on the codes: they choose a hint here, and
//! nothing else.

use std::time::Duration;

use serde_json::Value;

use super::classify::retry_after_span;
use super::fault;
use super::text::{Veil, is_page, of_page, shown, shown_id};
use crate::model::failure::{ApiFailure, FailureClass};
use crate::model::secret::SecretString;
use crate::model::time::Timestamp;

/// The life of a token whose answer doesn't tell it: short, so that it is renewed soon.
const UNTOLD_LIFE: Duration = Duration::from_mins(5);
/// The longest life that is believed; a policy can set up to a day.
const LONGEST_LIFE: Duration = Duration::from_hours(24);

/// A token and how long it lives.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) token: SecretString,
    pub(super) life: Duration,
}

/// An answer of the token endpoint.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TokenAnswer<'a> {
    pub(super) host: &'a str,
    pub(super) status: u16,
    pub(super) retry_after: Option<&'a str>,
    pub(super) body: &'a [u8],
}

/// Reads an answer: the token, or why there is none.
pub(super) fn read(answer: &TokenAnswer<'_>, now: Timestamp, veil: Veil<'_>) -> Result<Grant, ApiFailure> {
    let body: Option<Value> = serde_json::from_slice(answer.body).ok();
    if answer.status == 200 {
        return body.as_ref().and_then(grant).ok_or_else(|| no_token(answer, veil));
    }
    Err(refused(answer, body.as_ref().unwrap_or(&Value::Null), now, veil))
}

fn grant(body: &Value) -> Option<Grant> {
    // What can't stand in a header is no token.
    let token = body.get("access_token")?.as_str()?;
    let plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    plain.then(|| Grant { token: SecretString::from(token), life: life(body.get("expires_in")) })
}

/// `expires_in` is a number on this endpoint and a string on its older kin.
fn life(expires_in: Option<&Value>) -> Duration {
    let seconds = match expires_in {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let life = seconds.and_then(|seconds: f64| Duration::try_from_secs_f64(seconds.max(0.0)).ok());
    life.unwrap_or(UNTOLD_LIFE).min(LONGEST_LIFE)
}

/// 200 without a token: a page of a proxy or of a hotel, most often, which goes away by itself.
fn no_token(answer: &TokenAnswer<'_>, veil: Veil<'_>) -> ApiFailure {
    let raw = String::from_utf8_lossy(answer.body);
    let what = if is_page(&raw) {
        format!("a web page came instead: {}", shown(&of_page(&raw), veil))
    } else {
        "the answer holds none".to_owned()
    };
    let hint = "look for a proxy in between, and check login_url in huntd.yaml";
    failure(answer, FailureClass::Service, &what, Some(hint.to_owned()))
}

fn refused(answer: &TokenAnswer<'_>, body: &Value, now: Timestamp, veil: Veil<'_>) -> ApiFailure {
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let description = text("error_description");
    let passing = matches!(answer.status, 408 | 429 | 500..=599) || text("error") == "temporarily_unavailable";
    let class = match answer.status {
        _ if passing => FailureClass::Service,
        300..=399 => FailureClass::Request,
        _ => FailureClass::SignIn,
    };
    let what = match first_line(description) {
        "" => unexplained(answer, text("error")),
        line => line.to_owned(),
    };
    let hint = match class {
        FailureClass::Service => Some("a fault of the sign-in service, most often a passing one".to_owned()),
        FailureClass::Request => Some("check login_url in huntd.yaml: huntd follows no redirection".to_owned()),
        _ => Some(hint(&codes(body, description)).to_owned()),
    };
    let asked = answer.retry_after.filter(|_| passing).and_then(|header| retry_after_span(header, now));
    let id = ["trace_id", "correlation_id"].into_iter().map(text).find(|id| !id.is_empty());
    ApiFailure {
        wait: asked,
        request_id: id.and_then(|id| shown_id(id, veil)),
        ..failure(answer, class, &shown(&what, veil), hint)
    }
}

fn failure(answer: &TokenAnswer<'_>, class: FailureClass, what: &str, hint: Option<String>) -> ApiFailure {
    let message = format!("no token from {}: {what}", answer.host);
    ApiFailure { status: Some(answer.status), hint, ..fault::plain(class, message) }
}

/// The lines behind it are ids and a time, which stand in members of their own.
fn first_line(description: &str) -> &str {
    description.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

fn unexplained(answer: &TokenAnswer<'_>, code: &str) -> String {
    let (status, raw) = (answer.status, String::from_utf8_lossy(answer.body));
    if !code.is_empty() {
        format!("HTTP {status}, {code}")
    } else if is_page(&raw) {
        format!("HTTP {status} with a web page: {}", of_page(&raw))
    } else if raw.trim().is_empty() {
        format!("HTTP {status} with an empty body")
    } else {
        format!("HTTP {status}: {raw}")
    }
}

/// `error_codes`, and the number that the text begins with where they are missing.
fn codes(body: &Value, description: &str) -> Vec<u64> {
    let listed = body.get("error_codes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_u64);
    let said = description.strip_prefix("AADSTS").and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    listed.chain(said.and_then(|code| code.parse().ok())).collect()
}

/// Code and mend; the first that is known counts.
const HINTS: [(&[u64], &str); 12] = [
    (&[7_000_215], "the secret is wrong: give the secret's value, not its id, of this very app"),
    (
        &[7_000_222],
        "the secret has expired: make a new one for the app and put it in place; huntd reads it anew each time",
    ),
    (
        &[700_016],
        "no app with this client_id is in this tenant: check both, and that an admin has consented to it there",
    ),
    (&[90_002, 900_023, 900_021], "no such tenant in this cloud: check tenant_id and cloud"),
    (&[700_027], "the certificate isn't registered with the app, or the key doesn't belong to it"),
    (&[700_024], "this machine's clock is wrong: check its time synchronisation"),
    (&[700_021, 700_023], "the assertion was made for another app or cloud: check client_id and cloud"),
    (&[70_011, 500_011, 50_001], "the API isn't known in this tenant: check api and cloud"),
    (&[700_211, 700_212, 700_213], "the app's federated credential names another issuer, audience or subject"),
    (&[53_003, 530_003], "a conditional access policy blocks the app: except it, or allow this machine's address"),
    (&[7_000_218, 90_011], "the request lacks a part or has one twice: check client_id and the secret"),
    (&[9_002_313], "the request is malformed: check tenant_id, client_id and login_url for stray characters"),
];

fn hint(codes: &[u64]) -> &'static str {
    let known = HINTS.iter().find(|(known, _)| codes.iter().any(|code| known.contains(code)));
    known.map_or("check tenant_id, client_id and the secret in huntd.yaml; the AADSTS code is explained at login.microsoftonline.com/error", |(_, hint)| hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::ExposeSecret;

    fn answer(status: u16, body: &str) -> Result<Grant, ApiFailure> {
        let answer = TokenAnswer { host: "login.example", status, retry_after: Some("9"), body: body.as_bytes() };
        read(&answer, Timestamp::EPOCH, Veil(&["hush"]))
    }

    #[test]
    fn lives_in_any_form() {
        let cases = [
            ("3599", 3599.0),
            ("\"3599\"", 3599.0),
            ("3599.5", 3599.5),
            ("0", 0.0),
            ("-5", 0.0),
            ("1e300", 300.0),
            ("999999999", 86_400.0),
            ("null", 300.0),
            ("\"soon\"", 300.0),
            ("\"NaN\"", 0.0),
        ];
        for (life, wanted) in cases {
            let grant =
                answer(200, &format!(r#"{{"token_type":"Bearer","expires_in":{life},"access_token":"abc"}}"#)).unwrap();
            assert!((grant.life.as_secs_f64() - wanted).abs() < 0.001, "{life} gave {:?}", grant.life);
            assert_eq!(grant.token.expose_secret(), "abc");
            assert!(!format!("{grant:?}").contains("abc"));
        }
    }

    #[test]
    fn a_200_without_a_token_is_a_fault_of_the_way() {
        for body in ["", "{}", r#"{"access_token":""}"#, r#"{"access_token":"a\nb"}"#, r#"{"access_token":1}"#] {
            let failure = answer(200, body).unwrap_err();
            assert_eq!(
                (failure.class, &*failure.message),
                (FailureClass::Service, "no token from login.example: the answer holds none")
            );
        }
        let page = answer(200, "<html><title>Wi-Fi login</title></html>").unwrap_err();
        assert_eq!(page.message, "no token from login.example: a web page came instead: Wi-Fi login");
    }

    #[test]
    fn refusals_and_their_hints() {
        let body = |code: u64| {
            serde_json::json!({"error": "invalid_client", "error_codes": [code], "trace_id": "t-1",
                "error_description": format!("AADSTS{code}: You sent hush.\r\nTrace ID: t-1\r\nCorrelation ID: c")})
            .to_string()
        };
        for (codes, hint) in HINTS {
            for code in codes {
                let failure = answer(401, &body(*code)).unwrap_err();
                assert_eq!(failure.class, FailureClass::SignIn);
                assert_eq!(failure.message, format!("no token from login.example: AADSTS{code}: You sent ***."));
                assert_eq!(failure.hint.as_deref(), Some(hint));
                assert_eq!((failure.wait, failure.request_id.as_deref()), (None, Some("t-1")));
            }
        }
        let untold = answer(400, r#"{"error":"x","error_description":"AADSTS7000222: expired"}"#).unwrap_err();
        assert!(untold.hint.unwrap().contains("expired"));
        assert!(answer(400, &body(1)).unwrap_err().hint.unwrap().contains("AADSTS"));
    }

    #[test]
    fn what_may_pass_is_the_services_fault() {
        let cases = [
            (500, "", "HTTP 500 with an empty body"),
            (503, "<html>Down</html>", "HTTP 503 with a web page: Down"),
            (429, "slow down", "HTTP 429: slow down"),
            (400, r#"{"error":"temporarily_unavailable"}"#, "HTTP 400, temporarily_unavailable"),
        ];
        for (status, body, said) in cases {
            let failure = answer(status, body).unwrap_err();
            assert_eq!(failure.class, FailureClass::Service, "{status}");
            assert_eq!(failure.message, format!("no token from login.example: {said}"));
            assert_eq!(failure.wait, Some(Duration::from_secs(9)));
        }
        assert_eq!(answer(302, "").unwrap_err().class, FailureClass::Request);
        assert_eq!(answer(404, "<html>Not found</html>").unwrap_err().class, FailureClass::SignIn);
    }
}
