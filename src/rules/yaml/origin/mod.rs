//! Where the characters of a scalar's text stand in its file.
//!
//! Made only when there is something to point at, from the file's text and the scalar's place: a
//! document without a finding costs nothing. The text is laid beside the file, character by
//! character, by the rules of its style; where the two part, there is no [`Origin`] rather than a
//! wrong one.

mod block;
mod cursor;
mod flow;

use std::ops::Range;

use cursor::Cursor;

use super::node::{Scalar, Style};
use crate::model::place::Place;

/// Where a scalar's text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    form: Form,
    /// One for each character of the text, in order.
    marks: Vec<Mark>,
    /// How many bytes of the text, from its start, have something to see: the rest is blank.
    solid: usize,
}

/// A character of the text, and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    /// Its byte in the text.
    offset: usize,
    line: u32,
    column: u32,
    /// After its last character in the file: an escape has several, a line's end none.
    end_column: u32,
}

/// What may be written into the scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Literal,
    Folded,
    Plain,
    Single,
    Double,
}

impl Origin {
    /// Lays the text of a scalar beside the file that it was read from. `place` is the scalar's.
    ///
    /// `None` where they don't fit: the text was made by huntd, or the file is another.
    #[must_use]
    pub fn of(file: &str, place: Place, scalar: &Scalar) -> Option<Self> {
        Self::lay(file, place, scalar.style, &scalar.text)
    }

    /// As [`Self::of`], for a text that was taken out of its scalar.
    #[must_use]
    pub fn lay(file: &str, place: Place, style: Style, text: &str) -> Option<Self> {
        let file = file.strip_prefix('\u{feff}').unwrap_or(file);
        let (form, marks) = match style {
            Style::Literal => (Form::Literal, block::literal(file, place, text)?),
            Style::Folded => (Form::Folded, block::folded(file, place, text)?),
            Style::Plain => (Form::Plain, flow::plain(Cursor::at(file, place)?, text)?),
            Style::Quoted => {
                let mut cursor = Cursor::at(file, place)?;
                match cursor.take()? {
                    '\'' => (Form::Single, flow::single(cursor, text)?),
                    '"' => (Form::Double, flow::double(cursor, text)?),
                    _ => return None,
                }
            }
        };
        Some(Self { form, marks, solid: text.trim_end().len() })
    }

    /// The place of a stretch of the text, in bytes. A stretch of nothing is a place of nothing; at
    /// the text's end it stands right after the last character that can be seen.
    #[must_use]
    pub fn place(&self, bytes: Range<usize>) -> Place {
        let start = self.marks.partition_point(|mark| mark.offset < bytes.start);
        let end = self.marks.partition_point(|mark| mark.offset < bytes.end);
        let last = self.marks.get(start..end).and_then(<[_]>::last);
        match (self.marks.get(start), last) {
            (Some(first), Some(last)) => {
                Place { line: first.line, column: first.column, end_line: last.line, end_column: last.end_column }
            }
            (Some(first), None) if bytes.start < self.solid => Place::in_line(first.line, first.column, first.column),
            _ => self.end(),
        }
    }

    /// Right after the last character that can be seen.
    fn end(&self) -> Place {
        let count = self.marks.partition_point(|mark| mark.offset < self.solid);
        let last = count.checked_sub(1).and_then(|last| self.marks.get(last)).or(self.marks.first());
        last.map_or(Place::START, |last| Place::in_line(last.line, last.end_column, last.end_column))
    }

    /// How `text` is written into the scalar in place of a stretch of it; `None` where that can't be
    /// done without a look at the whole.
    #[must_use]
    pub fn written(&self, text: &str) -> Option<String> {
        if text.chars().any(char::is_control) {
            return None;
        }
        Some(match self.form {
            Form::Literal => text.to_owned(),
            Form::Single => text.replace('\'', "''"),
            Form::Double => text.replace('\\', "\\\\").replace('"', "\\\""),
            Form::Plain | Form::Folded => {
                let sound = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '(' | ')' | '=' | '~' | ' ');
                text.chars().all(sound).then(|| text.to_owned())?
            }
        })
    }
}

#[cfg(test)]
mod tests;
