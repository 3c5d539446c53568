//! One tenant's client: the port's five methods over the parts beside it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Response;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE};
use serde_json::json;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::answer::{Reader, request_id};
use super::classify::{Refusal, classify};
use super::fault;
use super::hosts::{HostError, Hosts, permission};
use super::inflate::ACCEPTED;
use super::text::Veil;
use super::tls::SharedTls;
use super::token::{Token, TokenSource};
use super::transport::{TimeLimits, header, host, http, small_body};
use crate::adapters::secret::{EnvLookup, SecretReader, process_env};
use crate::model::config::{ApiKind, Auth, Tenant};
use crate::model::failure::ApiFailure;
use crate::model::limits;
use crate::model::secret::ExposeSecret;
use crate::model::time::{Timestamp, Window};
use crate::ports::api::{AnswerEnd, AnswerPiece, FirstByte, QueryRequest, TenantApi};
use crate::ports::clock::SharedClock;
use crate::rules::skew::skew;

/// A refusal's body is read so far.
const REFUSAL_CAP: usize = 256 * 1024;

/// Why no client can be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The tenant's addresses.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The machine's TLS or its CA certificates.
    #[error("TLS can't be set up: {0}")]
    Tls(String),
}

impl ClientError {
    /// How to mend it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Host(error) => error.hint(),
            Self::Tls(_) => {
                "install the system's CA certificates (package ca-certificates), or point SSL_CERT_FILE at them"
            }
        }
    }
}

/// What a client takes from its surroundings.
#[derive(Clone)]
pub struct ClientOptions {
    /// How long it waits for what.
    pub limits: TimeLimits,
    /// How many bytes an answer may have, inflated.
    pub body_cap: u64,
    /// Where environment variables come from.
    pub env: EnvLookup,
    /// The machine's TLS: clients that are given clones of it share it.
    pub tls: SharedTls,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            limits: TimeLimits::default(),
            body_cap: limits::BODY_CAP,
            env: process_env(),
            tls: SharedTls::default(),
        }
    }
}

/// The client of `tenant`. Makes no call and reads no secret yet.
pub fn client_with(
    tenant: &Tenant,
    clock: SharedClock,
    options: ClientOptions,
) -> Result<Arc<dyn TenantApi>, ClientError> {
    Ok(Arc::new(Client::new(tenant, clock, options)?))
}

pub(super) struct Client {
    pub(super) api: ApiKind,
    pub(super) hosts: Hosts,
    host: String,
    http: reqwest::Client,
    pub(super) tokens: TokenSource,
    clock: SharedClock,
    limits: TimeLimits,
    body_cap: u64,
    /// How far this machine's clock is ahead, as the last answer said.
    ahead: Mutex<Option<i64>>,
}

/// Shows where it calls, and nothing that it holds.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("api", &self.api)
            .field("query", &self.hosts.query.as_str())
            .finish_non_exhaustive()
    }
}

impl Client {
    pub(super) fn new(tenant: &Tenant, clock: SharedClock, options: ClientOptions) -> Result<Self, ClientError> {
        let hosts = Hosts::of(tenant)?;
        let Auth::ClientSecret(source) = &tenant.auth;
        let secret = SecretReader::with_env(source.clone(), options.env);
        let (limits, body_cap) = (options.limits, options.body_cap);
        let sign_in = http(&hosts.token, &limits, &options.tls)?;
        let client_id = tenant.client_id.clone();
        let tokens = TokenSource::new(&hosts, client_id, secret, Arc::clone(&clock), limits, sign_in);
        let http = http(&hosts.query, &limits, &options.tls)?;
        let ahead = Mutex::default();
        Ok(Self { api: tenant.api, host: host(&hosts.query), http, tokens, clock, limits, body_cap, ahead, hosts })
    }

    /// The dialect's body. Only Graph has a window beside the query.
    fn body(&self, request: &QueryRequest) -> String {
        match (self.api, request.timespan) {
            (ApiKind::Graph, Some(window)) => json!({"Query": request.query, "Timespan": timespan(window)}),
            _ => json!({"Query": request.query}),
        }
        .to_string()
    }

    async fn post(&self, request: &QueryRequest, token: &Token, own_id: &str) -> Result<Response, ApiFailure> {
        let post = self
            .http
            .post(self.hosts.query.clone())
            .header(AUTHORIZATION, token.authorization()?)
            // Without the charset, letters outside ASCII in a query gave other results (Learn says to set it).
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .header(ACCEPT, "application/json")
            .header(ACCEPT_ENCODING, ACCEPTED)
            .header("client-request-id", own_id)
            .body(self.body(request));
        let wait = self.head_wait(request);
        match tokio::time::timeout(wait, post.send()).await {
            Ok(sent) => sent.map_err(|error| fault::unreachable(&self.host, &error)),
            Err(_) => Err(fault::late(&self.host, "gave no answer", wait)),
        }
    }

    fn head_wait(&self, request: &QueryRequest) -> Duration {
        request.timeout.max(self.limits.head)
    }

    async fn ask(
        &self,
        request: &QueryRequest,
        first_byte: &FirstByte,
        pieces: &mpsc::Sender<AnswerPiece>,
    ) -> Result<AnswerEnd, ApiFailure> {
        let token = self.tokens.get().await?;
        let own_id = Uuid::new_v4().to_string();
        let whole = async {
            let asked = self.clock.now();
            let response = self.post(request, &token, &own_id).await?;
            self.note_date(&response, asked);
            first_byte.note(self.clock.steady());
            self.read(response, &token, pieces).await
        };
        let most = self.head_wait(request).saturating_add(self.limits.body);
        let made = tokio::time::timeout(most, whole).await;
        let made = made.unwrap_or_else(|_| Err(fault::late(&self.host, "didn't end its answer", most)));
        // Where the service gave no id, ours is the one that it has in its logs.
        made.map_err(|failure| ApiFailure { request_id: failure.request_id.or(Some(own_id)), ..failure })
    }

    fn note_date(&self, response: &Response, asked: Timestamp) {
        let Some(date) = header(response, "date").and_then(Timestamp::parse_rfc2822) else { return };
        let ahead = ahead(date, asked, self.clock.now());
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(ahead);
    }

    async fn read(
        &self,
        response: Response,
        token: &Token,
        pieces: &mpsc::Sender<AnswerPiece>,
    ) -> Result<AnswerEnd, ApiFailure> {
        let hidden = [token.text.expose_secret()];
        let (veil, permission, now) = (Veil(&hidden), permission(self.api), self.clock.now());
        let idle = self.limits.idle;
        if response.status().as_u16() == 200 {
            let reader = Reader { host: &self.host, permission, now, idle, cap: self.body_cap, veil, pieces };
            return reader.read(response).await;
        }
        let text = |name: &str| header(&response, name).map(str::to_owned);
        let (retry_after, location) = (text("retry-after"), text("location"));
        let (status, id) = (response.status().as_u16(), request_id(&response, veil));
        let body = small_body(response, REFUSAL_CAP, idle).await;
        let refusal = Refusal {
            status,
            retry_after: retry_after.as_deref(),
            location: location.as_deref(),
            request_id: id.as_deref(),
            permission,
            body: &body,
        };
        Err(classify(&refusal, now, veil))
    }
}

#[async_trait::async_trait]
impl TenantApi for Client {
    fn takes_timespan(&self) -> bool {
        self.api == ApiKind::Graph
    }

    fn clock_ahead(&self) -> Option<i64> {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn endpoint(&self) -> String {
        self.hosts.query.to_string()
    }

    async fn sign_in(&self) -> Result<(), ApiFailure> {
        self.tokens.get().await.map(|_| ())
    }

    async fn forget_token(&self) {
        self.tokens.forget().await;
    }

    async fn query(
        &self,
        request: &QueryRequest,
        first_byte: &FirstByte,
        pieces: mpsc::Sender<AnswerPiece>,
    ) -> Result<AnswerEnd, ApiFailure> {
        tokio::select! {
            biased;
            made = self.ask(request, first_byte, &pieces) => made,
            () = pieces.closed() => Err(fault::abandoned()),
        }
    }
}

/// How far this machine's clock is ahead, in nanoseconds; negative where it is behind.
fn ahead(date: Timestamp, asked: Timestamp, answered: Timestamp) -> i64 {
    let nanos = |span: Duration| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
    let (ahead, behind) = skew(date, asked, answered);
    nanos(ahead) - nanos(behind)
}

/// The window in whole seconds, widened and never narrowed: the documents show no fractions, and
/// what comes twice is known by its key.
fn timespan(window: Window) -> String {
    let second = Duration::from_secs(1);
    let to = window.to.floor_to(second);
    let to = if to < window.to { to.plus(second) } else { to };
    Window { from: window.from.floor_to(second), to }.timespan()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::api::hosts::tests::tenant;
    use crate::model::config::Cloud;
    use crate::ports::clock::ManualClock;

    #[test]
    fn a_clock_is_held_against_the_answers() {
        let at = Timestamp::from_seconds;
        let second = 1_000_000_000;
        assert_eq!(ahead(at(105), at(100), at(110)), 0, "the answer took ten seconds");
        assert_eq!(ahead(at(100), at(100), at(100)), 0, "the rest of the second was cut off");
        assert_eq!(ahead(at(100), at(401), at(402)), 300 * second);
        assert_eq!(ahead(at(160), at(99), at(100)), -60 * second);
    }

    #[test]
    fn windows_are_sent_in_whole_seconds() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let window = |from: &str, to: &str| timespan(Window { from: at(from), to: at(to) });
        assert_eq!(
            window("2026-11-24T10:00:00.9Z", "2026-11-24T11:00:00.000000001Z"),
            "2026-11-24T10:00:00Z/2026-11-24T11:00:01Z"
        );
        assert_eq!(window("2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z"), "2026-11-24T10:00:00Z/2026-11-24T11:00:00Z");
    }

    #[test]
    fn a_client_needs_no_ca_certificates_for_this_machine_and_shows_no_secret() {
        let mut tenant = tenant(ApiKind::Graph, Cloud::Public);
        tenant.login_url = Some(url::Url::parse("http://localhost:1").unwrap());
        tenant.api_url = tenant.login_url.clone();
        let options = ClientOptions { env: Arc::new(|_| Some("hush".into())), ..ClientOptions::default() };
        let client = Client::new(&tenant, Arc::new(ManualClock::new(Timestamp::EPOCH)), options).unwrap();
        assert_eq!(client.endpoint(), "http://localhost:1/v1.0/security/runHuntingQuery");
        assert!(!format!("{client:?}").contains("hush"));
    }
}
