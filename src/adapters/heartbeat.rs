//! The dead man's switch: an address that is called as long as the daemon is alive. Who listens there raises the alarm
//! when the calls stop.
//!
//! Promises: the address, which is often a secret, stands in no message.

use std::error::Error as _;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::redirect::Policy;
use url::{Host, Url};

/// How long a call may take.
const TIME: Duration = Duration::from_secs(10);
/// Some services lead a short address on to another.
const REDIRECTS: usize = 3;

/// Calls the address.
pub struct Heart {
    http: reqwest::Client,
    url: Url,
}

/// Shows nothing of the address but its host.
impl fmt::Debug for Heart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heart").field("host", &self.host()).finish_non_exhaustive()
    }
}

impl Heart {
    /// A heart that calls nobody yet; an error says what is wrong with this machine's TLS.
    pub fn new(url: Url) -> Result<Self, String> {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("huntd/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::limited(REDIRECTS))
            // What was asked for over TLS isn't led away from it.
            .https_only(url.scheme() == "https")
            .referer(false)
            .retry(reqwest::retry::never())
            // The next call is a minute away.
            .pool_max_idle_per_host(0)
            .timeout(TIME);
        let builder = if is_loopback(&url) { builder.no_proxy() } else { builder };
        Ok(Self { http: builder.build().map_err(causes)?, url })
    }

    /// The host that is called, for messages.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Calls once; an error says why nobody heard it.
    pub async fn beat(&self) -> Result<(), String> {
        let response = self.http.get(self.url.clone()).send().await.map_err(causes)?;
        match response.status() {
            status if status.is_success() => Ok(()),
            status => Err(format!("it answered HTTP {}", status.as_u16())),
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

/// An error with all its causes, and without the address.
fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(next) = cause {
        text.extend([": ", &next.to_string()]);
        cause = next.source();
    }
    text
}
