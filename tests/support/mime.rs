//! Just enough of MIME to take a mail apart again in a test.

/// A part: its headers, unfolded, and its body, decoded.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// Empty for a multipart.
    pub(crate) body: Vec<u8>,
    /// The parts of a multipart.
    pub(crate) parts: Vec<Part>,
}

impl Part {
    /// Takes a mail apart.
    pub(crate) fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let headers: Vec<_> = unfolded
            .split("\r\n")
            .filter(|line| !line.is_empty())
            .map(|line| {
                let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no header: {line}"));
                (name.to_ascii_lowercase(), value.trim().to_owned())
            })
            .collect();
        let mut part = Self { headers, body: Vec::new(), parts: Vec::new() };
        let kind = part.header("content-type").unwrap_or_default().to_owned();
        if let Some((_, boundary)) = kind.split_once("boundary=\"") {
            let mark = format!("--{}", boundary.split('"').next().unwrap());
            let inner = body.split(&format!("{mark}--")).next().unwrap();
            let line = format!("{mark}\r\n");
            let pieces = inner.split(&line).skip(1);
            part.parts = pieces.map(|piece| Self::parse(piece.strip_suffix("\r\n").unwrap_or(piece))).collect();
        } else {
            part.body = match part.header("content-transfer-encoding") {
                Some("base64") => base64(body),
                Some("quoted-printable") => quoted_printable(body),
                _ => body.as_bytes().to_vec(),
            };
        }
        part
    }

    /// A header that stands once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(key, _)| key == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} stands twice");
        value
    }

    /// All parts that hold something, in order.
    pub(crate) fn leaves(&self) -> Vec<&Self> {
        if self.parts.is_empty() { vec![self] } else { self.parts.iter().flat_map(Self::leaves).collect() }
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

fn base64(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let (mut out, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for six in text.bytes().filter_map(value) {
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    out
}

fn quoted_printable(text: &str) -> Vec<u8> {
    let joined = text.replace("=\r\n", "");
    let bytes = joined.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if bytes[at] == b'=' {
            out.push(u8::from_str_radix(&joined[at + 1..at + 3], 16).unwrap());
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}
