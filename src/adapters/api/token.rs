//! The token: asked for once, kept, and renewed before it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use tokio::sync::Mutex;
use url::{Url, form_urlencoded};

use super::fault;
use super::hosts::Hosts;
use super::signin::{self, Grant, TokenAnswer};
use super::text::Veil;
use super::transport::{TimeLimits, header, host, small_body};
use crate::adapters::secret::{SecretError, SecretReader};
use crate::model::failure::{ApiFailure, FailureClass};
use crate::model::secret::{ExposeSecret, SecretString};
use crate::model::time::Timestamp;
use crate::ports::clock::SharedClock;

/// How long before its end a token is renewed: longer than any call takes to begin.
const EARLY: Duration = Duration::from_mins(5);
/// An answer of the token endpoint is a few kilobytes.
const ANSWER_CAP: usize = 1024 * 1024;

/// A token in use. Both clocks count: the wall clock may be set back, and the steady one may stand
/// still while the machine sleeps.
pub(super) struct Token {
    pub(super) text: SecretString,
    renew_wall: Timestamp,
    renew_steady: Duration,
}

/// Gets and keeps the token of one tenant.
pub(super) struct TokenSource {
    http: reqwest::Client,
    url: Url,
    host: String,
    scope: String,
    client_id: String,
    secret: SecretReader,
    clock: SharedClock,
    limits: TimeLimits,
    /// Requests that have ended; tells those who waited for one that it was theirs too.
    ended: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Arc<Token>>,
    /// How the last request failed.
    failure: Option<ApiFailure>,
}

impl TokenSource {
    pub(super) fn new(
        hosts: &Hosts,
        client_id: String,
        secret: SecretReader,
        clock: SharedClock,
        limits: TimeLimits,
        http: reqwest::Client,
    ) -> Self {
        Self {
            http,
            url: hosts.token.clone(),
            host: host(&hosts.token),
            scope: hosts.scope.clone(),
            client_id,
            secret,
            clock,
            limits,
            ended: AtomicU64::new(0),
            state: Mutex::default(),
        }
    }

    /// The token; a new one where there is none, or its end is near. However many ask at a time,
    /// one request goes out, and its failure is the failure of all who waited for it.
    pub(super) async fn get(&self) -> Result<Arc<Token>, ApiFailure> {
        let ended_before = self.ended.load(Ordering::SeqCst);
        let mut state = self.state.lock().await;
        if let Some(token) = state.token.as_ref().filter(|token| self.is_fresh(token)) {
            return Ok(Arc::clone(token));
        }
        if let Some(failure) = state.failure.as_ref()
            && self.ended.load(Ordering::SeqCst) != ended_before
        {
            return Err(failure.clone());
        }
        let asked = self.ask().await;
        self.ended.fetch_add(1, Ordering::SeqCst);
        match asked {
            Ok(grant) => {
                let token = Arc::new(self.keep(grant));
                *state = State { token: Some(Arc::clone(&token)), failure: None };
                Ok(token)
            }
            Err(failure) => {
                *state = State { token: None, failure: Some(failure.clone()) };
                Err(failure)
            }
        }
    }

    /// Throws the token away.
    pub(super) async fn forget(&self) {
        self.state.lock().await.token = None;
    }

    fn is_fresh(&self, token: &Token) -> bool {
        self.clock.now() < token.renew_wall && self.clock.steady() < token.renew_steady
    }

    fn keep(&self, grant: Grant) -> Token {
        let good_for = if grant.life > EARLY * 2 { grant.life.saturating_sub(EARLY) } else { grant.life / 2 };
        Token {
            text: grant.token,
            renew_wall: self.clock.now().plus(good_for),
            renew_steady: self.clock.steady().saturating_add(good_for),
        }
    }

    async fn ask(&self) -> Result<Grant, ApiFailure> {
        let secret = self.secret.read().map_err(|error| unreadable(&error))?;
        let whole = tokio::time::timeout(self.limits.sign_in, self.post(&secret));
        whole.await.unwrap_or_else(|_| {
            let late = fault::late(&self.host, "gave no token", self.limits.sign_in);
            // Nothing of the query is to blame for this wait.
            let hint = "check this machine's way to the sign-in host: DNS, firewall and proxy";
            Err(ApiFailure { class: FailureClass::Service, hint: Some(hint.to_owned()), ..late })
        })
    }

    async fn post(&self, secret: &SecretString) -> Result<Grant, ApiFailure> {
        let secret = secret.expose_secret();
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &self.client_id)
            .append_pair("scope", &self.scope)
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_secret", secret)
            .finish();
        let request = self.http.post(self.url.clone());
        let request =
            request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").header(ACCEPT, "application/json");
        let response = request.body(form).send().await.map_err(|error| fault::unreachable(&self.host, &error))?;
        let status = response.status().as_u16();
        let retry_after = header(&response, "retry-after").map(str::to_owned);
        let body = small_body(response, ANSWER_CAP, self.limits.idle).await;
        let answer = TokenAnswer { host: &self.host, status, retry_after: retry_after.as_deref(), body: &body };
        signin::read(&answer, self.clock.now(), Veil(&[secret]))
    }
}

impl Token {
    /// The value of `Authorization`, marked so that no log of headers shows it.
    pub(super) fn authorization(&self) -> Result<HeaderValue, ApiFailure> {
        let value = HeaderValue::try_from(format!("Bearer {}", self.text.expose_secret()));
        // Can't happen, as such a token isn't taken in the first place.
        let mut value =
            value.map_err(|_| fault::plain(FailureClass::SignIn, "the token can't stand in a header".to_owned()))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

fn unreadable(error: &SecretError) -> ApiFailure {
    ApiFailure { hint: Some(error.hint()), ..fault::plain(FailureClass::Secret, error.to_string()) }
}
