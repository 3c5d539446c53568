//! A server that counts who calls it, and answers as it is told.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

/// Listens until the test ends.
pub(crate) struct Listener {
    pub(crate) port: u16,
    /// The status that is answered.
    status: Arc<AtomicU16>,
    /// The first line of each request.
    heard: Arc<Mutex<Vec<String>>>,
}

impl Listener {
    /// Begins, and answers with `status`.
    pub(crate) fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (status, heard) = (Arc::new(AtomicU16::new(status)), Arc::default());
        let this = Self { port, status: Arc::clone(&status), heard: Arc::clone(&heard) };
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
                let first = lines.next().unwrap_or_default();
                // The head ends with an empty line.
                lines.by_ref().take_while(|line| !line.is_empty()).for_each(drop);
                heard.lock().unwrap().push(first);
                let status = status.load(Ordering::SeqCst);
                let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                // Who called may be gone.
                let _sent = (&stream).write_all(answer.as_bytes()).is_ok();
            }
        });
        this
    }

    /// Answers with another status from now on.
    pub(crate) fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// What was heard so far.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}
