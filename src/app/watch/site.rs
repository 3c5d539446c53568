//! What stands behind `/metrics`, `/healthz` and `/readyz`.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use tokio::sync::Mutex;

use super::eye::Eye;
use super::facts;
use crate::app::web::routes::Route;
use crate::app::web::server::{Answer, Site};
use crate::rules::health::{self, Health, Readiness};
use crate::rules::metrics;

/// So long an answer that costs something is given again: who asks a hundred times a second makes it once.
const KEPT: Duration = Duration::from_secs(5);
/// How long the database may take to begin a write.
const PATIENCE: Duration = Duration::from_secs(5);
/// The metrics' type.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";
const INDEX: &str = "huntd\n/metrics\n/healthz\n/readyz\n";

/// The daemon's.
pub(super) struct DaemonSite {
    eye: Arc<Eye>,
    metrics: Kept,
    ready: Kept,
}

/// An answer, and when it was made. Locked while one is made, so that all who ask meanwhile get the same.
type Kept = Mutex<Option<(Duration, Answer)>>;

impl DaemonSite {
    pub(super) fn new(eye: Arc<Eye>) -> Self {
        Self { eye, metrics: Kept::default(), ready: Kept::default() }
    }

    async fn kept(&self, kept: &Kept, make: impl AsyncFnOnce() -> Answer) -> Answer {
        let (mut kept, steady) = (kept.lock().await, self.eye.watched.clock.steady());
        if let Some((_, answer)) = kept.as_ref().filter(|(made, _)| steady.saturating_sub(*made) < KEPT) {
            return answer.clone();
        }
        let answer = make().await;
        *kept = Some((steady, answer.clone()));
        answer
    }

    async fn metrics(&self) -> Answer {
        let facts = facts::gather(&self.eye).await;
        // Of ten thousand hunts it takes a while.
        match tokio::task::spawn_blocking(move || metrics::render(&facts)).await {
            Ok(text) => Answer { status: StatusCode::OK, kind: EXPOSITION, body: text.into() },
            Err(_) => {
                Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be made: a fault of huntd\n")
            }
        }
    }

    async fn ready(&self) -> Answer {
        let not_writable = match tokio::time::timeout(PATIENCE, self.eye.watched.store.try_write()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no write could begin within {} s", PATIENCE.as_secs())),
        };
        let (ready, text) = health::lines(&self.readiness(not_writable).checks());
        Answer::text(if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, text)
    }

    fn readiness(&self, not_writable: Option<String>) -> Readiness {
        let watched = &self.eye.watched;
        let agenda = watched.agenda.lock().unwrap_or_else(PoisonError::into_inner);
        let tenants = agenda.due().map(|(_, tenant, _)| &tenant.name).collect::<BTreeSet<_>>().len();
        Readiness { pulse: watched.vitals.pulse(), health: self.eye.health(), not_writable, tenants }
    }
}

#[async_trait::async_trait]
impl Site for DaemonSite {
    async fn answer(&self, route: Route) -> Answer {
        match route {
            Route::Metrics => self.kept(&self.metrics, async || self.metrics().await).await,
            Route::Health => {
                let health = self.eye.health();
                let status = if health == Health::Alive { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                Answer::text(status, format!("{health}\n"))
            }
            // What was so before the stop is so no more.
            Route::Ready if self.eye.watched.vitals.pulse().stopping => self.ready().await,
            Route::Ready => self.kept(&self.ready, async || self.ready().await).await,
            _ => Answer::text(StatusCode::OK, INDEX),
        }
    }
}
