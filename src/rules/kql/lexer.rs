//! A text as tokens.
//!
//! Every byte of the text belongs to one token, blanks and comments too, so that the tokens put
//! together are the text again.

#[cfg(test)]
mod tests;

use super::span::Span;
use super::types::Type;

/// A token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where.
    pub span: Span,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Blanks and line ends.
    Blank,
    /// `// …`, to the end of the line.
    Comment,
    /// A name or keyword; also `!has`, `in~`, `!in~`, and what begins with a digit and is no number.
    Name,
    /// A literal of a type: a number, a timespan, a text, `datetime(…)`.
    Literal(Type),
    /// A text or `datetime(…)` whose end is missing.
    Unended(Type),
    /// A text with an escape that KQL doesn't know.
    BadEscape,
    /// A mark.
    Mark(Mark),
    /// A character that KQL doesn't know.
    Bad,
}

/// Marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// `|`
    Pipe,
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// `:`
    Colon,
    /// `.`
    Dot,
    /// `..`
    DotDot,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `[`
    OpenBracket,
    /// `]`
    CloseBracket,
    /// `{`
    OpenBrace,
    /// `}`
    CloseBrace,
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Star,
    /// `/`
    Slash,
    /// `%`
    Percent,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<>`
    LessGreater,
    /// `=~`
    EqualTilde,
    /// `!~`
    NotTilde,
    /// `=`
    Assign,
    /// `=>`
    Arrow,
    /// `~`
    Tilde,
}

/// Parts a text into tokens.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len() / 3);
    tokens.extend(Lexer::new(text));
    tokens
}

/// Which bytes go on with a name, outside of other alphabets.
const IN_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        // A constant is worked out by the compiler, which would refuse a place that isn't there.
        #[expect(clippy::indexing_slicing, reason = "256 places for all bytes")]
        {
            table[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'_';
        }
        byte += 1;
    }
    table
};

/// The tokens of a text, one after the other.
pub(super) struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    /// From the beginning of a text.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0 }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let start = self.at;
        let first = *self.bytes.get(start)?;
        let kind = match first {
            b' ' | b'\t' | b'\r' | b'\n' => self.blank(),
            b'/' if self.peek(1) == b'/' => {
                let rest = self.bytes.get(start..).unwrap_or_default();
                self.at += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
                TokenKind::Comment
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' => self.word(),
            b'0'..=b'9' => self.number(),
            b'"' | b'\'' | b'@' | b'`' | b'~' if self.begins_text() => self.text(),
            b'!' => self.bang(),
            0x80.. => self.foreign(),
            _ => self.mark(first),
        };
        // Whatever a rule did, the walk goes on, and on a character's border.
        self.at = self.at.max(start + 1);
        while self.bytes.get(self.at).is_some_and(|byte| matches!(byte, 0x80..=0xbf)) {
            self.at += 1;
        }
        Some(Token { kind, span: Span::new(place(start), place(self.at)) })
    }
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn skip_while(&mut self, skipped: impl Fn(u8) -> bool) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(|byte| !skipped(*byte)).unwrap_or(rest.len());
    }

    fn blank(&mut self) -> TokenKind {
        self.skip_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
        TokenKind::Blank
    }

    /// Blanks outside ASCII are blanks; a byte order mark too.
    fn foreign(&mut self) -> TokenKind {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let Some(character) = rest.chars().next() else { return TokenKind::Bad };
        self.at += character.len_utf8();
        if character.is_whitespace() || character == '\u{feff}' || character == '\u{200b}' {
            TokenKind::Blank
        } else if character.is_alphabetic() {
            self.rest_of_name();
            TokenKind::Name
        } else {
            TokenKind::Bad
        }
    }

    fn rest_of_name(&mut self) {
        loop {
            self.skip_while(in_name);
            match self.peek(0) {
                0x80.. => {
                    let rest = self.text.get(self.at..).unwrap_or_default();
                    match rest.chars().next() {
                        Some(character) if character.is_alphanumeric() => self.at += character.len_utf8(),
                        _ => return,
                    }
                }
                _ => return,
            }
        }
    }

    fn word(&mut self) -> TokenKind {
        let start = self.at;
        // A hidden text: h"…".
        if matches!(self.peek(0), b'h' | b'H') && matches!(self.peek(1), b'"' | b'\'' | b'@' | b'`' | b'~') {
            self.at += 1;
            if self.begins_text() {
                return self.text();
            }
            self.at = start;
        }
        self.at += 1;
        self.rest_of_name();
        let word = self.text.get(start..self.at).unwrap_or_default();
        if word == "in" && self.peek(0) == b'~' {
            self.at += 1;
            return TokenKind::Name;
        }
        if self.peek(0) == b'('
            && let Some(ty) = raw(word)
        {
            return self.raw(ty);
        }
        match word {
            "true" | "false" | "True" | "False" | "TRUE" | "FALSE" => TokenKind::Literal(Type::Bool),
            _ => TokenKind::Name,
        }
    }

    /// `datetime(…)` and its like: what stands inside isn't KQL.
    fn raw(&mut self, ty: Type) -> TokenKind {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        match memchr::memchr3(b')', b'\n', b'\r', rest) {
            Some(end) if rest.get(end) == Some(&b')') => {
                self.at += end + 1;
                TokenKind::Literal(ty)
            }
            end => {
                self.at += end.unwrap_or(rest.len());
                TokenKind::Unended(ty)
            }
        }
    }

    fn number(&mut self) -> TokenKind {
        let start = self.at;
        if self.peek(0) == b'0' && matches!(self.peek(1), b'x' | b'X') && self.peek(2).is_ascii_hexdigit() {
            self.at += 2;
            while self.peek(0).is_ascii_hexdigit() {
                self.at += 1;
            }
            return self.unless_name(start, Type::Long);
        }
        self.digits();
        let mut ty = Type::Long;
        // `1..2` is a range; `1.` and `1.5` are reals.
        if self.peek(0) == b'.' && self.peek(1) != b'.' && !self.peek(1).is_ascii_alphabetic() && self.peek(1) != b'_' {
            ty = Type::Real;
            self.at += 1;
            self.digits();
        }
        let exponent = match (self.peek(0), self.peek(1)) {
            (b'e' | b'E', b'0'..=b'9') => 1,
            (b'e' | b'E', b'+' | b'-') if self.peek(2).is_ascii_digit() => 2,
            _ => 0,
        };
        if exponent > 0 {
            ty = Type::Real;
            self.at += exponent;
            self.digits();
            return self.unless_name(start, ty);
        }
        let unit = self.at;
        self.rest_of_name();
        let unit = self.text.get(unit..self.at).unwrap_or_default();
        match unit {
            "" => TokenKind::Literal(ty),
            "d" | "day" | "days" | "h" | "hr" | "hrs" | "hour" | "hours" | "m" | "min" | "minute" | "minutes" | "s"
            | "sec" | "second" | "seconds" | "ms" | "milli" | "millis" | "millisec" | "millisecond"
            | "milliseconds" | "micro" | "micros" | "microsec" | "microsecond" | "microseconds" | "nano" | "nanos"
            | "nanosec" | "nanosecond" | "nanoseconds" | "tick" | "ticks" => TokenKind::Literal(Type::Timespan),
            _ => TokenKind::Name,
        }
    }

    fn digits(&mut self) {
        self.skip_while(|byte| byte.is_ascii_digit());
    }

    fn unless_name(&mut self, start: usize, ty: Type) -> TokenKind {
        let end = self.at;
        self.rest_of_name();
        if self.at == end || start == end { TokenKind::Literal(ty) } else { TokenKind::Name }
    }

    /// Whether a text begins here, behind an `h` that was taken already.
    fn begins_text(&self) -> bool {
        match self.peek(0) {
            b'"' | b'\'' => true,
            b'@' => matches!(self.peek(1), b'"' | b'\''),
            mark @ (b'`' | b'~') => self.peek(1) == mark && self.peek(2) == mark,
            _ => false,
        }
    }

    fn text(&mut self) -> TokenKind {
        match self.peek(0) {
            b'@' => {
                self.at += 1;
                self.verbatim()
            }
            mark @ (b'`' | b'~') => {
                self.at += 3;
                let rest = self.bytes.get(self.at..).unwrap_or_default();
                if let Some(end) = memchr::memmem::find(rest, &[mark; 3]) {
                    self.at += end + 3;
                    TokenKind::Literal(Type::String)
                } else {
                    self.at = self.bytes.len();
                    TokenKind::Unended(Type::String)
                }
            }
            quote => self.escaped(quote),
        }
    }

    /// Quotes inside are doubled; nothing else is special.
    fn verbatim(&mut self) -> TokenKind {
        let quote = self.peek(0);
        self.at += 1;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let Some(end) = memchr::memchr3(quote, b'\n', b'\r', rest) else {
                self.at = self.bytes.len();
                return TokenKind::Unended(Type::String);
            };
            self.at += end;
            if self.peek(0) != quote {
                return TokenKind::Unended(Type::String);
            }
            self.at += 1;
            if self.peek(0) != quote {
                return TokenKind::Literal(Type::String);
            }
            self.at += 1;
        }
    }

    fn escaped(&mut self, quote: u8) -> TokenKind {
        self.at += 1;
        let mut bad = false;
        loop {
            self.skip_while(|byte| byte != quote && !matches!(byte, b'\\' | b'\n' | b'\r'));
            match self.peek(0) {
                _ if self.at >= self.bytes.len() => return TokenKind::Unended(Type::String),
                b'\n' | b'\r' => return TokenKind::Unended(Type::String),
                b'\\' => {
                    bad |= !self.is_escape();
                    self.at += if matches!(self.peek(1), b'\n' | b'\r' | 0) { 1 } else { 2 };
                }
                _ => {
                    self.at += 1;
                    return if bad { TokenKind::BadEscape } else { TokenKind::Literal(Type::String) };
                }
            }
        }
    }

    /// Whether the backslash here begins an escape that KQL knows.
    fn is_escape(&self) -> bool {
        let hex = |digits: usize| (2..2 + digits).all(|ahead| self.peek(ahead).is_ascii_hexdigit());
        match self.peek(1) {
            b'\\' | b'"' | b'\'' | b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'0'..=b'7' => true,
            b'x' => hex(2),
            b'u' => hex(4),
            b'U' => hex(8),
            _ => false,
        }
    }

    /// `!=`, `!~`, `!in`, `!has`.
    fn bang(&mut self) -> TokenKind {
        self.at += 1;
        match self.peek(0) {
            b'=' => {
                self.at += 1;
                TokenKind::Mark(Mark::NotEqual)
            }
            b'~' => {
                self.at += 1;
                TokenKind::Mark(Mark::NotTilde)
            }
            b'a'..=b'z' | b'A'..=b'Z' => {
                let start = self.at;
                self.rest_of_name();
                if self.peek(0) == b'~' && self.text.get(start..self.at) == Some("in") {
                    self.at += 1;
                }
                TokenKind::Name
            }
            _ => TokenKind::Bad,
        }
    }

    fn mark(&mut self, first: u8) -> TokenKind {
        let second = self.peek(1);
        let (mark, length) = match (first, second) {
            (b'.', b'.') => (Mark::DotDot, 2),
            (b'<', b'=') => (Mark::LessEqual, 2),
            (b'<', b'>') => (Mark::LessGreater, 2),
            (b'>', b'=') => (Mark::GreaterEqual, 2),
            (b'=', b'=') => (Mark::Equal, 2),
            (b'=', b'~') => (Mark::EqualTilde, 2),
            (b'=', b'>') => (Mark::Arrow, 2),
            (b'|', _) => (Mark::Pipe, 1),
            (b',', _) => (Mark::Comma, 1),
            (b';', _) => (Mark::Semicolon, 1),
            (b':', _) => (Mark::Colon, 1),
            (b'.', _) => (Mark::Dot, 1),
            (b'(', _) => (Mark::Open, 1),
            (b')', _) => (Mark::Close, 1),
            (b'[', _) => (Mark::OpenBracket, 1),
            (b']', _) => (Mark::CloseBracket, 1),
            (b'{', _) => (Mark::OpenBrace, 1),
            (b'}', _) => (Mark::CloseBrace, 1),
            (b'+', _) => (Mark::Plus, 1),
            (b'-', _) => (Mark::Minus, 1),
            (b'*', _) => (Mark::Star, 1),
            (b'/', _) => (Mark::Slash, 1),
            (b'%', _) => (Mark::Percent, 1),
            (b'<', _) => (Mark::Less, 1),
            (b'>', _) => (Mark::Greater, 1),
            (b'=', _) => (Mark::Assign, 1),
            (b'~', _) => (Mark::Tilde, 1),
            _ => {
                self.at += 1;
                return TokenKind::Bad;
            }
        };
        self.at += length;
        TokenKind::Mark(mark)
    }
}

/// Whether a byte goes on with a name, outside of other alphabets.
fn in_name(byte: u8) -> bool {
    IN_NAME.get(usize::from(byte)).copied().unwrap_or(false)
}

/// The types whose literals are written `type(…)`, with a content that isn't KQL.
fn raw(word: &str) -> Option<Type> {
    Some(match word {
        "datetime" | "date" => Type::Datetime,
        "timespan" | "time" => Type::Timespan,
        "guid" => Type::Guid,
        "real" | "double" => Type::Real,
        "decimal" => Type::Decimal,
        "int" | "int32" => Type::Int,
        "long" | "int64" => Type::Long,
        "bool" | "boolean" => Type::Bool,
        _ => return None,
    })
}

/// A place in a text of at most four gigabytes.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
