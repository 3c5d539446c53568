//! Being watched: metrics and health over HTTP, the heartbeat, and what systemd is told. All three go by one judgement,
//! `rules/health`, so that they never differ.
//!
//! Promises: none of it holds up a hunt; it costs nothing while nobody asks but a wake-up every half minute at most.

mod eye;
mod facts;
mod heartbeat;
mod site;
mod systemd;

use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::exit::AppError;
use super::web::server;
use crate::adapters::heartbeat::Heart;
use crate::engine::dispatcher::Channels;
use crate::engine::gate::Gates;
use crate::engine::tick::Agenda;
use crate::engine::vitals::Vitals;
use crate::model::config::{Config, Listen};
use crate::model::time::Timestamp;
use crate::ports::clock::SharedClock;
use crate::ports::store::Store;
use eye::Eye;

/// What a daemon shows of itself.
#[derive(Clone)]
pub struct Watched {
    /// Signs of life and counts.
    pub vitals: Vitals,
    /// The clock.
    pub clock: SharedClock,
    /// When it began.
    pub started: Timestamp,
    /// The store.
    pub store: Store,
    /// The queues before its tenants.
    pub gates: Gates,
    /// When each hunt is due.
    pub agenda: Arc<Mutex<Agenda>>,
    /// The channels of the config, as they are now.
    pub channels: watch::Receiver<Arc<Channels>>,
}

/// Watches a daemon.
pub struct Watch {
    eye: Arc<Eye>,
    listen: Option<Listen>,
    heart: Option<(Heart, std::time::Duration)>,
    tasks: JoinSet<()>,
}

impl Watch {
    /// Wires all, and begins nothing.
    pub fn new(config: &Config, watched: Watched) -> Result<Self, AppError> {
        let heart = config.heartbeat.as_ref().map(|heartbeat| {
            let heart = Heart::new(heartbeat.url.clone())
                .map_err(|error| AppError::plain(format!("`heartbeat`: the client can't be made: {error}")))?;
            Ok::<_, AppError>((heart, heartbeat.every))
        });
        let (eye, listen) = (Arc::new(Eye::new(watched)), config.listen.clone());
        Ok(Self { eye, listen, heart: heart.transpose()?, tasks: JoinSet::new() })
    }

    /// Begins. What it begins ends with [`stop`](Self::stop), or when this is dropped.
    pub fn start(&mut self) {
        if let Some(listen) = self.listen.clone() {
            let site = Arc::new(site::DaemonSite::new(Arc::clone(&self.eye)));
            self.tasks.spawn(server::serve(listen, site));
        }
        if let Some((heart, every)) = self.heart.take() {
            self.tasks.spawn(heartbeat::beat(Arc::clone(&self.eye), heart, every));
        }
        if systemd::is_there() {
            self.tasks.spawn(systemd::tell(Arc::clone(&self.eye)));
        }
    }

    /// Ends: the socket is free after it.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}
