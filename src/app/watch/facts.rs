//! Gathers what the metrics are made of.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::eye::Eye;
use crate::adapters::machine;
use crate::engine::dispatcher::Channels;
use crate::engine::tenant::Tenant;
use crate::model::hunt::Hunt;
use crate::model::id::TenantName;
use crate::model::time::Timestamp;
use crate::model::trouble::TroubleKind;
use crate::ports::store::error::StoreError;
use crate::rules::metrics::{self, Counts, Facts, MOST_TRACKS, TenantFacts, TrackFacts};
use crate::rules::quota::{self, Limits};
use crate::rules::schedule;

/// How long the database may take: who scrapes waits ten seconds.
const PATIENCE: Duration = Duration::from_secs(5);

type Due = (Arc<Hunt>, Arc<Tenant>, Option<Timestamp>);

/// All that is known now. What the database doesn't say in time is left out, and that is said.
pub(super) async fn gather(eye: &Eye) -> Facts {
    let watched = &eye.watched;
    let due = due(eye);
    let tenants: BTreeMap<TenantName, Arc<Tenant>> =
        due.iter().map(|(_, tenant, _)| (tenant.name.clone(), Arc::clone(tenant))).collect();
    let mut facts = Facts {
        version: env!("CARGO_PKG_VERSION"),
        now: watched.clock.now(),
        steady: watched.clock.steady(),
        pulse: watched.vitals.pulse(),
        health: eye.health(),
        hunts: watched.vitals.hunts(),
        unlisted: due.len().saturating_sub(MOST_TRACKS),
        tracks: due.iter().take(MOST_TRACKS).map(unknown).collect(),
        counts: counts(eye),
        tenants: of_tenants(eye, &tenants),
        outbox: Vec::new(),
        troubles: BTreeMap::new(),
        is_readable: true,
        room: machine::room(watched.store.path()),
        process: machine::process(watched.started),
    };
    match tokio::time::timeout(PATIENCE, read(eye, &tenants, &mut facts)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            facts.is_readable = false;
            tracing::debug!(%error, "the metrics are without what the database knows");
        }
        Err(_) => facts.is_readable = false,
    }
    facts
}

fn channels(eye: &Eye) -> Arc<Channels> {
    Arc::clone(&eye.watched.channels.borrow())
}

fn counts(eye: &Eye) -> Counts {
    let mut counts = eye.watched.vitals.counts();
    for channel in channels(eye).keys() {
        counts.expect(channel);
    }
    counts
}

/// All hunts on all tenants, in order.
fn due(eye: &Eye) -> Vec<Due> {
    let agenda = eye.watched.agenda.lock().unwrap_or_else(PoisonError::into_inner);
    let mut due: Vec<Due> = agenda.due().map(|(hunt, tenant, at)| (Arc::clone(hunt), Arc::clone(tenant), at)).collect();
    drop(agenda);
    let now = eye.watched.clock.now();
    for (hunt, tenant, at) in due.iter_mut().filter(|(_, _, at)| at.is_none()) {
        let next = schedule::next(&hunt.schedule, hunt.timezone, now);
        *at = next.map(|next| schedule::start(hunt, &tenant.name, next));
    }
    due.sort_by(|(a, on, _), (b, other, _)| (&a.id, &on.name).cmp(&(&b.id, &other.name)));
    due.dedup_by(|(a, on, _), (b, other, _)| a.id == b.id && on.name == other.name);
    due
}

fn unknown((hunt, tenant, next): &Due) -> TrackFacts {
    TrackFacts { hunt: hunt.id.clone(), tenant: tenant.name.clone(), next: *next, state: None }
}

fn of_tenants(eye: &Eye, tenants: &BTreeMap<TenantName, Arc<Tenant>>) -> Vec<TenantFacts> {
    let (depths, punctuality) = (eye.watched.gates.depths(), eye.watched.gates.punctuality());
    let of = |name: &TenantName| TenantFacts {
        queue: depths.get(name).copied().unwrap_or_default(),
        punctuality: punctuality.get(name).copied().unwrap_or_default(),
        usage: Vec::new(),
        blocked_until: None,
        name: name.clone(),
    };
    tenants.keys().map(of).collect()
}

async fn read(eye: &Eye, tenants: &BTreeMap<TenantName, Arc<Tenant>>, facts: &mut Facts) -> Result<(), StoreError> {
    let (store, now) = (&eye.watched.store, facts.now);
    let states = store.track_states().await?;
    for track in &mut facts.tracks {
        // No key of borrowed parts can be looked up.
        track.state = states.get(&(track.hunt.clone(), track.tenant.clone())).copied();
    }
    facts.outbox = metrics::of_channels(store.outbox_states().await?, channels(eye).keys(), now);
    // Each kind, so that who adds them up never meets a gap.
    facts.troubles = TroubleKind::ALL.into_iter().map(|kind| (kind, 0)).collect();
    for open in store.troubles().await? {
        *facts.troubles.entry(open.trouble.kind).or_default() += 1;
    }
    for (of, tenant) in facts.tenants.iter_mut().zip(tenants.values()) {
        let ledger = store.ledger(&of.name, now).await?;
        of.usage = quota::usage(&ledger, &Limits::of(&tenant.quota, &ledger, now), now);
        of.blocked_until = quota::standing(&ledger, now).map(|block| block.until);
    }
    Ok(())
}
