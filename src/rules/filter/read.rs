//! The pieces of an expression's text: blanks, words, names, signs, quoted texts.

use super::problem::Problem;
use super::tree::{Column, Op, is_bare, is_bare_in_name, is_sign, is_word, joins};

/// A hint that fits most slips.
pub(super) const QUOTE: &str =
    "a value with blanks, commas, quotes or brackets stands in quotes: FolderPath=\"C:\\Program Files\\*\"";

/// Reads a text from left to right.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Bytes from the start.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// What isn't read yet.
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// What is read since `start`, without blanks at its end.
    pub(super) fn text_from(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default().trim_end()
    }

    /// What stands before `end`.
    pub(super) fn text_until(&self, end: usize) -> &'a str {
        self.text.get(..end).unwrap_or_default()
    }

    pub(super) fn problem(&self, at: usize, message: impl Into<String>, hint: impl Into<String>) -> Problem {
        Problem { text: self.text.to_owned(), at, message: message.into(), hint: hint.into() }
    }

    pub(super) fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Takes `sign`, if it comes next.
    pub(super) fn take(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
        }
        found
    }

    /// The characters that come next, as long as they are of a kind.
    pub(super) fn peek_while(&self, kind: fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        rest.split_at_checked(rest.find(|c| !kind(c)).unwrap_or(rest.len())).map_or(rest, |(word, _)| word)
    }

    /// The word that comes next: what could be a name without quotes.
    pub(super) fn peek_word(&self) -> &'a str {
        self.peek_while(is_bare_in_name)
    }

    /// Takes the word of the language, in any case, if it comes next.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        self.skip_blanks();
        let found = self.peek_word().eq_ignore_ascii_case(word);
        if found {
            self.at += word.len();
        }
        found
    }

    /// The operator sign that comes next.
    pub(super) fn take_sign(&mut self) -> Option<Op> {
        Op::SIGNS.into_iter().find(|op| self.take(op.as_str()))
    }

    /// A text in quotes of either kind, in which the quote itself is doubled; `None` where no quote
    /// comes next.
    fn quoted(&mut self) -> Result<Option<String>, Problem> {
        let start = self.at;
        let Some(quote) = self.rest().chars().next().filter(|c| matches!(c, '"' | '\'')) else { return Ok(None) };
        let mut text = String::new();
        self.at += 1;
        loop {
            let Some((part, _)) = self.rest().split_once(quote) else {
                let hint = format!("end it with {quote}; a {quote} within is written twice");
                return Err(self.problem(start, "this quote isn't closed", hint));
            };
            text.push_str(part);
            self.at += part.len() + 1;
            if !self.rest().starts_with(quote) {
                return Ok(Some(text));
            }
            text.push(quote);
            self.at += 1;
        }
    }

    /// A column: names with dots between them.
    pub(super) fn column(&mut self) -> Result<Column, Problem> {
        let mut parts = vec![self.name("a column")?];
        while self.take(".") {
            parts.push(self.name("a name after the dot")?);
        }
        Ok(Column { parts })
    }

    fn name(&mut self, what: &str) -> Result<String, Problem> {
        if let Some(name) = self.quoted()? {
            return Ok(name);
        }
        let (at, word) = (self.at, self.peek_word());
        if word.is_empty() {
            let found = self.rest().chars().next().map_or("the end".to_owned(), |c| format!("`{c}`"));
            let hint =
                "a column is a name such as DeviceName; one with blanks or signs such as `=` and `.` stands in quotes";
            return Err(self.problem(at, format!("{what} should stand here, not {found}"), hint));
        }
        if is_word(word) {
            let hint = format!("a column of that name stands in quotes: \"{word}\"");
            return Err(self.problem(at, format!("{what} should stand here, not `{word}`"), hint));
        }
        self.at += word.len();
        Ok(word.to_owned())
    }

    /// A value's text, after `before`.
    pub(super) fn value(&mut self, before: &str) -> Result<String, Problem> {
        self.skip_blanks();
        if let Some(text) = self.quoted()? {
            if self.rest().starts_with(|c| is_bare(c) || matches!(c, '"' | '\'')) {
                let hint = "quotes go around the whole value; a quote within is written twice";
                return Err(self.problem(self.at, "a blank should stand after the quote", hint));
            }
            return Ok(text);
        }
        let (at, word) = (self.at, self.peek_while(is_bare));
        match word.chars().next() {
            None => {
                let hint = if self.rest().is_empty() { "write \"\" for a column that holds nothing" } else { QUOTE };
                Err(self.problem(at, format!("a value should stand after `{before}`"), hint))
            }
            Some(first) if is_sign(first) => {
                let hint = "the operators are = != == !== < <= > >= ~ !~ IN; a value that begins so stands in quotes";
                Err(self.problem(at, format!("a value should stand after `{before}`, not `{first}`"), hint))
            }
            Some(_) if joins(word) => {
                let hint = format!("the word itself as a value stands in quotes: \"{word}\"");
                Err(self.problem(at, format!("a value should stand after `{before}`, not `{word}`"), hint))
            }
            Some(_) => {
                self.at += word.len();
                Ok(word.to_owned())
            }
        }
    }
}
