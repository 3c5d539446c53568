//! Whether a host can be reached and trusted, step by step: its name, the proxy before it, its certificates, its clock.
//!
//! Nothing of ours is sent but a GET of the host's root without a token, and for a heartbeat not even that.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use super::fault::causes;
use super::hosts::is_loopback;
use super::tls::{SharedTls, provider};
use super::transport::{TimeLimits, header, http};
use crate::model::time::{Timestamp, format_duration};
use crate::ports::clock::SharedClock;

/// How long a name, a connection and a handshake may take.
const LIMIT: Duration = Duration::from_secs(10);

/// A proxy between this machine and a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Its address, without user and password.
    pub shown: String,
    host: String,
    port: u16,
}

/// The proxy on the way to `url`, as the environment of this process names it: the same that calls go by.
#[must_use]
pub fn proxy(url: &Url) -> Option<Proxy> {
    if is_loopback(url) {
        return None;
    }
    let taken = Matcher::from_system().intercept(&origin(url).as_str().parse().ok()?)?;
    let uri = taken.uri();
    let (scheme, host) = (uri.scheme_str().unwrap_or("http"), uri.host()?.to_owned());
    let port = uri.port_u16().unwrap_or(match scheme {
        "https" => 443,
        "socks4" | "socks4a" | "socks5" | "socks5h" => 1080,
        _ => 80,
    });
    Some(Proxy { shown: format!("{scheme}://{host}:{port}"), host, port })
}

impl Proxy {
    /// Connects, and says nothing.
    pub async fn connect(&self) -> Result<(), String> {
        within(connected(&self.host, self.port)).await.map(drop)
    }
}

/// How many addresses the host of `url` has.
pub async fn addresses(url: &Url) -> Result<usize, String> {
    let (host, port) = place(url)?;
    within(async {
        let found = tokio::net::lookup_host((host.as_str(), port)).await;
        found.map(Iterator::count).map_err(|error| error.to_string())
    })
    .await
}

/// What a host showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Whether its certificates will be good for as long as was asked; none where it has none, over plain HTTP.
    pub lasts: Option<bool>,
    /// Its clock.
    pub date: Option<Timestamp>,
    /// When it was asked.
    pub asked: Timestamp,
    /// When it had answered.
    pub answered: Timestamp,
}

/// Asks the host of `url` for its root, by the way that calls go, without a token; whatever it answers shows that it is
/// there.
pub async fn ask(url: &Url, ahead: Duration, clock: &SharedClock) -> Result<Seen, String> {
    let (config, saw) = watching(ahead, Vec::new())?;
    let limits = TimeLimits { connect: LIMIT, ..TimeLimits::default() };
    let client = http(url, &limits, &SharedTls::of(config)).map_err(|error| error.to_string())?;
    let asked = clock.now();
    let response = within(async { client.get(origin(url)).send().await.map_err(|error| causes(&error)) }).await?;
    let answered = clock.now();
    let date = header(&response, "date").and_then(Timestamp::parse_rfc2822);
    Ok(Seen { lasts: saw.lasts(), date, asked, answered })
}

/// Connects to the host of `url`, and over https shakes hands; says no word of HTTP. Says whether its certificates will
/// be good for as long as was asked.
pub async fn greet(url: &Url, ahead: Duration) -> Result<Option<bool>, String> {
    greet_trusting(url, ahead, Vec::new()).await
}

async fn greet_trusting(
    url: &Url,
    ahead: Duration,
    roots: Vec<CertificateDer<'static>>,
) -> Result<Option<bool>, String> {
    let (host, port) = place(url)?;
    let (config, saw) = watching(ahead, roots)?;
    let name = ServerName::try_from(host.clone()).map_err(|error| error.to_string())?;
    within(async {
        let stream = connected(&host, port).await?;
        if url.scheme() == "https" {
            let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
            shaken.map_err(|error| error.to_string())?;
        }
        Ok(saw.lasts())
    })
    .await
}

async fn connected(host: &str, port: u16) -> Result<TcpStream, String> {
    TcpStream::connect((host, port)).await.map_err(|error| error.to_string())
}

async fn within<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let late = || Err(format!("no answer within {}", format_duration(LIMIT)));
    tokio::time::timeout(LIMIT, work).await.unwrap_or_else(|_| late())
}

/// Host and port; an IPv6 address without its brackets.
fn place(url: &Url) -> Result<(String, u16), String> {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    match url.port_or_known_default() {
        Some(port) if !host.is_empty() => Ok((host.to_owned(), port)),
        _ => Err("the URL names no host".to_owned()),
    }
}

/// The host's root: the path and the query of a URL may be secret.
fn origin(url: &Url) -> Url {
    let mut origin = url.clone();
    origin.set_path("/");
    origin.set_query(None);
    origin.set_fragment(None);
    origin
}

/// The machine's verifier, which also tells whether the same certificates will still be good later.
#[derive(Debug)]
struct Watching {
    inner: Verifier,
    ahead: Duration,
    saw: Saw,
}

/// What was seen of a handshake.
#[derive(Debug, Clone, Default)]
struct Saw(Arc<Mutex<Option<bool>>>);

impl Saw {
    fn lasts(&self) -> Option<bool> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn watching(ahead: Duration, roots: Vec<CertificateDer<'static>>) -> Result<(ClientConfig, Saw), String> {
    let not_set_up = |error: rustls::Error| format!("TLS can't be set up: {error}");
    let (provider, saw) = (provider(), Saw::default());
    let inner = Verifier::new_with_extra_roots(roots, Arc::clone(&provider)).map_err(not_set_up)?;
    let watching = Watching { inner, ahead, saw: saw.clone() };
    let versions = ClientConfig::builder_with_provider(provider);
    let versions = versions.with_protocol_versions(rustls::ALL_VERSIONS).map_err(not_set_up)?;
    let verified = versions.dangerous().with_custom_certificate_verifier(Arc::new(watching));
    let mut config = verified.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((config, saw))
}

/// Whether the certificates that a server showed will still be good after `ahead`, by this machine's own and `roots`.
pub fn lasts(
    host: &str,
    chain: &[CertificateDer<'_>],
    roots: Vec<CertificateDer<'static>>,
    ahead: Duration,
) -> Result<bool, String> {
    let verifier = Verifier::new_with_extra_roots(roots, provider()).map_err(|error| error.to_string())?;
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let Some((own, others)) = chain.split_first() else { return Err("it showed no certificate".to_owned()) };
    Ok(verifier.verify_server_cert(own, others, &name, &[], later(UnixTime::now(), ahead)).is_ok())
}

fn later(now: UnixTime, ahead: Duration) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()).saturating_add(ahead))
}

impl ServerCertVerifier for Watching {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let at = |at| self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, at);
        let verified = at(now)?;
        *self.saw.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(at(later(now, self.ahead)).is_ok());
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rustls::ServerConfig;
    use rustls::pki_types::PrivatePkcs8KeyDer;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::ports::clock::{Clock, SystemClock};

    const DAY: Duration = Duration::from_hours(24);

    /// A server whose certificate ends on 2100-01-01, and that certificate.
    async fn server() -> (Url, CertificateDer<'static>) {
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(2100, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let cert = params.self_signed(&key).unwrap();
        let pair = PrivatePkcs8KeyDer::from(key.serialize_der());
        let config = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], pair.into()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/beat/secret", listener.local_addr().unwrap().port());
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                drop(acceptor.accept(stream).await);
            }
        });
        (Url::parse(&url).unwrap(), cert.der().clone())
    }

    #[tokio::test]
    async fn certificates_are_looked_at_now_and_later() {
        let (url, cert) = server().await;
        let left = Timestamp::parse("2100-01-01T00:00:00Z").unwrap().since(SystemClock::new().now());
        let greet = async |ahead| greet_trusting(&url, ahead, vec![cert.clone()]).await;
        assert_eq!(greet(left.saturating_sub(DAY)).await, Ok(Some(true)));
        assert_eq!(greet(left + DAY).await, Ok(Some(false)));
        let why = super::greet(&url, DAY).await.unwrap_err();
        assert!(why.contains("certificate"), "nobody vouches for it: {why}");
        assert!(!why.contains("secret"), "{why}");
    }

    #[tokio::test]
    async fn what_is_not_there_is_told() {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let url = Url::parse(&format!("http://{closed}/")).unwrap();
        assert!(super::greet(&url, DAY).await.unwrap_err().contains("refused"));
        let unknown = Url::parse("https://no-such-name.invalid/").unwrap();
        assert!(addresses(&unknown).await.is_err());
        assert_eq!(addresses(&url).await, Ok(1));
        assert_eq!(proxy(&url), None, "this machine is called without one");
    }

    #[test]
    fn a_host_is_asked_for_its_root_alone() {
        let url = Url::parse("https://h.example:8443/a/b?token=x#y").unwrap();
        assert_eq!(origin(&url).as_str(), "https://h.example:8443/");
        assert_eq!(place(&Url::parse("https://[::1]/").unwrap()), Ok(("::1".to_owned(), 443)));
    }
}
