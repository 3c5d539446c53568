//! Texts after `|` and `>`.

use super::Mark;
use super::cursor::Cursor;
use crate::model::place::Place;

/// At the first line of a block, which is `place`'s unless empty lines come before it.
fn first_line<'a>(file: &'a str, place: Place, text: &str) -> Option<Cursor<'a>> {
    let empty = text.bytes().take_while(|byte| *byte == b'\n').count();
    Cursor::line(file, place.line.checked_sub(u32::try_from(empty).ok()?)?)
}

/// The indentation: a block's place is that of its first character, after it.
fn indent(place: Place) -> usize {
    place.column.saturating_sub(1) as usize
}

/// Steps over a line's indentation. A line before the first text may be blanks alone, of any number.
fn enter(cursor: &mut Cursor<'_>, indent: usize, empty: bool) {
    if empty && cursor.rest_of_line().chars().all(|c| matches!(c, ' ' | '\t')) {
        cursor.skip_white();
    } else {
        cursor.skip_blanks(indent);
    }
}

/// A text after `|`: each line as it stands, less the indentation.
pub(super) fn literal(file: &str, place: Place, text: &str) -> Option<Vec<Mark>> {
    let mut cursor = first_line(file, place, text)?;
    let mut marks = Vec::with_capacity(text.len());
    let mut fresh = true;
    for (offset, c) in text.char_indices() {
        if fresh {
            enter(&mut cursor, indent(place), c == '\n');
        }
        let before = cursor;
        match cursor.take() {
            Some(found) if found == c => {}
            // The last line may lack its end.
            None if c == '\n' => {}
            _ => return None,
        }
        marks.push(before.mark(offset, &cursor));
        fresh = c == '\n';
    }
    Some(marks)
}

/// A text after `>`: lines are joined by a blank, empty lines between them are line ends, and lines
/// that are indented further keep theirs.
pub(super) fn folded(file: &str, place: Place, text: &str) -> Option<Vec<Mark>> {
    let mut cursor = first_line(file, place, text)?;
    let mut marks = Vec::with_capacity(text.len());
    let mut chars = text.char_indices().peekable();
    // Empty lines in front are kept as they are.
    while let Some((offset, _)) = chars.next_if(|(_, c)| *c == '\n') {
        enter(&mut cursor, indent(place), true);
        let before = cursor;
        cursor.take().filter(|found| *found == '\n')?;
        marks.push(before.mark(offset, &cursor));
    }
    cursor.skip_blanks(indent(place));
    while let Some((offset, c)) = chars.peek().copied() {
        let before = cursor;
        match cursor.take() {
            Some('\n') | None => {
                let breaks = ends(&mut cursor, before, indent(place));
                fold(&breaks, &mut chars, &mut marks)?;
            }
            Some(found) if found == c => {
                marks.push(before.mark(offset, &cursor));
                chars.next();
            }
            Some(_) => return None,
        }
    }
    Some(marks)
}

/// The line ends from `first` to the next line with a text, at whose text it ends.
fn ends<'a>(cursor: &mut Cursor<'a>, first: Cursor<'a>, indent: usize) -> Vec<Cursor<'a>> {
    let mut found = vec![first];
    loop {
        let mut inside = *cursor;
        inside.skip_blanks(indent);
        if inside.peek() != Some('\n') {
            *cursor = inside;
            return found;
        }
        found.push(inside);
        inside.take();
        *cursor = inside;
    }
}

/// The characters that line ends became: a blank for one alone, else line ends, of which the first
/// goes when no line beside is indented further.
fn fold(
    breaks: &[Cursor<'_>],
    chars: &mut std::iter::Peekable<std::str::CharIndices<'_>>,
    marks: &mut Vec<Mark>,
) -> Option<()> {
    if let ([only], Some((offset, _))) = (breaks, chars.next_if(|(_, c)| *c == ' ')) {
        marks.push(only.mark(offset, only));
        return Some(());
    }
    let offsets: Vec<usize> = std::iter::from_fn(|| chars.next_if(|(_, c)| *c == '\n')).map(|(at, _)| at).collect();
    if offsets.is_empty() || offsets.len() > breaks.len() {
        return None;
    }
    // At the text's end, what is cut off is the last; before, it is the first.
    let skip = if chars.peek().is_some() { breaks.len() - offsets.len() } else { 0 };
    let pairs = offsets.iter().zip(breaks.iter().skip(skip));
    marks.extend(pairs.map(|(offset, end)| end.mark(*offset, end)));
    Some(())
}
