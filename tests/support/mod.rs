//! What the tests of the built binary share: a site (a folder with config, hunts and database), the binary,
//! and processes that are ended with their test.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The built binary.
pub(crate) fn binary() -> PathBuf {
    assert_cmd::cargo::cargo_bin!("huntd").to_path_buf()
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Printed {
    /// The JSON objects on stdout.
    pub(crate) fn objects(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Stops the test unless the command ended with `code`.
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The error as one line: the frame and the line breaks that a terminal's width made are taken out.
    pub(crate) fn error(&self) -> String {
        let words: Vec<&str> =
            self.stderr.split_whitespace().filter(|word| !matches!(*word, "×" | "│" | "╰─▶" | "├─▶")).collect();
        words.join(" ")
    }
}

/// A folder with all that a huntd needs.
pub(crate) struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    /// An empty site.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("huntd-site").tempdir().unwrap();
        std::fs::create_dir(folder.path().join("hunts")).unwrap();
        Self { folder }
    }

    /// The site's folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A file of the site.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the site, with its folders.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.file(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// A command of this site, not yet started: its config, and nothing of this machine's environment that
    /// would change what it does.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.arg("--config").arg(self.file("huntd.yaml")).args(arguments).current_dir(self.path());
        for name in ["HUNTD_CONFIG", "HUNTD_LOG", "HUNTD_LOG_FORMAT", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET"] {
            command.env_remove(name);
        }
        command.env("TZ", "UTC").env("NO_COLOR", "1").env("COLUMNS", "400").stdin(Stdio::null());
        command
    }

    /// Runs a command of this site to its end.
    pub(crate) fn huntd(&self, arguments: &[&str]) -> Printed {
        printed(&mut self.command(arguments))
    }

    /// Starts a command of this site; its log goes to a file of that name.
    pub(crate) fn start(&self, arguments: &[&str], log: &str) -> Running {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.file(log)).unwrap();
        let child = self.command(arguments).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        Running { child }
    }
}

/// Runs a command to its end.
pub(crate) fn printed(command: &mut Command) -> Printed {
    let output = command.output().unwrap();
    Printed {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A process that is killed with its test.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Starts a command as it is.
    pub(crate) fn of(command: &mut Command) -> Self {
        Self { child: command.spawn().unwrap() }
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, and waits for its end.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and waits for its end.
    pub(crate) fn stop(mut self) -> ExitStatus {
        let sent = Command::new("kill").arg("-TERM").arg(self.id().to_string()).status().unwrap();
        assert!(sent.success());
        self.child.wait().unwrap()
    }

    /// How it ended; waits for that.
    pub(crate) fn status(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.child.try_wait().ok().flatten().is_none() {
            let _killed = self.child.kill().is_ok() && self.child.wait().is_ok();
        }
    }
}

/// A simulated tenant in a process of its own.
pub(crate) struct Simulated {
    process: Running,
    pub(crate) url: String,
}

impl Simulated {
    /// Starts `huntd simulate` with a scenario; the first line of its output names the address.
    pub(crate) fn start(scenario: &Path, seed: u64) -> Self {
        let mut child = Command::new(binary())
            .args(["simulate", "--listen", "127.0.0.1:0", "--seed", &seed.to_string(), "--scenario"])
            .arg(scenario)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .unwrap_or_else(|| panic!("no address in `{line}`"))
            .to_owned();
        // Keeps the pipe read, so that the server never waits for us.
        std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        Self { process: Running { child }, url }
    }

    /// Asks the server for a JSON document about itself.
    pub(crate) fn get(&self, path: &str) -> Value {
        let body = self.fetch(path);
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error} in {body}"))
    }

    /// Asks the server for JSON lines about itself.
    pub(crate) fn lines(&self, path: &str) -> Vec<Value> {
        self.fetch(path).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn fetch(&self, path: &str) -> String {
        let address = self.url.trim_start_matches("http://").trim_end_matches('/');
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        std::io::Write::write_all(
            &mut socket,
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes(),
        )
        .unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        let text = String::from_utf8(answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        body.to_owned()
    }
}

/// Waits until `done`, looking every tenth of a second; stops the test after `limit`.
#[allow(clippy::disallowed_methods, reason = "real processes are waited for, and there is no clock but the real one")]
pub(crate) fn wait_for(what: &str, limit: Duration, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < limit, "waited {limit:?} for {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
