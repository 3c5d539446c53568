//! What a token lets its bearer do, as it says itself.
//!
//! Its signature isn't checked: that is the API's part, and what is read here decides nothing but a line of text.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::line::Verdict;

/// The roles that only read hunting data: an app that moves from one API to the other has both for a while.
const HUNTING: [&str; 2] = ["ThreatHunting.Read.All", "AdvancedHunting.Read.All"];
/// So many are named.
const NAMED: usize = 5;

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    roles: Vec<String>,
}

/// The roles in a token; none where it is no JWT.
fn granted(token: &str) -> Option<Vec<String>> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    Some(serde_json::from_slice::<Claims>(&bytes).ok()?.roles)
}

/// Whether `token` has the role `needed` of the API `api`, and not many more.
#[must_use]
pub fn roles(token: &str, needed: &str, api: &str) -> Verdict {
    let Some(granted) = granted(token) else {
        return Verdict::skipped(
            "the token's roles can't be read, as it isn't a JWT",
            "`call` below shows whether the API takes it",
        );
    };
    if !granted.iter().any(|role| role == needed) {
        let has = if granted.is_empty() { "has no role at all".to_owned() } else { format!("has {}", list(&granted)) };
        return Verdict::failed(
            format!("the app lacks {needed}: it {has}"),
            format!(
                "grant the app the application permission (not the delegated one) {needed} of {api}, and let an admin consent to it; it counts with the next token"
            ),
        );
    }
    let more: Vec<String> = granted.into_iter().filter(|role| !HUNTING.contains(&role.as_str())).collect();
    if more.is_empty() {
        return Verdict::ok(format!("the app has {needed}"));
    }
    Verdict::warning(
        format!("the app has {needed}, and more than huntd needs: {}", list(&more)),
        "take the other permissions from the app, or give huntd an app of its own: who gets its secret gets them all",
    )
}

fn list(roles: &[String]) -> String {
    let named: Vec<&str> = roles.iter().take(NAMED).map(String::as_str).collect();
    let rest = roles.len().saturating_sub(NAMED);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{}{more}", named.join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::line::State;
    use super::*;

    fn token(payload: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
    }

    fn judged(token: &str) -> (State, String) {
        let verdict = roles(token, "ThreatHunting.Read.All", "Microsoft Graph");
        (verdict.state, verdict.message)
    }

    #[test]
    fn the_role_is_there_or_not() {
        let cases = [
            (r#"{"roles":["ThreatHunting.Read.All"]}"#, State::Ok, "the app has ThreatHunting.Read.All"),
            (
                r#"{"roles":["AdvancedHunting.Read.All","ThreatHunting.Read.All"],"aud":"x"}"#,
                State::Ok,
                "the app has ThreatHunting.Read.All",
            ),
            (r#"{"aud":"x"}"#, State::Failed, "the app lacks ThreatHunting.Read.All: it has no role at all"),
            (r#"{"roles":["Mail.Read"]}"#, State::Failed, "the app lacks ThreatHunting.Read.All: it has Mail.Read"),
            (
                r#"{"roles":["a","b","c","d","e","f","g"]}"#,
                State::Failed,
                "the app lacks ThreatHunting.Read.All: it has a, b, c, d, e and 2 more",
            ),
            (
                r#"{"roles":["ThreatHunting.Read.All","Directory.ReadWrite.All"]}"#,
                State::Warning,
                "the app has ThreatHunting.Read.All, and more than huntd needs: Directory.ReadWrite.All",
            ),
        ];
        for (payload, state, message) in cases {
            assert_eq!(judged(&token(payload)), (state, message.to_owned()));
        }
    }

    #[test]
    fn what_is_no_jwt_is_no_fault() {
        for token in ["", "opaque", "a.b", "e30.%%%.x", "e30.bm8.x", &token(r#"{"roles":"text"}"#)] {
            assert_eq!(judged(token).0, State::Skipped, "{token}");
        }
    }

    proptest! {
        #[test]
        fn no_token_panics(token in "[A-Za-z0-9_=.-]{0,60}") {
            judged(&token);
        }
    }
}
