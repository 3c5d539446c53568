//! A bare tenant on this machine: a token for whoever asks, and one prepared body for every other call.
//!
//! It looks at nothing that is sent, as it shall cost next to nothing. It serves from threads of the bench, so its work
//! is nobody's whom the bench measures.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

const TOKEN: &[u8] = br#"{"token_type":"Bearer","expires_in":3599,"access_token":"bench.bench.bench"}"#;

/// What is answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    /// The body as it goes over the wire.
    pub(crate) body: Arc<Vec<u8>>,
    /// Whether that is gzip.
    pub(crate) gzip: bool,
}

/// The tenant. It serves until the bench ends.
#[derive(Debug)]
pub(crate) struct Tenant {
    address: SocketAddr,
    reply: Arc<Mutex<Reply>>,
}

impl Tenant {
    /// Starts one.
    pub(crate) fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let tenant = Self { address: listener.local_addr()?, reply: Arc::default() };
        let reply = Arc::clone(&tenant.reply);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let reply = Arc::clone(&reply);
                // A caller that goes away is no fault of the bench.
                thread::spawn(move || serve(stream, &reply).ok());
            }
        });
        Ok(tenant)
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers thus from now on.
    pub(crate) fn answer(&self, reply: Reply) {
        *self.reply.lock().unwrap_or_else(PoisonError::into_inner) = reply;
    }
}

fn serve(stream: TcpStream, reply: &Mutex<Reply>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut requests = BufReader::new(stream.try_clone()?);
    let mut answers = stream;
    while let Some(path) = request(&mut requests)? {
        let now = reply.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (body, gzip) = if path.contains("token") { (TOKEN, false) } else { (now.body.as_slice(), now.gzip) };
        let encoding = if gzip { "Content-Encoding: gzip\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{encoding}Content-Length: {}\r\n\r\n",
            body.len()
        );
        answers.write_all(head.as_bytes())?;
        answers.write_all(body)?;
    }
    Ok(())
}

/// Reads one request whole, and gives its path; none where the caller is done.
fn request(from: &mut BufReader<TcpStream>) -> std::io::Result<Option<String>> {
    let (mut line, mut path, mut length) = (String::new(), None, 0);
    while from.read_line(&mut line)? > 2 {
        if path.is_none() {
            path = Some(line.split(' ').nth(1).unwrap_or_default().to_owned());
        } else if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    std::io::copy(&mut from.take(length), &mut std::io::sink())?;
    Ok(path)
}
