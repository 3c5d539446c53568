//! A raw HTTP client: it shows what stands on the wire, broken bodies too.

use std::io::Read as _;

use huntd::sim::simulator::Simulator;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// The body, unpacked where it came whole.
    pub(crate) body: Vec<u8>,
    /// Whether the body ended as its framing says.
    pub(crate) whole: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(simulator: &Simulator) -> Self {
        Self { stream: TcpStream::connect(simulator.address()).await.unwrap(), buffer: Vec::new() }
    }

    /// Sends a request with exactly these headers and a Content-Length.
    pub(crate) async fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: sim\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        self.stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    }

    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Whether the server has closed.
    pub(crate) async fn closed(&mut self) -> bool {
        self.buffer.is_empty() && matches!(self.stream.read_buf(&mut self.buffer).await, Ok(0) | Err(_))
    }

    async fn more(&mut self) -> bool {
        matches!(self.stream.read_buf(&mut self.buffer).await, Ok(count) if count > 0)
    }

    /// Reads one answer.
    pub(crate) async fn read(&mut self) -> Answer {
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(self.more().await, "the server closed without an answer");
        };
        let head = String::from_utf8(self.buffer.drain(..end).collect()).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let mut answer = Answer { status, headers, body: Vec::new(), whole: true };
        if let Some(length) = answer.header("content-length").map(|length| length.parse::<usize>().unwrap()) {
            while self.buffer.len() < length && self.more().await {}
            answer.whole = self.buffer.len() >= length;
            answer.body = self.buffer.drain(..length.min(self.buffer.len())).collect();
        } else if answer.header("transfer-encoding").is_some() {
            answer.whole = self.chunks(&mut answer.body).await;
        } else {
            while self.more().await {}
            answer.body = std::mem::take(&mut self.buffer);
        }
        let packed = std::mem::take(&mut answer.body);
        let mut plain = Vec::new();
        let unpacked = match answer.header("content-encoding") {
            Some("gzip") => flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut plain),
            Some("deflate") => flate2::read::ZlibDecoder::new(packed.as_slice()).read_to_end(&mut plain),
            _ => {
                plain = packed;
                Ok(0)
            }
        };
        assert!(unpacked.is_ok() || !answer.whole, "a whole body that can't be unpacked");
        answer.body = plain;
        answer
    }

    async fn chunks(&mut self, body: &mut Vec<u8>) -> bool {
        loop {
            match httparse::parse_chunk_size(&self.buffer) {
                Ok(httparse::Status::Complete((start, size))) => {
                    let size = usize::try_from(size).unwrap();
                    while self.buffer.len() < start + size + 2 {
                        if !self.more().await {
                            return false;
                        }
                    }
                    self.buffer.drain(..start);
                    body.extend(self.buffer.drain(..size));
                    self.buffer.drain(..2);
                    if size == 0 {
                        return true;
                    }
                }
                Ok(httparse::Status::Partial) => {
                    if !self.more().await {
                        return false;
                    }
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    pub(crate) async fn call(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.send(method, path, headers, body.as_bytes()).await;
        self.read().await
    }
}
