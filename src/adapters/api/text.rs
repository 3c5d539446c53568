//! Text of others made fit to be shown: no secret, no control character, no flood.

/// The longest message.
const LONGEST: usize = 600;
/// The longest id of a request.
const LONGEST_ID: usize = 128;

/// Values that are never shown, whatever a service echoes.
#[derive(Clone, Copy)]
pub(super) struct Veil<'a>(pub(super) &'a [&'a str]);

impl Veil<'_> {
    fn over(self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.0.iter().filter(|secret| !secret.is_empty()) {
            // Also as it stands in a form, which is how the token endpoint got it.
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            text = text.replace(secret, "***").replace(&encoded, "***");
        }
        text
    }
}

/// `text` on one line: veiled, white space folded, control and direction characters dropped, doubled
/// full stops made one (the service joins two sentences that way), cut to 600 characters.
pub(super) fn shown(text: &str, veil: Veil<'_>) -> String {
    // Veiled twice, as a secret may hold what is folded, or may be whole only once folded.
    let folded = fold(&veil.over(text));
    cut(&single_stops(&veil.over(&folded)), LONGEST)
}

/// The id of a request: only the characters that ids have.
pub(super) fn shown_id(text: &str, veil: Veil<'_>) -> Option<String> {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '|' | '.' | '-' | '_' | ':' | '*');
    let id: String = veil.over(text).chars().filter(plain).take(LONGEST_ID).collect();
    (!id.is_empty()).then_some(id)
}

/// A page of HTML as text: its title, else its words.
pub(super) fn of_page(page: &str) -> String {
    let lower = page.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|start| {
        let from = start + lower.get(start..)?.find('>')? + 1;
        let to = from + lower.get(from..)?.find("</title")?;
        page.get(from..to)
    });
    match title.map(str::trim) {
        Some(title) if !title.is_empty() => title.to_owned(),
        _ => without_tags(page),
    }
}

/// Whether the body is a page and not JSON.
pub(super) fn is_page(body: &str) -> bool {
    body.trim_start().starts_with('<')
}

fn without_tags(page: &str) -> String {
    let mut depth = 0_u32;
    let keep = |c: char| match c {
        '<' => {
            depth = 1;
            None
        }
        '>' if depth > 0 => {
            depth = 0;
            Some(' ')
        }
        _ => (depth == 0).then_some(c),
    };
    page.chars().filter_map(keep).collect()
}

fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.trim().chars() {
        if c.is_whitespace() {
            if !folded.ends_with(' ') {
                folded.push(' ');
            }
        } else if !is_unseen(c) {
            folded.push(c);
        }
    }
    folded.trim_end().to_owned()
}

/// Control characters, and those that reorder or hide text.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// `occurred.. Fix` to `occurred. Fix`; a range (`1..5`) and an ellipsis stay.
fn single_stops(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("..") {
        let (before, tail) = rest.split_at(at);
        let stops = tail.chars().take_while(|c| *c == '.').count();
        let (dots, after) = tail.split_at(stops);
        let doubled = stops == 2 && !before.is_empty() && (after.is_empty() || after.starts_with(' '));
        made.push_str(before);
        made.push_str(if doubled && !before.ends_with(' ') { "." } else { dots });
        rest = after;
    }
    made.push_str(rest);
    made
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest).and_then(|(end, _)| text.get(..end)) {
        None => text.to_owned(),
        Some(start) => format!("{start}…"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_clean_line() {
        let cases = [
            ("A recognition error occurred.. Fix syntax errors.", "A recognition error occurred. Fix syntax errors."),
            ("range 1..5 and so on... ends..", "range 1..5 and so on... ends."),
            (" a\r\n\tb\u{1b}[31mc\u{0}\u{202e}d\u{200b}\u{85}e ", "a b[31mcd e"),
            ("..", ".."),
            ("", ""),
        ];
        for (text, wanted) in cases {
            assert_eq!(shown(text, Veil(&[])), wanted);
        }
        let long = shown(&"é".repeat(700), Veil(&[]));
        assert_eq!(long.chars().count(), 601);
        assert!(long.ends_with("é…"));
    }

    #[test]
    fn a_secret_is_never_shown_in_whole_or_in_part() {
        let secret = "hu~sh 1/2";
        let text = format!("you sent {secret}, that is hu%7Esh+1%2F2 {}", "x".repeat(560));
        let line = shown(&format!("{text} {secret}"), Veil(&[secret]));
        assert!(!line.contains("hu"), "{line}");
        assert_eq!(shown("hu~\u{0}sh 1/2", Veil(&[secret])), "***");
        assert_eq!(shown_id("a hu~sh 1/2", Veil(&[secret])).as_deref(), Some("a***"));
    }

    #[test]
    fn ids_keep_their_characters_alone() {
        assert_eq!(shown_id("|1d25-48.\n<b>", Veil(&[])).as_deref(), Some("|1d25-48.b"));
        assert_eq!(shown_id("\u{1b}", Veil(&[])), None);
        assert_eq!(shown_id(&"a".repeat(500), Veil(&[])).map(|id| id.len()), Some(128));
    }

    #[test]
    fn pages_become_words() {
        assert_eq!(of_page("<html><head><TITLE>502 Bad Gateway</title></head></html>"), "502 Bad Gateway");
        assert_eq!(
            shown(&of_page("<html><title> </title>502 <b>Bad</b> Gateway</html>"), Veil(&[])),
            "502 Bad Gateway"
        );
        assert_eq!(shown(&of_page("<title"), Veil(&[])), "");
        assert!(is_page(" \n<!DOCTYPE html>") && !is_page("{}"));
    }
}
