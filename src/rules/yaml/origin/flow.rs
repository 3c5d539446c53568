//! Plain texts and those in quotation marks.

use std::iter::Peekable;
use std::str::CharIndices;

use super::Mark;
use super::cursor::Cursor;

type Chars<'t> = Peekable<CharIndices<'t>>;

/// A plain text.
pub(super) fn plain(cursor: Cursor<'_>, text: &str) -> Option<Vec<Mark>> {
    lay(cursor, text, false, Cursor::take)
}

/// A text in single marks, after the first: a doubled mark is one.
pub(super) fn single(cursor: Cursor<'_>, text: &str) -> Option<Vec<Mark>> {
    lay(cursor, text, false, |cursor| match cursor.take()? {
        '\'' => cursor.take().filter(|c| *c == '\''),
        c => Some(c),
    })
}

/// A text in double marks, after the first, with escapes.
pub(super) fn double(cursor: Cursor<'_>, text: &str) -> Option<Vec<Mark>> {
    lay(cursor, text, true, |cursor| match cursor.take()? {
        '\\' => escape(cursor),
        '"' => None,
        c => Some(c),
    })
}

/// Lays a text beside the file; `next` reads one of its characters, and line ends may be escaped.
fn lay<'a>(
    mut cursor: Cursor<'a>,
    text: &str,
    escapes: bool,
    mut next: impl FnMut(&mut Cursor<'a>) -> Option<char>,
) -> Option<Vec<Mark>> {
    let mut marks = Vec::with_capacity(text.len());
    let mut chars = text.char_indices().peekable();
    while let Some((offset, c)) = chars.peek().copied() {
        if joined(&mut cursor, escapes, &mut chars, &mut marks)? {
            continue;
        }
        let before = cursor;
        next(&mut cursor).filter(|found| *found == c)?;
        marks.push(before.mark(offset, &cursor));
        chars.next();
    }
    Some(marks)
}

/// Steps over a line's end with the blanks around it, if here is one: it is a blank, and the empty
/// lines after it are line ends. One that is escaped is nothing.
fn joined(cursor: &mut Cursor<'_>, escapes: bool, chars: &mut Chars<'_>, marks: &mut Vec<Mark>) -> Option<bool> {
    let mut end = *cursor;
    let swallowed = escapes && end.rest_of_line() == "\\";
    if swallowed {
        end.take();
    } else {
        end.skip_white();
    }
    if end.peek() != Some('\n') {
        return Some(false);
    }
    let first = end;
    let mut empty = Vec::new();
    loop {
        end.take();
        end.skip_white();
        if end.peek() != Some('\n') {
            break;
        }
        empty.push(end);
    }
    *cursor = end;
    if empty.is_empty() && !swallowed {
        empty.push(first);
        let (offset, _) = chars.next_if(|(_, c)| *c == ' ')?;
        marks.push(first.mark(offset, &first));
        return Some(true);
    }
    for end in empty {
        let (offset, _) = chars.next_if(|(_, c)| *c == '\n')?;
        marks.push(end.mark(offset, &end));
    }
    Some(true)
}

/// What stands after a backslash.
fn escape(cursor: &mut Cursor<'_>) -> Option<char> {
    Some(match cursor.take()? {
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        't' | '\t' => '\t',
        'n' => '\n',
        'v' => '\u{b}',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        'x' => char::from_u32(digits(cursor, 2)?)?,
        'u' => match digits(cursor, 4)? {
            high @ 0xd800..=0xdbff => {
                cursor.take().filter(|c| *c == '\\')?;
                cursor.take().filter(|c| *c == 'u')?;
                let low = digits(cursor, 4)?.checked_sub(0xdc00)?;
                char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + low)?
            }
            code => char::from_u32(code)?,
        },
        'U' => char::from_u32(digits(cursor, 8)?)?,
        c => c,
    })
}

fn digits(cursor: &mut Cursor<'_>, count: usize) -> Option<u32> {
    (0..count).try_fold(0_u32, |number, _| Some(number * 16 + cursor.take()?.to_digit(16)?))
}
