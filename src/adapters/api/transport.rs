//! The HTTP clients and their time limits.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::redirect::Policy;
use url::Url;

use super::client::ClientError;
use super::fault;
use super::hosts::is_loopback;
use super::inflate::Inflate;
use super::tls::SharedTls;

/// How long huntd waits for what. The defaults suit the service; tests make them short.
///
/// A call's head is waited for during the longer of `head` and the request's own timeout: the
/// service works on a query for up to three minutes, and giving up before it does costs the same
/// CPU and the same call of the quota, with nothing to show for it. Its body may then take `body`
/// more, with no pause longer than `idle`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimits {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For a whole token request.
    pub sign_in: Duration,
    /// The least wait for an answer's head.
    pub head: Duration,
    /// For the next piece of a body.
    pub idle: Duration,
    /// For a body, from its head to its end; it bounds a peer that drips.
    pub body: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            sign_in: Duration::from_secs(30),
            // Three minutes of the service's own (`limits::REQUEST_TIME`), and its queue.
            head: Duration::from_secs(210),
            idle: Duration::from_mins(1),
            body: Duration::from_mins(5),
        }
    }
}

/// A client for `url`. It follows no redirection, as the token would go along; it repeats nothing
/// by itself, as each call counts in the quota; it unpacks nothing ([`Inflate`]).
///
/// For this machine itself no proxy is used, `localhost` means the loopback addresses whatever a
/// resolver says, and over plain HTTP no CA certificates are needed, so that demonstrations run
/// where there are none.
pub(super) fn http(url: &Url, limits: &TimeLimits, tls: &SharedTls) -> Result<reqwest::Client, ClientError> {
    let refused = |error: reqwest::Error| ClientError::Tls(fault::causes(&error));
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("huntd/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .no_gzip()
        .no_deflate()
        .connect_timeout(limits.connect)
        // Shorter than servers keep idle connections: a call must not go out on one that is closing.
        .pool_idle_timeout(Duration::from_secs(30));
    if is_loopback(url) {
        let ports = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        builder = builder.no_proxy().resolve_to_addrs("localhost", &ports.map(|ip| SocketAddr::new(ip, 0)));
    }
    if is_loopback(url) && url.scheme() == "http" {
        builder = builder.tls_certs_only([]);
    } else {
        let config = tls.config().map_err(|error| ClientError::Tls(error.to_string()))?;
        builder = builder.tls_backend_preconfigured(config);
    }
    builder.build().map_err(refused)
}

/// Host and port of a URL, for messages.
pub(super) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A header's value as text.
pub(super) fn header<'a>(response: &'a reqwest::Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).and_then(|value| value.to_str().ok())
}

/// The first `cap` bytes of a small body, unpacked. A body that breaks off or is damaged gives what
/// came: it is read for its text alone.
pub(super) async fn small_body(mut response: reqwest::Response, cap: usize, idle: Duration) -> Vec<u8> {
    let encoding = header(&response, "content-encoding");
    let Ok(mut inflate) = Inflate::of(encoding) else { return Vec::new() };
    let (mut body, mut out) = (Vec::new(), Vec::new());
    while let Ok(Ok(Some(piece))) = tokio::time::timeout(idle, response.chunk()).await {
        let mut rest = piece.as_ref();
        while !rest.is_empty() && body.len() < cap {
            let Ok(took) = inflate.step(rest, &mut out) else { return body };
            body.extend_from_slice(&out);
            rest = rest.get(took..).unwrap_or_default();
        }
        if body.len() >= cap {
            break;
        }
    }
    if inflate.finish(&mut out).is_ok() {
        body.extend_from_slice(&out);
    }
    body.truncate(cap);
    body
}
