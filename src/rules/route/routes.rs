//! Which channels a hunt's hits go to.

use crate::model::config::Route;
use crate::model::delivery::About;
use crate::model::hunt::Hunt;
use crate::model::id::{ChannelName, DeliveryId, RunId, TenantName};
use crate::model::run::PlannedDelivery;

use super::telling::Telling;

/// The channels told of `hunt`'s hits on `tenant`, each once, in the order in which they are named.
///
/// The hunt's own `notify` wins over all routes, also when it is empty: then nobody is told. Of the
/// routes, the first that matches wins unless it says `continue`. No match, no channel.
#[must_use]
pub fn channels(hunt: &Hunt, tenant: &TenantName, routes: &[Route]) -> Vec<ChannelName> {
    let mut named = Vec::new();
    match &hunt.notify {
        Some(own) => add(&mut named, own),
        None => {
            for route in routes.iter().filter(|route| matches(route, hunt, tenant)) {
                add(&mut named, &route.to);
                if !route.go_on {
                    break;
                }
            }
        }
    }
    named
}

fn add(named: &mut Vec<ChannelName>, more: &[ChannelName]) {
    for name in more {
        if !named.contains(name) {
            named.push(name.clone());
        }
    }
}

/// Every condition that the route names holds; a condition that it leaves out holds always.
fn matches(route: &Route, hunt: &Hunt, tenant: &TenantName) -> bool {
    (route.severity.is_empty() || route.severity.contains(&hunt.severity))
        && (route.tags.is_empty() || route.tags.iter().any(|tag| hunt.tags.contains(tag)))
        && (route.tenant.is_empty() || route.tenant.contains(tenant))
        && route.hunt.as_ref().is_none_or(|glob| glob.is_match(hunt.id.as_str()))
}

/// One delivery a channel that tells of a run's trouble; it has no hits. A channel that is named twice
/// is told once: a delivery's id can't stand in the outbox twice, and would keep the run from it.
#[must_use]
pub fn plan_trouble(run: &RunId, channels: &[ChannelName], about: About) -> Vec<PlannedDelivery> {
    let mut named = Vec::new();
    add(&mut named, channels);
    let planned = |channel: &ChannelName| PlannedDelivery {
        delivery: DeliveryId::derive(run, channel, about.as_str()),
        channel: channel.clone(),
        hits: Vec::new(),
    };
    named.iter().map(planned).collect()
}

/// One delivery a channel, each with all that is told; none where nothing is told.
#[must_use]
pub fn plan(run: &RunId, channels: &[ChannelName], telling: &Telling) -> Vec<PlannedDelivery> {
    if telling.hits.is_empty() {
        return Vec::new();
    }
    channels
        .iter()
        .map(|channel| PlannedDelivery {
            delivery: DeliveryId::derive(run, channel, About::Hits.as_str()),
            channel: channel.clone(),
            hits: telling.hits.clone(),
        })
        .collect()
}
