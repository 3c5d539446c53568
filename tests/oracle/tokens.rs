//! A query taken into tokens: just enough to break it at a place. Not our lexer, whose faults would
//! hide here.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or a keyword, `project-away` among them.
    Word,
    /// `5`, `7d`, `0.5`.
    Number,
    /// A string, with its quotes and marks.
    Text,
    /// `//` and what follows on its line.
    Comment,
    /// Anything else but blanks.
    Sign,
}

/// A token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its first byte.
    pub(crate) start: usize,
    /// The byte after its last.
    pub(crate) end: usize,
}

/// What may stand before a `-` inside one word.
const HYPHENED: [&str; 18] = [
    "project-away",
    "project-keep",
    "project-rename",
    "project-reorder",
    "mv-expand",
    "mv-apply",
    "make-series",
    "make-graph",
    "graph-match",
    "graph-to",
    "parse-where",
    "parse-kv",
    "top-nested",
    "top-hitters",
    "project-smart",
    "sample-distinct",
    "order-by",
    "project-by-names",
];

/// Signs of several characters, the longest first.
const SIGNS: [&str; 13] = ["==", "=~", "!=", "!~", "<=", ">=", "<>", "..", "!in~", "!in", "||", "&&", "=>"];

/// The tokens of `text`, blanks left out.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at].is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let (kind, length) = token(&text[at..]);
        found.push(Token { kind, start: at, end: at + length });
        at += length;
    }
    found
}

/// The token at the head of `rest`.
fn token(rest: &str) -> (Kind, usize) {
    if rest.starts_with("//") {
        return (Kind::Comment, rest.find('\n').unwrap_or(rest.len()));
    }
    if let Some(length) = string(rest) {
        return (Kind::Text, length);
    }
    let first = rest.chars().next().unwrap_or(' ');
    if first.is_ascii_digit() {
        return (Kind::Number, number(rest));
    }
    if first.is_alphabetic() || first == '_' || first == '$' {
        if let Some(word) = HYPHENED.iter().find(|word| rest.starts_with(**word)) {
            return (Kind::Word, word.len());
        }
        let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
        return (Kind::Word, length);
    }
    let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
    (Kind::Sign, sign.map_or(first.len_utf8(), |sign| sign.len()))
}

/// The length of a number: a dot belongs to it only before a digit, so that `1..5` stays a range.
fn number(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let dot = bytes[at] == b'.' && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        if !(bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_' || dot) {
            break;
        }
        at += 1;
    }
    at
}

/// The length of a string at the head of `rest`, if one is there.
fn string(rest: &str) -> Option<usize> {
    let marks = rest.len() - rest.trim_start_matches(['h', 'H', '@']).len();
    let quote = rest[marks..].chars().next().filter(|c| *c == '"' || *c == '\'')?;
    let verbatim = rest[..marks].contains('@');
    let mut escaped = false;
    let mut chars = rest[marks + 1..].char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if escaped {
            escaped = false;
        } else if c == '\\' && !verbatim {
            escaped = true;
        } else if c == quote {
            if verbatim && chars.peek().is_some_and(|(_, next)| *next == quote) {
                chars.next();
                continue;
            }
            return Some(marks + 1 + at + 1);
        } else if c == '\n' {
            return None;
        }
    }
    None
}
