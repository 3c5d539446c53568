//! The JSON shapes that `--json` prints, as the reference fixes them.

use serde::Serialize;

use crate::model::delivery::{Delivery, DeliveryState};
use crate::model::run::{Run, RunStatus, Trigger};
use crate::model::time::Timestamp;

/// A run, as `runs --json` prints it.
#[derive(Debug, Serialize)]
pub struct RunShape<'a> {
    run: &'a str,
    hunt: &'a str,
    tenant: &'a str,
    due: Timestamp,
    started: Timestamp,
    finished: Timestamp,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    as_of: Timestamp,
    status: RunStatus,
    rows: u64,
    new: u64,
    changed: u64,
    gone: u64,
    returned: u64,
    first_due: Timestamp,
    late_ms: u128,
    calls: u32,
    api_ms: u128,
    cpu_ms: Option<u128>,
    error: Option<&'a str>,
    hunt_version: &'a str,
    commit: Option<&'a str>,
    trigger: Trigger,
}

impl<'a> From<&'a Run> for RunShape<'a> {
    fn from(run: &'a Run) -> Self {
        Self {
            run: run.run.as_str(),
            hunt: run.hunt.as_str(),
            tenant: run.tenant.as_str(),
            due: run.due,
            started: run.started,
            finished: run.finished,
            from: run.window.map(|window| window.from),
            to: run.window.map(|window| window.to),
            as_of: run.as_of,
            status: run.status,
            rows: run.rows,
            new: run.new,
            changed: run.changed,
            gone: run.gone,
            returned: run.returned,
            first_due: run.late.map_or(run.due, |late| late.first),
            late_ms: run.late.map_or(0, |late| late.by.as_millis()),
            calls: run.calls,
            api_ms: run.api.as_millis(),
            cpu_ms: run.cpu.map(|cpu| cpu.as_millis()),
            error: run.error.as_deref(),
            hunt_version: &run.hunt_version,
            commit: run.commit.as_deref(),
            trigger: run.trigger,
        }
    }
}

/// A delivery, as `deliveries --json` prints it.
#[derive(Debug, Serialize)]
pub struct DeliveryShape<'a> {
    delivery: &'a str,
    channel: &'a str,
    state: DeliveryState,
    attempts: u32,
    hits: u64,
    message_id: &'a str,
    error: Option<&'a str>,
    created: Timestamp,
    sent: Option<Timestamp>,
}

impl<'a> From<&'a Delivery> for DeliveryShape<'a> {
    fn from(delivery: &'a Delivery) -> Self {
        Self {
            delivery: delivery.delivery.as_str(),
            channel: delivery.channel.as_str(),
            state: delivery.state,
            attempts: delivery.attempts,
            hits: delivery.hits,
            message_id: &delivery.message_id,
            error: delivery.error.as_deref(),
            created: delivery.created,
            sent: delivery.sent,
        }
    }
}
