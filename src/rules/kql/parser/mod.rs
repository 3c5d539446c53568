//! A text as a tree.
//!
//! The parser reads tokens from left to right and never goes back. Where something is wrong it tells
//! one problem, says in the tree that a part is missing, and goes on at the next place where the text
//! can make sense again: a `|`, a `;`, the bracket that closes what is open, or a line that begins a
//! statement.

mod call;
mod expression;
mod graph;
mod infix;
mod list;
mod literal;
mod mistakes;
mod operator;
mod operator_names;
mod primary;
mod relation;
mod reserved;
mod series;
mod source;
mod statement;

use super::lexer::{Lexer, Mark, Token, TokenKind};
use super::problem::{Code, Problem};
use super::span::Span;
use super::tree::{Name, Query};

/// A text, parsed.
#[derive(Debug)]
pub struct Parsed<'a> {
    /// The tree.
    pub query: Query<'a>,
    /// What is wrong with the syntax.
    pub problems: Vec<Problem>,
}

/// How deep brackets, operators before values and queries in queries may be nested.
const DEEP: u32 = 120;
/// How many operators in a row one expression may have. The service itself refuses some hundreds.
const CHAIN: usize = 2_000;

/// How many problems are told: what is no query at all needs no thousand carets.
const MOST: usize = 50;

/// Makes a tree of any text.
#[must_use]
pub fn parse(text: &str) -> Parsed<'_> {
    if u32::try_from(text.len()).is_err() {
        let problem = Problem::error(Code::Depth, Span::at(0), "the query is larger than four gigabytes");
        return Parsed { query: Query::default(), problems: vec![problem] };
    }
    let mut parser = Parser::new(text);
    let query = parser.query();
    Parsed { query, problems: parser.problems }
}

/// A token that is neither blank nor comment.
#[derive(Debug, Clone, Copy)]
struct Lexeme {
    kind: TokenKind,
    span: Span,
    /// It is the first of its line.
    begins_line: bool,
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Lexeme>,
    /// The next token.
    at: usize,
    problems: Vec<Problem>,
    deep: u32,
    /// Inside so many searches, in which `a:b` may stand.
    searching: u32,
    /// Inside so many lists of columns, in which `a*` is a pattern.
    wildcards: u32,
    /// Nothing is told: the text is beyond understanding here, and it was said.
    quiet: bool,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        let mut tokens = Vec::with_capacity(text.len() / 4);
        let mut begins_line = true;
        for Token { kind, span } in Lexer::new(text) {
            match kind {
                TokenKind::Blank => {
                    let blanks = text.as_bytes().get(span.range()).unwrap_or_default();
                    begins_line |= blanks.contains(&b'\n');
                }
                TokenKind::Comment => {}
                _ => tokens.push(Lexeme { kind, span, begins_line: std::mem::take(&mut begins_line) }),
            }
        }
        Self { text, tokens, at: 0, problems: Vec::new(), deep: 0, searching: 0, wildcards: 0, quiet: false }
    }

    // ---- looking ----

    fn kind(&self) -> Option<TokenKind> {
        self.tokens.get(self.at).map(|token| token.kind)
    }

    fn kind_after(&self, ahead: usize) -> Option<TokenKind> {
        self.tokens.get(self.at + ahead).map(|token| token.kind)
    }

    /// Where the next token stands; behind the last one at the end.
    fn span(&self) -> Span {
        self.tokens.get(self.at).map_or_else(|| Span::at(self.end()), |token| token.span)
    }

    /// Where the last token that was taken stands.
    fn last(&self) -> Span {
        match self.at.checked_sub(1).and_then(|at| self.tokens.get(at)) {
            Some(token) => token.span,
            None => Span::at(0),
        }
    }

    fn end(&self) -> u32 {
        self.tokens.last().map_or(0, |token| token.span.end)
    }

    /// The text of the next token, empty at the end.
    fn word(&self) -> &'a str {
        self.word_after(0)
    }

    fn word_after(&self, ahead: usize) -> &'a str {
        match self.tokens.get(self.at + ahead) {
            Some(token) => self.slice(token.span),
            None => "",
        }
    }

    fn slice(&self, span: Span) -> &'a str {
        span.of(self.text)
    }

    fn is(&self, mark: Mark) -> bool {
        self.kind() == Some(TokenKind::Mark(mark))
    }

    fn is_after(&self, ahead: usize, mark: Mark) -> bool {
        self.kind_after(ahead) == Some(TokenKind::Mark(mark))
    }

    /// Whether the next token is this keyword.
    fn is_word(&self, word: &str) -> bool {
        self.kind() == Some(TokenKind::Name) && self.word() == word
    }

    fn is_name(&self) -> bool {
        self.kind() == Some(TokenKind::Name)
    }

    /// Whether the token at a place touches the one before it.
    fn touches(&self, ahead: usize) -> bool {
        let at = self.at + ahead;
        match (at.checked_sub(1).and_then(|before| self.tokens.get(before)), self.tokens.get(at)) {
            (Some(before), Some(token)) => before.span.end == token.span.start,
            _ => false,
        }
    }

    /// Whether the next token is the first of its line.
    fn begins_line(&self) -> bool {
        self.tokens.get(self.at).is_none_or(|token| token.begins_line)
    }

    fn at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    // ---- taking ----

    fn take(&mut self) -> Span {
        let span = self.span();
        self.at = (self.at + 1).min(self.tokens.len());
        span
    }

    fn eat(&mut self, mark: Mark) -> bool {
        let found = self.is(mark);
        if found {
            self.take();
        }
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.take();
        }
        found
    }

    // ---- telling ----

    fn tell(&mut self, problem: Problem) {
        if self.quiet {
            return;
        }
        self.problems.push(problem);
        if self.problems.len() >= MOST {
            self.give_up();
        }
    }

    /// Reads no further: what was told is enough.
    fn give_up(&mut self) {
        self.quiet = true;
        self.at = self.tokens.len();
    }

    fn error(&mut self, code: Code, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        self.tell(Problem::error(code, span, message).hint(hint));
    }

    /// Where something that is missing should stand: behind the last token.
    fn behind(&self) -> Span {
        if self.at == 0 { Span::at(self.span().start) } else { Span::at(self.last().end) }
    }

    /// How the next token is called in a message.
    fn found(&self) -> String {
        if self.kind().is_none() {
            "the end of the query".to_owned()
        } else {
            let word = self.word();
            let short: String = word.chars().take(24).map(|c| if c.is_control() { ' ' } else { c }).collect();
            format!("`{short}`")
        }
    }

    /// Takes a mark that must stand here.
    fn expect(&mut self, mark: Mark, text: &str, hint: &str) -> bool {
        if self.eat(mark) {
            return true;
        }
        let span = if self.at_end() { self.behind() } else { self.span() };
        let found = self.found();
        self.error(Code::Syntax, span, format!("`{text}` is missing before {found}"), hint);
        false
    }

    /// Takes a keyword that must stand here.
    fn expect_word(&mut self, word: &str, hint: &str) -> bool {
        if self.eat_word(word) {
            return true;
        }
        let span = if self.at_end() { self.behind() } else { self.span() };
        let found = self.found();
        self.error(Code::Syntax, span, format!("`{word}` is missing before {found}"), hint);
        false
    }

    /// Takes the bracket that closes the one at `open`; what stands before it is skipped, and told once.
    fn close(&mut self, mark: Mark, open: Span) {
        if self.eat(mark) {
            return;
        }
        let text = match mark {
            Mark::Close => ")",
            Mark::CloseBracket => "]",
            _ => "}",
        };
        if self.at_end() || self.is(Mark::Semicolon) || (self.is(Mark::Pipe)) || self.closes() {
            let opened = self.slice(open).to_owned();
            let at = self.behind();
            self.tell(
                Problem::error(Code::Bracket, at, format!("`{text}` is missing: `{opened}` is never closed"))
                    .opened(open)
                    .hint(format!("add `{text}` here, or where it belongs")),
            );
            return;
        }
        self.unexpected();
        self.skip_to(mark);
        self.eat(mark);
    }

    /// Whether a bracket of any kind closes here.
    fn closes(&self) -> bool {
        self.is(Mark::Close) || self.is(Mark::CloseBracket) || self.is(Mark::CloseBrace)
    }

    // ---- recovering ----

    /// Skips to a closing mark on this level, or to where the pipe or statement ends.
    fn skip_to(&mut self, mark: Mark) {
        let mut open = 0u32;
        while let Some(kind) = self.kind() {
            if open == 0 && (kind == TokenKind::Mark(mark) || kind == TokenKind::Mark(Mark::Semicolon)) {
                return;
            }
            match kind {
                TokenKind::Mark(Mark::Open | Mark::OpenBracket | Mark::OpenBrace) => open += 1,
                TokenKind::Mark(Mark::Close | Mark::CloseBracket | Mark::CloseBrace) => {
                    if open == 0 {
                        return;
                    }
                    open -= 1;
                }
                _ => {}
            }
            self.take();
        }
    }

    /// Skips what can't be understood, to the next operator or the end of the statement.
    fn skip_stage(&mut self) {
        self.skip_to(Mark::Pipe);
    }

    // ---- names ----

    /// A name that must stand here.
    fn name(&mut self, what: &str) -> Name<'a> {
        if let Some(name) = self.maybe_name() {
            return name;
        }
        let span = if self.at_end() { self.behind() } else { self.span() };
        let found = self.found();
        self.error(
            Code::Syntax,
            span,
            format!("{what} is missing before {found}"),
            "write a name here; one with blanks stands as ['a name']",
        );
        Name { text: "", span: self.behind() }
    }

    /// A name, where one stands here.
    fn maybe_name(&mut self) -> Option<Name<'a>> {
        if self.is_plain_name_after(0) {
            let span = self.take();
            return Some(Name { text: self.slice(span), span });
        }
        if self.is(Mark::OpenBracket) { self.bracketed() } else { None }
    }

    /// Whether a word that can be a name stands behind so many tokens: `!has` and `in~` can't.
    fn is_plain_name_after(&self, ahead: usize) -> bool {
        let word = self.word_after(ahead);
        self.kind_after(ahead) == Some(TokenKind::Name) && !word.starts_with('!') && !word.ends_with('~')
    }

    /// `['a name']`.
    fn bracketed(&mut self) -> Option<Name<'a>> {
        let inside = matches!(self.kind_after(1), Some(TokenKind::Literal(super::types::Type::String)));
        if !inside || !self.is_after(2, Mark::CloseBracket) {
            return None;
        }
        let open = self.take();
        let text = self.take();
        let close = self.take();
        Some(Name { text: unquoted(self.slice(text)), span: open.to(close) })
    }

    /// Goes one level deeper; false where that is too deep.
    fn deeper(&mut self) -> bool {
        self.deep += 1;
        if self.deep <= DEEP {
            return true;
        }
        let span = self.span();
        self.error(Code::Depth, span, "the query is nested too deep here", "take parts out into `let` statements");
        // Whatever follows would be told again on each level.
        self.give_up();
        false
    }
}

/// A text literal without its quotes; escapes stay.
fn unquoted(text: &str) -> &str {
    let text = text.trim_start_matches(['h', 'H']).trim_start_matches('@');
    let mut characters = text.chars();
    match characters.next() {
        Some(quote @ ('"' | '\'')) => {
            let inside = characters.as_str();
            inside.strip_suffix(quote).unwrap_or(inside)
        }
        _ => text,
    }
}
