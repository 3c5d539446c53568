//! Edits of a query's text: what isn't edited stays byte for byte.

use super::span::Span;

/// Edits, in any order.
#[derive(Debug, Clone, Default)]
pub(super) struct Edits {
    all: Vec<(Span, String)>,
}

impl Edits {
    /// Writes `text` in place of what stands in `span`.
    pub(super) fn replace(&mut self, span: Span, text: String) {
        self.all.push((span, text));
    }

    /// Writes `text` before the byte `at`; behind what was inserted there before.
    pub(super) fn insert(&mut self, at: u32, text: String) {
        self.replace(Span::at(at), text);
    }

    /// The text with all of them; `None` where two are of the same place.
    pub(super) fn applied(mut self, text: &str) -> Option<String> {
        // In the order of the text, and of one place as they were told.
        self.all.sort_by_key(|(span, _)| (span.start, span.end));
        let mut out = String::with_capacity(text.len() + self.all.iter().map(|(_, new)| new.len()).sum::<usize>());
        let mut from = 0;
        for (span, new) in self.all {
            let range = span.range();
            out.push_str(text.get(from..range.start)?);
            out.push_str(&new);
            from = range.end;
        }
        out.push_str(text.get(from..)?);
        Some(out)
    }
}
