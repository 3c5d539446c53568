//! The server: a socket, and a few connections at a time.
//!
//! Promises: a port that is taken stops nothing, and is tried again; a client that is slow, silent or many costs at most
//! what is written here; the socket file is gone when the server is.

use std::convert::Infallible;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::Semaphore;

use super::routes::{Asked, Route, route};
use crate::model::config::Listen;

/// Connections at a time; more wait in the system's queue.
const CONNECTIONS: usize = 32;
/// How long a client may take for the head of its request.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long a connection may last: it serves one request, and an answer is a few megabytes at most.
const TIME: Duration = Duration::from_secs(30);
/// The longest head of a request.
const HEAD: usize = 16 * 1024;
/// The wait before a socket that couldn't be had is tried again.
const AGAIN: Duration = Duration::from_mins(1);
/// The wait after the system refused a connection, as it does when no descriptor is left.
const REFUSED: Duration = Duration::from_millis(250);
/// Who may connect to the unix socket: its owner and its group.
const SOCKET_MODE: u32 = 0o660;

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body's type.
    pub kind: &'static str,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// Plain text.
    #[must_use]
    pub fn text(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self { status, kind: "text/plain; charset=utf-8", body: body.into() }
    }
}

/// What stands behind the routes.
#[async_trait::async_trait]
pub trait Site: Send + Sync + 'static {
    /// The answer to a route that isn't a refusal.
    async fn answer(&self, route: Route) -> Answer;
}

/// A socket that listens.
enum Socket {
    Tcp(TcpListener),
    Unix {
        listener: UnixListener,
        /// Takes the file away with the socket.
        _file: Mine,
    },
}

/// A socket file that is this server's, until it is dropped.
struct Mine {
    path: PathBuf,
    file: (u64, u64),
}

impl Drop for Mine {
    fn drop(&mut self) {
        // Another daemon may have put its own in place meanwhile.
        if id_of(&self.path).is_ok_and(|file| file == self.file) {
            let _gone = std::fs::remove_file(&self.path).is_ok();
        }
    }
}

fn id_of(path: &Path) -> io::Result<(u64, u64)> {
    std::fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

/// Serves `site` until it is dropped.
pub async fn serve(listen: Listen, site: Arc<dyn Site>) {
    let socket = bound(&listen).await;
    let (places, on_loopback) = (Arc::new(Semaphore::new(CONNECTIONS)), listen.is_loopback());
    // Dropped with the server, and its connections with it.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        while connections.try_join_next().is_some() {}
        let (site, accepted) = (Arc::clone(&site), accept(&socket).await);
        match accepted {
            Ok(stream) => {
                connections.spawn(async move {
                    let _in_time = tokio::time::timeout(TIME, connection(stream, site, on_loopback)).await.is_ok();
                    drop(place);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "a connection could not be accepted");
                tokio::time::sleep(REFUSED).await;
            }
        }
    }
}

/// The socket, as soon as it can be had.
async fn bound(listen: &Listen) -> Socket {
    let mut told = false;
    loop {
        match bind(listen).await {
            Ok(socket) => {
                let at = match &socket {
                    // The port that was asked for may be 0: any that is free.
                    Socket::Tcp(listener) => {
                        listener.local_addr().map_or(listen.to_string(), |at| format!("http://{at}"))
                    }
                    Socket::Unix { .. } => listen.to_string(),
                };
                tracing::info!(at, "metrics and health are served");
                return socket;
            }
            Err(error) if !told => {
                told = true;
                let hint = "if another huntd or program has it, name another with `listen:`; huntd hunts on, and tries again each minute";
                tracing::warn!(at = %listen, %error, hint, "metrics and health can't be served");
            }
            Err(_) => {}
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn bind(listen: &Listen) -> io::Result<Socket> {
    match listen {
        Listen::Address(address) => Ok(Socket::Tcp(TcpListener::bind(address).await?)),
        Listen::Unix(path) => {
            clear(path).await?;
            let listener = UnixListener::bind(path)?;
            let file = Mine { path: path.clone(), file: id_of(path)? };
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE))?;
            Ok(Socket::Unix { listener, _file: file })
        }
    }
}

/// Takes away a socket that nobody listens on any more, as a daemon that was killed leaves it. Any other file stays, and
/// is in the way.
async fn clear(path: &Path) -> io::Result<()> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    if is_socket && UnixStream::connect(path).await.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn accept(socket: &Socket) -> io::Result<Box<dyn Stream>> {
    Ok(match socket {
        Socket::Tcp(listener) => Box::new(listener.accept().await?.0),
        Socket::Unix { listener, .. } => Box::new(listener.accept().await?.0),
    })
}

async fn connection(stream: Box<dyn Stream>, site: Arc<dyn Site>, on_loopback: bool) {
    let service = service_fn(move |request| {
        let site = Arc::clone(&site);
        async move { Ok::<_, Infallible>(answered(&request, site.as_ref(), on_loopback).await) }
    });
    let mut server = http1::Builder::new();
    // One request a connection: a client that keeps many open would keep others out.
    server.keep_alive(false).timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(HEAD);
    if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a client of the metrics left, or sent no HTTP");
    }
}

async fn answered(request: &Request<Incoming>, site: &dyn Site, on_loopback: bool) -> Response<Full<Bytes>> {
    // One that is no text is no name of this machine.
    let host = request.headers().get(HOST).map(|host| host.to_str().unwrap_or("?"));
    let asked = Asked { method: request.method().as_str(), path: request.uri().path(), host, on_loopback };
    let answer = match route(asked) {
        Route::NotFound => Answer::text(StatusCode::NOT_FOUND, "there is nothing here: see /\n"),
        Route::NotAllowed => Answer::text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n"),
        Route::WrongHost => {
            let why = "the Host of the request isn't this machine's: ask by its address, or by localhost\n";
            Answer::text(StatusCode::MISDIRECTED_REQUEST, why)
        }
        known => site.answer(known).await,
    };
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if answer.status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}
