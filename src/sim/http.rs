//! HTTP/1.1, as much as the service's clients use: requests with a body by length or in chunks,
//! several a connection; answers whole, packed, in pieces, or broken on purpose.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::packer::{Packer, Packing};
use super::scenario::{Effect, Framing};

/// The proxy before the service takes bodies up to this (nginx's `client_max_body_size`).
const LONGEST_BODY: usize = 1024 * 1024;
/// The most bytes before the body.
const LONGEST_HEAD: usize = 64 * 1024;
/// What is still read of a refused body, so that the client gets to read the refusal.
const DRAIN: usize = 64 * 1024 * 1024;

/// A request.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET`, `POST`.
    pub method: String,
    /// The path, without its query.
    pub path: String,
    /// What stands behind the question mark.
    pub query: String,
    /// The headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Whether the client wants to go on on this connection.
    pub keep_alive: bool,
}

impl Request {
    /// A header's value; `name` in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Why no request could be read.
#[derive(Debug)]
pub enum Refused {
    /// The body is longer than the proxy takes.
    TooLarge,
    /// The head is longer than the proxy takes.
    HeadTooLarge,
    /// It is no HTTP.
    Malformed,
    /// The connection broke.
    Broken,
}

impl From<io::Error> for Refused {
    fn from(_: io::Error) -> Self {
        Self::Broken
    }
}

/// A body, whole or as it is made.
pub enum Body {
    /// Whole.
    Whole(Vec<u8>),
    /// In pieces.
    Pieces(Box<dyn Iterator<Item = Vec<u8>> + Send>),
}

/// What is done to an answer on its way.
#[derive(Debug, Clone, Copy, Default)]
pub struct Damage {
    /// The answer begins so late.
    pub delay: Duration,
    /// The body breaks off after so many bytes.
    pub cut_at: Option<u64>,
    /// Content-Length is wrong by so many bytes.
    pub wrong_length: Option<i64>,
    /// The body comes in pieces of so many bytes, with so much time between them.
    pub slow: Option<(usize, Duration)>,
    /// No answer at all.
    pub hangup: bool,
}

impl Damage {
    /// Whether the client can't get the whole answer.
    #[must_use]
    pub const fn breaks(&self) -> bool {
        self.hangup || self.cut_at.is_some() || self.wrong_length.is_some()
    }

    /// Adds what `effect` does to an answer on its way; gives it back where it does something else.
    pub fn take(&mut self, effect: Effect) -> Option<Effect> {
        match effect {
            Effect::SlowFirstByte(span) => self.delay += span.0,
            Effect::CutBody(bytes) => self.cut_at = Some(bytes),
            Effect::WrongLength(bytes) => self.wrong_length = Some(bytes),
            Effect::SlowBody { bytes, every } => self.slow = Some((bytes, every.0)),
            Effect::Hangup => self.hangup = true,
            other => return Some(other),
        }
        None
    }
}

/// An answer.
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers, without those that say where the body ends and how it is packed.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// How its end is told.
    pub framing: Framing,
    /// How it is packed.
    pub packing: Packing,
    /// What is done to it.
    pub damage: Damage,
}

/// A connection, seen from the server.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Takes over an accepted connection.
    #[must_use]
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// The next request; `None` when the client has closed.
    pub async fn read(&mut self) -> Result<Option<Request>, Refused> {
        let Some((mut request, head_length)) = self.read_head().await? else { return Ok(None) };
        self.buffer.drain(..head_length);
        if request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let chunked = request.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
        request.body = if chunked {
            self.read_chunks().await?
        } else {
            let length = request.header("content-length").map_or(Ok(0), str::parse::<usize>);
            self.read_exactly(length.map_err(|_| Refused::Malformed)?).await?
        };
        Ok(Some(request))
    }

    async fn read_head(&mut self) -> Result<Option<(Request, usize)>, Refused> {
        loop {
            if let Some(found) = parse_head(&self.buffer)? {
                return Ok(Some(found));
            }
            if self.buffer.len() > LONGEST_HEAD {
                return Err(Refused::HeadTooLarge);
            }
            let was_empty = self.buffer.is_empty();
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return if was_empty { Ok(None) } else { Err(Refused::Broken) };
            }
        }
    }

    async fn fill(&mut self) -> Result<(), Refused> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 { Err(Refused::Broken) } else { Ok(()) }
    }

    async fn read_exactly(&mut self, length: usize) -> Result<Vec<u8>, Refused> {
        if length > LONGEST_BODY {
            return Err(Refused::TooLarge);
        }
        while self.buffer.len() < length {
            self.fill().await?;
        }
        Ok(self.buffer.drain(..length).collect())
    }

    async fn read_chunks(&mut self) -> Result<Vec<u8>, Refused> {
        let mut body = Vec::new();
        loop {
            let (start, size) = match httparse::parse_chunk_size(&self.buffer) {
                Ok(httparse::Status::Complete(found)) => found,
                Ok(httparse::Status::Partial) => {
                    self.fill().await?;
                    continue;
                }
                Err(_) => return Err(Refused::Malformed),
            };
            self.buffer.drain(..start);
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            if body.len().saturating_add(size) > LONGEST_BODY {
                return Err(Refused::TooLarge);
            }
            body.extend(self.read_exactly(size).await?);
            // The line end behind the chunk; trailers aren't sent by anyone who speaks to this.
            self.read_exactly(2).await?;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    /// Reads what is left of a refused body, within bounds, so that closing doesn't reset the
    /// connection under the answer.
    pub async fn drain(&mut self) {
        let mut read = 0;
        while read < DRAIN {
            self.buffer.clear();
            let more = tokio::time::timeout(Duration::from_secs(1), self.stream.read_buf(&mut self.buffer)).await;
            match more {
                Ok(Ok(count)) if count > 0 => read += count,
                _ => return,
            }
        }
    }

    /// Writes an answer; says whether the connection can be used on.
    pub async fn write(&mut self, reply: Reply, keep_alive: bool) -> io::Result<bool> {
        if !reply.damage.delay.is_zero() {
            tokio::time::sleep(reply.damage.delay).await;
        }
        if reply.damage.hangup {
            return Ok(false);
        }
        let keep = keep_alive && reply.framing != Framing::Close && reply.damage.cut_at.is_none();
        let mut head = head(&reply, keep);
        let framing = if reply.damage.wrong_length.is_some() { Framing::Length } else { reply.framing };
        let mut packer = Packer::new(reply.packing);
        let mut out = Out { connection: self, damage: reply.damage, chunked: framing == Framing::Chunked, sent: 0 };
        let pieces: Box<dyn Iterator<Item = Vec<u8>> + Send> = match reply.body {
            Body::Whole(body) => Box::new(std::iter::once(body)),
            Body::Pieces(pieces) => pieces,
        };
        if framing == Framing::Length {
            let mut whole = Vec::new();
            for piece in pieces {
                whole.extend(packer.feed(&piece)?);
            }
            whole.extend(packer.finish()?);
            let wrong = reply.damage.wrong_length.unwrap_or(0);
            let length = i64::try_from(whole.len()).unwrap_or(i64::MAX).saturating_add(wrong).max(0);
            head.extend(["content-length: ", &length.to_string(), "\r\n\r\n"]);
            out.head(&head).await?;
            let whole_sent = out.body(&whole).await?;
            return Ok(keep && whole_sent && wrong == 0);
        }
        head.push_str(if framing == Framing::Chunked { "transfer-encoding: chunked\r\n\r\n" } else { "\r\n" });
        out.head(&head).await?;
        for piece in pieces {
            if !out.body(&packer.feed(&piece)?).await? {
                return Ok(false);
            }
        }
        let whole_sent = out.body(&packer.finish()?).await?;
        if whole_sent && framing == Framing::Chunked {
            out.connection.stream.write_all(b"0\r\n\r\n").await?;
        }
        Ok(keep && whole_sent)
    }

    /// Closes in order, so that what was written arrives.
    pub async fn close(mut self) {
        self.stream.shutdown().await.unwrap_or_default();
    }
}

fn parse_head(bytes: &[u8]) -> Result<Option<(Request, usize)>, Refused> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(Refused::Malformed),
    };
    let (path, query) = parsed.path.unwrap_or("/").split_once('?').unwrap_or((parsed.path.unwrap_or("/"), ""));
    let headers: Vec<(String, String)> = parsed
        .headers
        .iter()
        .map(|header| (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned()))
        .collect();
    let mut request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        ..Request::default()
    };
    let connection = request.header("connection").unwrap_or_default().to_ascii_lowercase();
    request.keep_alive = if parsed.version == Some(1) { connection != "close" } else { connection == "keep-alive" };
    Ok(Some((request, length)))
}

fn head(reply: &Reply, keep: bool) -> String {
    let mut head = format!("HTTP/1.1 {} {}\r\n", reply.status, reason(reply.status));
    for (name, value) in &reply.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    match reply.packing {
        Packing::Plain => {}
        Packing::Gzip => head.push_str("content-encoding: gzip\r\n"),
        Packing::Deflate => head.push_str("content-encoding: deflate\r\n"),
    }
    if !keep {
        head.push_str("connection: close\r\n");
    }
    head
}

/// The words behind a status.
#[must_use]
pub const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Request Entity Too Large",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}

/// The way out, with its damage.
struct Out<'a> {
    connection: &'a mut Connection,
    damage: Damage,
    chunked: bool,
    sent: u64,
}

impl Out<'_> {
    async fn head(&mut self, head: &str) -> io::Result<()> {
        self.connection.stream.write_all(head.as_bytes()).await
    }

    /// Sends a piece of the body; false when the body has broken off.
    async fn body(&mut self, bytes: &[u8]) -> io::Result<bool> {
        let room = self.damage.cut_at.map_or(u64::MAX, |end| end.saturating_sub(self.sent));
        let take = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        let whole = take == bytes.len();
        let taken = bytes.get(..take).unwrap_or_default();
        self.sent += taken.len() as u64;
        let (size, pause) = self.damage.slow.unwrap_or((usize::MAX, Duration::ZERO));
        for piece in taken.chunks(size.max(1)) {
            if self.chunked {
                let head = format!("{:x}\r\n", piece.len());
                self.connection.stream.write_all(&[head.as_bytes(), piece, b"\r\n"].concat()).await?;
            } else {
                self.connection.stream.write_all(piece).await?;
            }
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
        self.connection.stream.flush().await?;
        Ok(whole)
    }
}
