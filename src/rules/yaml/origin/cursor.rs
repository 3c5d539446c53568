//! A place in a file that moves on, and knows its line and column.

use super::Mark;
use crate::model::place::Place;

/// A place in a file, with what comes after it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a str,
    line: u32,
    column: u32,
}

impl<'a> Cursor<'a> {
    /// At the start of `place`.
    pub(super) fn at(file: &'a str, place: Place) -> Option<Self> {
        let mut cursor = Self::line(file, place.line)?;
        while cursor.column < place.column {
            cursor.take()?;
        }
        (cursor.line == place.line).then_some(cursor)
    }

    /// At the start of a line, counted from 1.
    pub(super) fn line(file: &'a str, line: u32) -> Option<Self> {
        let mut cursor = Self { rest: file, line: 1, column: 1 };
        while cursor.line < line {
            cursor.skip_line()?;
        }
        Some(cursor)
    }

    /// The next character; a line's end, of whichever kind, is `\n`.
    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next().map(|c| if c == '\r' { '\n' } else { c })
    }

    /// The next character, and steps over it.
    pub(super) fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        let length = if self.rest.starts_with("\r\n") { 2 } else { self.rest.chars().next()?.len_utf8() };
        self.rest = self.rest.get(length..)?;
        if c == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(c)
    }

    /// The rest of the line, without its end.
    pub(super) fn rest_of_line(&self) -> &'a str {
        self.rest.split(['\n', '\r']).next().unwrap_or_default()
    }

    /// To the start of the next line; `None` at the file's end.
    pub(super) fn skip_line(&mut self) -> Option<()> {
        let line = self.rest_of_line();
        self.column += u32::try_from(line.chars().count()).ok()?;
        self.rest = self.rest.get(line.len()..)?;
        self.take().map(|_| ())
    }

    /// Steps over blanks, up to `most`.
    pub(super) fn skip_blanks(&mut self, most: usize) {
        for _ in 0..most {
            if self.peek() != Some(' ') {
                return;
            }
            self.take();
        }
    }

    /// Steps over blanks and tabs.
    pub(super) fn skip_white(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.take();
        }
    }

    /// A mark for the character at `offset` of the text, that takes the file from here to `end`.
    pub(super) fn mark(&self, offset: usize, end: &Self) -> Mark {
        let end_column = if end.line == self.line { end.column } else { self.column };
        Mark { offset, line: self.line, column: self.column, end_column }
    }
}
