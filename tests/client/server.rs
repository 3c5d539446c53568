//! A small HTTP server over raw sockets that answers as it is told, well or badly: no HTTP library
//! would send a length that lies.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request, as it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn is_for_a_token(&self) -> bool {
        self.path.ends_with("/token")
    }
}

/// Bytes to send, and what becomes of the connection then.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) bytes: Vec<u8>,
    /// Keeps the connection open without another byte, until the client goes.
    pub(crate) hold: bool,
}

impl Reply {
    pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), hold: false }
    }

    /// A whole answer with a right length.
    pub(crate) fn of(status: u16, headers: &str, body: &[u8]) -> Self {
        let head =
            format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n", body.len());
        Self::raw([head.as_bytes(), body].concat())
    }

    pub(crate) fn json(body: &str) -> Self {
        Self::of(200, "Content-Type: application/json\r\nrequest-id: from-header\r\n", body.as_bytes())
    }

    /// Chunked, in chunks of `size` bytes, with the closing one where `whole`.
    pub(crate) fn chunked(headers: &str, body: &[u8], size: usize, whole: bool) -> Self {
        let mut bytes =
            format!("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n{headers}\r\n").into_bytes();
        for chunk in body.chunks(size) {
            write!(bytes, "{:x}\r\n", chunk.len()).unwrap();
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        if whole {
            bytes.extend_from_slice(b"0\r\n\r\n");
        }
        Self::raw(bytes)
    }

    pub(crate) fn held(self) -> Self {
        Self { hold: true, ..self }
    }
}

/// A running server; it ends with the value.
pub(crate) struct Server {
    pub(crate) url: url::Url,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Answers each request as `answer` says.
    pub(crate) async fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = url::Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&answer), Arc::clone(&seen)));
            }
        });
        Self { url, requests, task }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, wanted: impl Fn(&Request) -> bool) -> usize {
        self.requests().iter().filter(|request| wanted(request)).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve<F: Fn(&Request) -> Reply>(mut stream: TcpStream, answer: Arc<F>, seen: Arc<Mutex<Vec<Request>>>) {
    let Some(request) = read(&mut stream).await else { return };
    seen.lock().unwrap().push(request.clone());
    let reply = answer(&request);
    // A client that gave up is no fault here.
    if stream.write_all(&reply.bytes).await.is_err() {
        return;
    }
    if reply.hold {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.ok();
    } else {
        stream.shutdown().await.ok();
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let request = parse(head, body);
            let wanted: usize = request.header("content-length").parse().unwrap_or(0);
            if body.len() >= wanted {
                return Some(request);
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

fn parse(head: &str, body: &str) -> Request {
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let headers = lines.filter_map(|line| line.split_once(": "));
    Request {
        method: first.next().unwrap_or_default(),
        path: first.next().unwrap_or_default(),
        headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect(),
        body: body.to_owned(),
    }
}
