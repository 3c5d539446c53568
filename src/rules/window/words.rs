//! The words of a KQL text, without its strings and comments.

/// A word, or a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Letters, digits and underscores.
    Word(&'a str),
    /// Anything else that isn't blank, a character at a time.
    Sign(char),
}

/// Takes a KQL text apart. What can't be read (a string without an end) is left out to the end of
/// the line, as the service would refuse it anyway.
pub(super) fn tokens(query: &str) -> Vec<Token<'_>> {
    let (mut rest, mut found) = (query, Vec::new());
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '`' if rest.starts_with("```") => fenced(rest, "```"),
            '~' if rest.starts_with("~~~") => fenced(rest, "~~~"),
            '@' if rest.starts_with("@\"") || rest.starts_with("@'") => quoted(rest, 1, true),
            '"' | '\'' => quoted(rest, 0, false),
            c if is_word(c) => {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                found.extend(rest.get(..length).map(Token::Word));
                length
            }
            c => {
                found.extend((!c.is_whitespace()).then_some(Token::Sign(c)));
                c.len_utf8()
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of a string between fences, both included.
fn fenced(text: &str, fence: &str) -> usize {
    let inside = text.get(fence.len()..).unwrap_or_default();
    inside.find(fence).map_or(text.len(), |at| at + 2 * fence.len())
}

/// The length of a string whose quote stands after `prefix` bytes. In a verbatim string a backslash
/// is itself; a doubled quote reads as two strings, which comes to the same here.
fn quoted(text: &str, prefix: usize, verbatim: bool) -> usize {
    let mut chars = text.char_indices().skip(prefix);
    let Some((_, quote)) = chars.next() else { return text.len() };
    let mut escaped = false;
    for (at, c) in chars {
        match c {
            '\n' => return at,
            _ if escaped => escaped = false,
            '\\' if !verbatim => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn strings_and_comments_have_no_words() {
        let query = "A // b \"\n| where c == \"d \\\" e\" and f == 'g' /* h\n and @\"i\\\" == j ```k\n l``` | m-n";
        let words: Vec<_> = tokens(query)
            .into_iter()
            .filter_map(|token| match token {
                Token::Word(word) => Some(word),
                Token::Sign(_) => None,
            })
            .collect();
        assert_eq!(words, ["A", "where", "c", "and", "f", "h", "and", "j", "m", "n"]);
    }

    proptest! {
        #[test]
        fn any_text_comes_to_its_end(text in "[a@~`'\"\\\\/\n é|]{0,40}") {
            prop_assert!(tokens(&text).len() <= text.len());
        }
    }
}
