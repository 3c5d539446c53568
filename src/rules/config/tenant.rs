//! `tenants`.

use std::collections::BTreeMap;

use super::section::{Context, Section, only};
use super::{address, quota, secret};
use crate::model::config::{ApiKind, Auth, Cloud, Tenant};
use crate::model::id::TenantName;
use crate::model::time::Timestamp;
use crate::rules::yaml::{self, Node, Problem};

const KEYS: [&str; 11] = [
    "api",
    "cloud",
    "tenant_id",
    "client_id",
    "auth",
    "secret_expires",
    "login_url",
    "api_url",
    "quota",
    "canary",
    "enabled",
];
const APIS: [(&str, ApiKind); 2] = [("graph", ApiKind::Graph), ("defender", ApiKind::Defender)];
const CLOUDS: [(&str, Cloud); 5] = [
    ("public", Cloud::Public),
    ("gcc", Cloud::Gcc),
    ("gcc-high", Cloud::GccHigh),
    ("dod", Cloud::Dod),
    ("china", Cloud::China),
];

/// Reads the map of tenants. A broken one is left out: its findings refuse the config.
pub(super) fn tenants(context: &mut Context, node: &Node) -> BTreeMap<TenantName, Tenant> {
    let mut tenants = BTreeMap::new();
    for entry in context.keep(yaml::map(node, "tenants")).unwrap_or_default() {
        let name = TenantName::new(&entry.key).map_err(|error| Problem::new(entry.key_place, error.to_string()));
        let name = context.keep(name);
        let place = if entry.value.is_null() { entry.key_place } else { entry.value.place };
        let node = if entry.value.is_null() { &empty(place) } else { &entry.value };
        if let Some(tenant) = name.and_then(|name| tenant(context, node, name)) {
            tenants.insert(tenant.name.clone(), tenant);
        }
    }
    tenants
}

fn empty(place: crate::model::place::Place) -> Node {
    Node { place, value: yaml::Value::Map(Vec::new()) }
}

fn tenant(context: &mut Context, node: &Node, name: TenantName) -> Option<Tenant> {
    let section = Section::open(context, node, &format!("tenants.{name}"), &KEYS)?;
    let tenant_id =
        section.need(context, "tenant_id").and_then(|node| plain(context, node, &section.name("tenant_id")));
    let client_id =
        section.need(context, "client_id").and_then(|node| plain(context, node, &section.name("client_id")));
    let auth = section.need(context, "auth").and_then(|node| auth(context, node, &section.name("auth")));
    let api = section.read(context, "api", |context, node, what| context.choice(node, what, &APIS));
    let cloud = section.read(context, "cloud", |context, node, what| context.choice(node, what, &CLOUDS));
    let login_url = section.read(context, "login_url", address::http);
    let api_url = section.read(context, "api_url", address::http);
    let quota = section.read(context, "quota", quota::quota).unwrap_or(quota::UNNAMED);
    let secret_expires = section.read(context, "secret_expires", day);
    let canary = section.read(context, "canary", |context, node, what| context.keep(yaml::boolean(node, what)));
    let enabled = section.read(context, "enabled", |context, node, what| context.keep(yaml::boolean(node, what)));
    Some(Tenant {
        name,
        api: api.unwrap_or_default(),
        cloud: cloud.unwrap_or_default(),
        tenant_id: tenant_id?,
        client_id: client_id?,
        auth: auth?,
        secret_expires,
        login_url,
        api_url,
        quota,
        canary: canary.unwrap_or_default(),
        enabled: enabled.unwrap_or(true),
    })
}

/// A day, or a moment in it.
fn day(context: &mut Context, node: &Node, what: &str) -> Option<Timestamp> {
    let text = context.text(node, what)?;
    let moment = Timestamp::parse(&text).or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")));
    if moment.is_none() {
        let message = format!("`{what}`: `{}` is no day", text.escape_debug());
        context.notes.error("C004", Problem::new(node.place, message).hint("write it as 2027-01-31"));
    }
    moment
}

/// A GUID or a domain: it becomes part of an address.
fn plain(context: &mut Context, node: &Node, what: &str) -> Option<String> {
    let text = context.text(node, what)?;
    if text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_')) {
        return Some(text);
    }
    let message = format!("`{what}`: `{}` is neither a GUID nor a domain", text.escape_debug());
    context.notes.error("C004", Problem::new(node.place, message));
    None
}

fn auth(context: &mut Context, node: &Node, what: &str) -> Option<Auth> {
    let kinds = ["client_secret", "certificate", "managed_identity", "federated_token"];
    let entry = only(context, node, what, &kinds)?;
    let what = format!("{what}.{}", entry.key);
    if entry.key == "client_secret" {
        return secret::source(context, &entry.value, &what).map(Auth::ClientSecret);
    }
    let problem = Problem::new(entry.key_place, format!("`{what}` isn't served by this version yet"));
    context.notes.error("C006", problem.hint("use `client_secret`"));
    None
}
