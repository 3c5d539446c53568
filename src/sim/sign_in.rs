//! The token endpoint: `POST /{tenant}/oauth2/v2.0/token`, with a client's secret.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::bodies::{Dialect, Text, sign_in_error};
use super::cell::mix;
use super::http::{Damage, Reply, Request};
use super::ledger::{Call, Token};
use super::packer::Packing;
use super::scenario::{Effect, Framing, SimTenant};
use super::state::{State, reply};
use crate::model::time::Timestamp;

/// The resources whose tokens Graph takes (Learn: graph/deployments).
const GRAPH: [&str; 4] =
    ["graph.microsoft.com", "graph.microsoft.us", "dod-graph.microsoft.us", "microsoftgraph.chinacloudapi.cn"];
/// The resources whose tokens the older API takes (Learn: api-advanced-hunting, usgov).
const OLDER: [&str; 5] = [
    "api.security.microsoft.com",
    "api-gcc.security.microsoft.us",
    "api-gov.security.microsoft.us",
    "api.securitycenter.microsoft.com",
    "securitycenter.onmicrosoft.com",
];

/// The tenant that a path of the token endpoint names.
#[must_use]
pub fn tenant_of(path: &str) -> Option<&str> {
    path.strip_prefix('/')?.strip_suffix("/oauth2/v2.0/token").filter(|tenant| !tenant.contains('/'))
}

/// Answers a call for a token.
pub fn answer(state: &State, request: &Request, tenant: &str) -> Reply {
    let (now, draw, scenario) = (state.now(), state.draw(), state.scenario());
    let known = scenario.tenant(tenant);
    let call = Call {
        token: true,
        hunt: None,
        tenant: known.map(|known| known.id.as_str()),
        start: state.origin(&scenario),
        now,
    };
    let mut damage = Damage { delay: scenario.latency.pick(mix(&[draw, 5])), ..Damage::default() };
    let mut text = None;
    for effect in state.effects(&scenario, &call) {
        if let Some(other) = damage.take(effect) {
            text = text.or_else(|| fault(other));
        }
    }
    let text = text.unwrap_or_else(|| {
        let form: HashMap<String, String> = url::form_urlencoded::parse(&request.body).into_owned().collect();
        match check(known, tenant, &form) {
            Ok((tenant, dialect)) => grant(state, tenant, dialect, now, draw),
            Err(refusal) => sign_in_error(refusal.0, refusal.1, refusal.2, &refusal.3, now, draw),
        }
    });
    let granted = text.status == 200;
    let mut ledger = state.ledger();
    if granted {
        ledger.stats.tokens += 1;
    } else {
        ledger.stats.tokens_refused += 1;
    }
    drop(ledger);
    let headers = vec![
        ("content-type".to_owned(), text.content_type.clone()),
        ("cache-control".to_owned(), "no-store, no-cache".to_owned()),
    ];
    reply(text, headers, Framing::Length, Packing::Plain, damage)
}

fn fault(effect: Effect) -> Option<Text> {
    Some(match effect {
        Effect::BadGateway => Text::gateway_page(502, "Bad Gateway"),
        Effect::Unavailable => Text::gateway_page(503, "Service Unavailable"),
        Effect::GatewayTimeout => Text::gateway_page(504, "Gateway Timeout"),
        Effect::UnknownError | Effect::InternalError => Text::gateway_page(500, "Internal Server Error"),
        Effect::NotJson => Text::new(200, "application/json; charset=utf-8", "<html>sign in</html>"),
        Effect::Empty => Text::new(200, "application/json; charset=utf-8", ""),
        Effect::Answer { status, body, content_type, retry_after } => {
            Text { status, content_type, retry_after, body: body.into_bytes() }
        }
        _ => return None,
    })
}

/// Status, OAuth's word, AADSTS number, text.
type Refusal = (u16, &'static str, u32, String);

/// Looks at the form in the order in which the service does.
fn check<'a>(
    known: Option<&'a SimTenant>,
    name: &str,
    form: &HashMap<String, String>,
) -> Result<(&'a SimTenant, Dialect), Refusal> {
    let field = |key: &str| {
        form.get(key).filter(|value| !value.is_empty()).ok_or_else(|| {
            (
                400,
                "invalid_request",
                900_144,
                format!("The request body must contain the following parameter: '{key}'."),
            )
        })
    };
    let grant_type = field("grant_type")?;
    let client_id = field("client_id")?;
    let tenant = known.ok_or_else(|| {
        (400, "invalid_request", 90002, format!("Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."))
    })?;
    if grant_type != "client_credentials" {
        return Err((
            400,
            "unsupported_grant_type",
            70003,
            format!("The app requested an unsupported grant type '{grant_type}'."),
        ));
    }
    if *client_id != tenant.client_id {
        return Err((
            400,
            "unauthorized_client",
            700_016,
            format!(
                "Application with identifier '{client_id}' was not found in the directory '{name}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant."
            ),
        ));
    }
    let secret = form.get("client_secret").filter(|secret| !secret.is_empty()).ok_or_else(|| {
        (
            401,
            "invalid_client",
            7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.".to_owned(),
        )
    })?;
    if tenant.expired_secret.as_ref() == Some(secret) {
        return Err((
            401,
            "invalid_client",
            7_000_222,
            format!(
                "The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds."
            ),
        ));
    }
    if *secret != tenant.secret {
        return Err((
            401,
            "invalid_client",
            7_000_215,
            format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client_id}'."
            ),
        ));
    }
    let scope = field("scope")?;
    let dialect = resource(tenant, scope).ok_or_else(|| {
        (400, "invalid_scope", 70011, format!("The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."))
    })?;
    Ok((tenant, dialect))
}

/// The API that a scope is for.
fn resource(tenant: &SimTenant, scope: &str) -> Option<Dialect> {
    if !tenant.scopes.is_empty() && !tenant.scopes.iter().any(|known| known == scope) {
        return None;
    }
    let rest = scope.strip_prefix("https://")?.strip_suffix("/.default")?;
    let host = rest.split('/').next().unwrap_or_default();
    match (GRAPH.contains(&host), OLDER.contains(&host)) {
        (true, _) => Some(Dialect::Graph),
        (_, true) => Some(Dialect::Defender),
        // A scope that the scenario itself allows is for the older API unless it speaks of Graph.
        _ if !tenant.scopes.is_empty() => Some(if host.contains("graph") { Dialect::Graph } else { Dialect::Defender }),
        _ => None,
    }
}

/// The resource that defines a role; what is in no list is Graph's.
fn is_of(role: &str, dialect: Dialect) -> bool {
    let older = ["AdvancedHunting.Read.All", "AdvancedQuery.Read.All"].contains(&role);
    older == (dialect == Dialect::Defender)
}

/// A token as the service makes them, with a signature that is none. A resource's token names its own roles alone.
fn jwt(tenant: &SimTenant, dialect: Dialect, (now, ends): (Timestamp, Timestamp), draw: u64) -> String {
    let seconds = |at: Timestamp| at.nanos().div_euclid(1_000_000_000);
    let roles: Vec<&String> = tenant.roles.iter().filter(|role| is_of(role, dialect)).collect();
    let audience = if dialect == Dialect::Graph { GRAPH.first() } else { OLDER.first() };
    let mut claims = json!({
        "aud": audience.map(|host| format!("https://{host}")), "tid": tenant.id, "appid": tenant.client_id,
        "iat": seconds(now), "nbf": seconds(now), "exp": seconds(ends), "uti": format!("{draw:016x}"),
    });
    // Without any, the claim is left out.
    if let Some(claims) = claims.as_object_mut().filter(|_| !roles.is_empty()) {
        claims.insert("roles".to_owned(), json!(roles));
    }
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let signature = format!("{:016x}{:016x}", mix(&[draw, 1]), mix(&[draw, 2]));
    format!("{}.{}.{}", part(r#"{"typ":"JWT","alg":"RS256"}"#), part(&claims.to_string()), part(&signature))
}

fn grant(state: &State, tenant: &SimTenant, dialect: Dialect, now: Timestamp, draw: u64) -> Text {
    let life = tenant.token_life.0;
    let ends = now.plus(life.saturating_sub(tenant.expires_early.0).max(Duration::ZERO));
    let token = jwt(tenant, dialect, (now, ends), draw);
    state.ledger().tokens.insert(token.clone(), Token { tenant: tenant.id.clone(), dialect, ends });
    let body = json!({
        "token_type": "Bearer", "expires_in": life.as_secs(), "ext_expires_in": life.as_secs(), "access_token": token,
    });
    Text::new(200, "application/json; charset=utf-8", body.to_string())
}
