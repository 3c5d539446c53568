//! The server: accepts connections, routes requests, and stops when told.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::bodies::{Dialect, Text};
use super::http::{Connection, Damage, Refused, Reply, Request};
use super::ledger::{JournalEntry, SimStats};
use super::packer::Packing;
use super::scenario::{Framing, Scenario};
use super::state::{NowFn, State, headers, reply, trace};
use super::{control, hunting, sign_in};

/// A simulated tenant that listens. Dropping it ends it at once; [`stop`](Self::stop) ends it and
/// waits until nothing of it runs.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    state: Arc<State>,
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Simulator {
    /// Listens on `listen` (port 0 for any) and answers as `scenario` says. The scenario's relative
    /// times count from what `now` says at this moment. Fails when the address can't be had.
    pub async fn start(scenario: Scenario, listen: SocketAddr, now: NowFn, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::new(scenario, now, seed));
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(listener, Arc::clone(&state), stopped));
        Ok(Self { address, state, stop, task: Mutex::new(Some(task)) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:8800`: for `login_url` and `api_url`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it has counted so far.
    #[must_use]
    pub fn stats(&self) -> SimStats {
        self.state.ledger().stats
    }

    /// The hunting calls so far, oldest first; the last 10,000.
    #[must_use]
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.state.ledger().journal.iter().cloned().collect()
    }

    /// Changes the scenario while it runs: `simulator.set(|scenario| scenario.faults.clear())`. The
    /// counts of faults begin anew.
    pub fn set(&self, change: impl FnOnce(&mut Scenario)) {
        self.state.change(change);
    }

    /// Takes back all tokens: the next call of each meets 401.
    pub fn revoke_tokens(&self) {
        self.state.ledger().tokens.clear();
    }

    /// Ends it, and waits for that. Safe to call twice. Calls being answered are cut off.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // A panic inside has been printed already, and there is nothing else to learn.
            task.await.unwrap_or_default();
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

async fn accept(listener: TcpListener, state: Arc<State>, mut stopped: watch::Receiver<bool>) {
    // Dropped with this task, and each connection with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    state.ledger().stats.connections += 1;
                    connections.spawn(serve(stream, Arc::clone(&state)));
                }
            }
            Some(_) = connections.join_next() => {}
            _ = stopped.wait_for(|stop| *stop) => break,
        }
    }
    connections.shutdown().await;
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    stream.set_nodelay(true).unwrap_or_default();
    let mut connection = Connection::new(stream);
    loop {
        let request = match connection.read().await {
            Ok(Some(request)) => request,
            Ok(None) | Err(Refused::Broken) => return,
            Err(refused) => {
                let written = connection.write(refusal(&refused), false).await.is_ok();
                if written {
                    connection.drain().await;
                    connection.close().await;
                }
                return;
            }
        };
        let flight = hunting::dialect_of(&request.path).map(|_| Flight::new(&state));
        let reply = route(&state, &request);
        let go_on = connection.write(reply, request.keep_alive).await.unwrap_or(false);
        drop(flight);
        if !go_on {
            connection.close().await;
            return;
        }
    }
}

fn refusal(refused: &Refused) -> Reply {
    let text = match refused {
        Refused::TooLarge => Text::gateway_page(413, "Request Entity Too Large"),
        Refused::HeadTooLarge => Text::gateway_page(431, "Request Header Fields Too Large"),
        Refused::Malformed | Refused::Broken => Text::gateway_page(400, "Bad Request"),
    };
    let headers = vec![("content-type".to_owned(), text.content_type.clone())];
    reply(text, headers, Framing::Length, Packing::Plain, Damage::default())
}

fn route(state: &State, request: &Request) -> Reply {
    if request.path.starts_with("/_sim/") {
        return control::answer(state, request);
    }
    if request.method == "POST" {
        if let Some(tenant) = sign_in::tenant_of(&request.path) {
            return sign_in::answer(state, request, tenant);
        }
        if let Some(dialect) = hunting::dialect_of(&request.path) {
            return hunting::answer(state, request, dialect);
        }
    }
    let graph = request.path.starts_with("/v1.0/") || request.path.starts_with("/beta/");
    let dialect = if graph { Dialect::Graph } else { Dialect::Defender };
    let trace = trace(dialect, request, state.now(), state.draw());
    let segment = request.path.rsplit('/').next().unwrap_or_default();
    let text = trace.no_such_path(segment);
    let headers = headers(&trace, &text.content_type);
    reply(text, headers, Framing::Length, Packing::Plain, Damage::default())
}

/// A hunting call being answered.
struct Flight(Arc<State>);

impl Flight {
    fn new(state: &Arc<State>) -> Self {
        let mut ledger = state.ledger();
        ledger.in_flight += 1;
        ledger.stats.peak_concurrent = ledger.stats.peak_concurrent.max(ledger.in_flight);
        drop(ledger);
        Self(Arc::clone(state))
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.ledger().in_flight -= 1;
    }
}
