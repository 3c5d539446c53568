//! Addresses in row text, spelt so that no mail program makes a link of them.
//!
//! `https://evil.example/x` becomes `hxxps://evil[.]example/x`. Only the shown text changes: the CSV
//! and the JSON keep the value as it is.

/// Defangs every address with a scheme or with `www.` in front.
#[must_use]
pub fn defang(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some((before, link, after)) = next_link(rest) {
        out.push_str(before);
        out.push_str(&link);
        // What runs on into another `://` is no host but the next link's scheme.
        let host_end = match (after.find(ends_host), after.find("://")) {
            (Some(end), Some(next)) if end > next => 0,
            (end, _) => end.unwrap_or(after.len()),
        };
        let (host, tail) = after.split_at(host_end);
        out.push_str(&host.replace('.', "[.]"));
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Defangs a value that is an address as a whole, such as `evil.example/x`: for columns of which
/// that is known ([`holds_addresses`]).
#[must_use]
pub fn defang_address(text: &str) -> String {
    let has_scheme = text.contains("://") || text.to_ascii_lowercase().starts_with("www.");
    if has_scheme {
        return defang(text);
    }
    let (host, tail) = text.split_at(text.find(ends_host).unwrap_or(text.len()));
    format!("{}{}", host.replace('.', "[.]"), defang(tail))
}

/// Whether a column of that name holds addresses without a scheme (`RemoteUrl`, `UrlDomain`).
#[must_use]
pub fn holds_addresses(column: &str) -> bool {
    let lower = column.to_ascii_lowercase();
    ["url", "uri", "domain"].iter().any(|word| lower.contains(word))
}

fn ends_host(c: char) -> bool {
    matches!(c, '/' | '?' | '#' | '\\' | '"' | '\'' | '<' | '>' | ')' | ']' | ',' | ';' | '|') || c.is_whitespace()
}

/// The next link: what stands before it, its scheme or `www.` made harmless, and what follows.
fn next_link(text: &str) -> Option<(&str, String, &str)> {
    let scheme = text.find("://").map(|at| {
        let head = text.get(..at).unwrap_or_default();
        let start = head
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)))
            .map_or(0, |last| last + head.get(last..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8));
        (start, at, 3)
    });
    let www = find_www(text).map(|at| (at, at + 3, 1));
    let (start, end, mark) = match (scheme, www) {
        (Some(one), Some(two)) => one.min(two),
        (one, two) => one.or(two)?,
    };
    let name = text.get(start..end)?;
    let after = text.get(end + mark..)?;
    let link = if mark == 1 { format!("{name}[.]") } else { harmless(name) };
    Some((text.get(..start)?, link, after))
}

/// `www.` at the begin of a word, in any case.
fn find_www(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    bytes.windows(4).enumerate().find_map(|(at, four)| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        let begins = before.is_none_or(|before| !before.is_ascii_alphanumeric());
        (begins && four.eq_ignore_ascii_case(b"www.")).then_some(at)
    })
}

/// A scheme that no program knows, with its mark.
fn harmless(scheme: &str) -> String {
    match scheme.to_ascii_lowercase().as_str() {
        "http" => "hxxp://".to_owned(),
        "https" => "hxxps://".to_owned(),
        "ftp" => "fxp://".to_owned(),
        _ => format!("{scheme}[:]//"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn links_lose_their_teeth() {
        let cases = [
            ("https://evil.example/a.b?c=d.e", "hxxps://evil[.]example/a.b?c=d.e"),
            ("HTTP://EVIL.example:80", "hxxp://EVIL[.]example:80"),
            ("iwr 'http://a.b/x' ; curl https://c.d", "iwr 'hxxp://a[.]b/x' ; curl hxxps://c[.]d"),
            ("ms-msdt://x.y", "ms-msdt[:]//x[.]y"),
            ("(ftp://f.g)", "(fxp://f[.]g)"),
            ("see www.evil.example/x", "see www[.]evil[.]example/x"),
            ("https://www.evil.example", "hxxps://www[.]evil[.]example"),
            ("https://user:p.w@evil.example/", "hxxps://user:p[.]w@evil[.]example/"),
            ("http://a.b http://c.d", "hxxp://a[.]b hxxp://c[.]d"),
            ("éhttp://a.b", "éhxxp://a[.]b"),
            ("powershell.exe C:\\a.ps1", "powershell.exe C:\\a.ps1"),
            ("x://http://evil.example", "x[:]//hxxp://evil[.]example"),
            ("https://a@http://evil.example", "hxxps://a@hxxp://evil[.]example"),
            ("www.https://evil.example", "www[.]hxxps://evil[.]example"),
            ("://", "[:]//"),
            ("awww.b", "awww.b"),
        ];
        for (text, expected) in cases {
            assert_eq!(defang(text), expected, "{text}");
        }
        assert_eq!(defang_address("evil.example/a.exe"), "evil[.]example/a.exe");
        assert_eq!(defang_address("https://evil.example"), "hxxps://evil[.]example");
        assert!(holds_addresses("RemoteUrl") && !holds_addresses("FileName"));
    }

    proptest! {
        #[test]
        fn no_link_is_left(text in "(https?|ftp|[a-z]{0,3}|://|www|[./ é\\\\]){0,12}") {
            let out = defang(&text);
            for bad in ["http://", "https://", "ftp://"] {
                prop_assert!(!out.contains(bad), "{out}");
            }
        }
    }
}
