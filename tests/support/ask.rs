//! Asks a daemon over HTTP, by its port or its unix socket; and reads the text of metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Sends a request as it stands, and reads until the other side closes; none where nobody listens or answers.
pub(crate) fn ask(mut stream: impl Read + Write, request: &str) -> Option<Reply> {
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Reply { status, head: head.to_owned(), body: body.to_owned() })
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// GET, by an address.
pub(crate) fn get_at(address: &str, path: &str) -> Option<Reply> {
    let stream = TcpStream::connect(address).ok()?;
    // One that is never answered is no answer.
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    ask(stream, &get(path))
}

/// GET, by a unix socket.
pub(crate) fn get_through(socket: &Path, path: &str) -> Option<Reply> {
    ask(UnixStream::connect(socket).ok()?, &get(path))
}

/// A sample: its labels, and its value.
type Sample = (BTreeMap<String, String>, f64);

/// The metrics of a text.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    /// Samples by name.
    pub(crate) samples: BTreeMap<String, Vec<Sample>>,
    /// Types by name.
    pub(crate) types: BTreeMap<String, String>,
}

impl Exposition {
    /// Reads a text of the format 0.0.4; panics over what breaks its rules.
    pub(crate) fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line has an end");
        let (mut this, mut current, mut seen) = (Self::default(), String::new(), BTreeSet::new());
        let mut helped = BTreeSet::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                assert!(!help.is_empty() && helped.insert(name.to_owned()), "one help a metric: {line}");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(matches!(kind, "gauge" | "counter"), "{line}");
                assert!(this.types.insert(name.to_owned(), kind.to_owned()).is_none(), "one type a metric: {line}");
                name.clone_into(&mut current);
            } else {
                let (name, labels, value) = sample(line);
                assert_eq!(name, current, "samples stand together below their type");
                assert!(helped.contains(&name), "{line}");
                assert!(seen.insert((name.clone(), labels.clone())), "a sample stands once: {line}");
                this.samples.entry(name).or_default().push((labels, value));
            }
        }
        this
    }

    /// The values of a metric whose labels hold all of these.
    pub(crate) fn values(&self, name: &str, labels: &[(&str, &str)]) -> Vec<f64> {
        let fits = |of: &BTreeMap<String, String>| {
            labels.iter().all(|(label, value)| of.get(*label).is_some_and(|known| known == value))
        };
        let samples = self.samples.get(name).into_iter().flatten();
        samples.filter(|(of, _)| fits(of)).map(|(_, value)| *value).collect()
    }

    /// The one value of a metric.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        match self.values(name, labels)[..] {
            [one] => one,
            ref others => panic!("{name} {labels:?}: {others:?}"),
        }
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let at = line.find(['{', ' ']).unwrap_or_else(|| panic!("no sample: {line}"));
    let (name, mut rest) = line.split_at(at);
    assert!(is_name(name), "{line}");
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, value) = rest.split_once("=\"").unwrap();
            assert!(is_name(label), "{line}");
            let (text, after) = quoted(value);
            assert!(labels.insert(label.to_owned(), text).is_none(), "{line}");
            rest = after;
            match rest.strip_prefix(',') {
                Some(next) => rest = next,
                None => break,
            }
        }
        rest = rest.strip_prefix('}').unwrap_or_else(|| panic!("no end of the labels: {line}"));
    }
    let value = rest.strip_prefix(' ').unwrap().parse().unwrap_or_else(|_| panic!("no number: {line}"));
    (name.to_owned(), labels, value)
}

/// A label's value up to its quote, and what stands behind that.
fn quoted(text: &str) -> (String, &str) {
    let (mut out, mut chars) = (String::new(), text.char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (out, &text[at + 1..]),
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('n') => out.push('\n'),
                Some(c @ ('\\' | '"')) => out.push(c),
                other => panic!("no escape: {other:?} in {text}"),
            },
            c => out.push(c),
        }
    }
    panic!("no quote ends {text}");
}
