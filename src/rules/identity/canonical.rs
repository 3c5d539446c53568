//! The canonical form of a column's value, by the column's type. docs/identity.md says which values
//! are equal and why that hides nothing; this is where they become so.

use super::json;
use super::members::{DEEPEST, Members};
use super::number::{bit, is_number, number};
use super::scalar::{self, tag};
use super::time::{Instant, span};
use crate::model::row::ColumnType;

/// A column's value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell<'a> {
    /// Valid JSON without white space around it.
    pub(super) text: &'a [u8],
    /// It is a string for which it is known that it has no escapes.
    pub(super) is_plain: bool,
}

/// Writes canonical forms; holds memory that is used again from row to row.
#[derive(Debug, Default)]
pub(super) struct Canon {
    members: Members,
    /// Buffers for decoded strings, one a level of JSON text in strings.
    spare: Vec<Vec<u8>>,
    /// The array of the column at hand has no order.
    set: bool,
    /// Where the elements of a set end in the output, and their copy while they are put in order.
    ends: Vec<usize>,
    elements: Vec<u8>,
}

impl Canon {
    /// Writes the form of a value in a column of `kind`.
    /// False, and nothing written, where the value is nothing: null, an empty text, `{}`. `set`: an
    /// array there has no order.
    pub(super) fn column(&mut self, kind: &ColumnType, set: bool, cell: Cell<'_>, out: &mut Vec<u8>) -> bool {
        let Cell { text: value, is_plain } = cell;
        let begin = out.len();
        self.set = set && *kind == ColumnType::Dynamic;
        match (kind, value) {
            (_, b"" | b"null" | b"\"\"") => return false,
            (ColumnType::String | ColumnType::Other(_), [b'"', inside @ .., b'"']) if is_plain => {
                scalar::string(inside, out);
            }
            (ColumnType::Dynamic, _) => self.value(value, 0, true, out),
            (ColumnType::Bool, b"true") => bit(true, out),
            (ColumnType::Bool, b"false") => bit(false, out),
            (_, [b'"', inside @ .., b'"']) => self.text_column(kind, inside, out),
            _ => self.value(value, 0, false, out),
        }
        if out.get(begin..) == Some(&[tag::NOTHING]) {
            out.truncate(begin);
        }
        out.len() > begin
    }

    /// A string in a column that is no dynamic.
    fn text_column(&mut self, kind: &ColumnType, raw: &[u8], out: &mut Vec<u8>) {
        if matches!(kind, ColumnType::String | ColumnType::Other(_)) {
            scalar::sized(tag::STRING, out, |out| json::decode(raw, out));
            return;
        }
        let text = self.decoded(raw);
        let known = match kind {
            ColumnType::DateTime => Instant::parse(&text).map(|instant| instant.write(out)).is_some(),
            ColumnType::Guid => scalar::guid(&text, out),
            ColumnType::TimeSpan => span(&text, out),
            ColumnType::Bool => bool_text(&text).map(|value| bit(value, out)).is_some(),
            _ => {
                is_number(&text) && {
                    number(&text, out);
                    true
                }
            }
        };
        if !known {
            scalar::string(&text, out);
        }
        self.spare.push(text);
    }

    /// Any JSON value. `loose` inside a dynamic: there a text may stand for what it spells.
    fn value(&mut self, value: &[u8], depth: usize, loose: bool, out: &mut Vec<u8>) {
        match value {
            b"null" => out.push(tag::NOTHING),
            b"true" => out.extend_from_slice(&[tag::BOOL, 1]),
            b"false" => out.extend_from_slice(&[tag::BOOL, 0]),
            [b'"', raw @ .., b'"'] if loose => self.loose_text(raw, depth, out),
            [b'"', raw @ .., b'"'] => scalar::sized(tag::STRING, out, |out| json::decode(raw, out)),
            [b'{' | b'[', ..] if depth >= DEEPEST => scalar::sized(tag::DEEP, out, |out| json::minify(value, out)),
            [b'{', ..] => self.object(value, depth, loose, out),
            // Only the column's own value is a set: arrays inside it have their order.
            [b'[', ..] if self.set && depth == 0 => self.set(value, loose, out),
            [b'[', ..] => {
                out.push(tag::ARRAY);
                for element in json::elements(value) {
                    self.value(element.of(value), depth + 1, loose, out);
                }
                out.push(tag::END);
            }
            digits => number(digits, out),
        }
    }

    /// An array whose elements have no order: their forms are put in order, each as often as it comes.
    fn set(&mut self, value: &[u8], loose: bool, out: &mut Vec<u8>) {
        out.push(tag::ARRAY);
        let begin = out.len();
        self.ends.clear();
        for element in json::elements(value) {
            self.value(element.of(value), 1, loose, out);
            self.ends.push(out.len() - begin);
        }
        self.elements.clear();
        self.elements.extend_from_slice(out.get(begin..).unwrap_or_default());
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let mut forms: Vec<&[u8]> =
            starts.zip(&self.ends).map(|(from, to)| self.elements.get(from..*to).unwrap_or_default()).collect();
        forms.sort_unstable();
        out.truncate(begin);
        for form in forms {
            out.extend_from_slice(form);
        }
        out.push(tag::END);
    }

    fn object(&mut self, text: &[u8], depth: usize, loose: bool, out: &mut Vec<u8>) {
        let frame = self.members.open(text);
        if frame.range().is_empty() {
            out.push(tag::NOTHING);
        } else {
            out.push(tag::OBJECT);
            for at in frame.range() {
                let Some(member) = self.members.get(at) else { break };
                scalar::string(self.members.key(member), out);
                self.value(member.value.of(text), depth + 1, loose, out);
            }
            out.push(tag::END);
        }
        self.members.close(frame);
    }

    /// A string inside a dynamic. The APIs send an object as JSON text in some places and as itself
    /// in others, and Graph spells dates anew: so a text that is wholly an object, an array or a date
    /// counts as what it spells.
    fn loose_text(&mut self, raw: &[u8], depth: usize, out: &mut Vec<u8>) {
        let may_spell = |byte: &u8| matches!(byte, b'{' | b'[' | b'\\' | b'0'..=b'9') || byte.is_ascii_whitespace();
        if !raw.first().is_some_and(may_spell) {
            scalar::sized(tag::STRING, out, |out| json::decode(raw, out));
            return;
        }
        let text = self.decoded(raw);
        let inside = json::trim(&text);
        if depth < DEEPEST && matches!(inside.first(), Some(b'{' | b'[')) && is_json(inside) {
            self.value(inside, depth, true, out);
        } else if let Some(instant) = Instant::parse(&text) {
            instant.write(out);
        } else {
            scalar::string(&text, out);
        }
        self.spare.push(text);
    }

    /// What a string means, in a spare buffer; push it back onto `spare` after use.
    fn decoded(&mut self, raw: &[u8]) -> Vec<u8> {
        let mut text = self.spare.pop().unwrap_or_default();
        text.clear();
        json::decode(raw, &mut text);
        text
    }
}

fn is_json(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| json::validate(text).is_ok())
}

fn bool_text(text: &[u8]) -> Option<bool> {
    match text {
        b"1" => Some(true),
        b"0" => Some(false),
        _ if text.eq_ignore_ascii_case(b"true") => Some(true),
        _ if text.eq_ignore_ascii_case(b"false") => Some(false),
        _ => None,
    }
}
