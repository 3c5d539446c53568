//! Placeholders left in a query: public exploration queries are templates.

use std::ops::Range;

/// Words between angle brackets that are tags of a web page: hunts search for them.
const PAGE_TAGS: [&str; 24] = [
    "a", "b", "base", "body", "br", "div", "embed", "form", "frame", "head", "html", "i", "iframe", "img", "input",
    "link", "meta", "object", "p", "script", "span", "style", "svg", "title",
];

/// The first placeholder of a query: `{{x}}` or `<some value>`, by its bytes.
pub(super) fn placeholder(query: &str) -> Option<Range<usize>> {
    let mut start = 0;
    for line in query.split_inclusive('\n') {
        let found = if line.trim_start().starts_with("//") { None } else { braces(line).or(angles(line)) };
        if let Some(found) = found {
            return Some(start + found.start..start + found.end);
        }
        start += line.len();
    }
    None
}

fn braces(line: &str) -> Option<Range<usize>> {
    line.match_indices("{{").find_map(|(start, _)| {
        let rest = line.get(start..)?;
        let end = rest.find("}}")?;
        let inner = rest.get(2..end)?.trim();
        let name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | '$');
        (!inner.is_empty() && inner.chars().all(name)).then_some(start..start + end + 2)
    })
}

/// In KQL `<` compares, so a placeholder must stand free, as a whole literal or in place of one.
fn angles(line: &str) -> Option<Range<usize>> {
    line.match_indices('<').find_map(|(start, _)| {
        let before = line.get(..start)?.chars().next_back();
        let rest = line.get(start..)?;
        let end = rest.find('>')?;
        let inner = rest.get(1..end)?;
        let after = rest.get(end + 1..)?.chars().next();
        let opens = before.is_none_or(|c| c.is_whitespace() || matches!(c, '"' | '\'' | '(' | '=' | ',' | '[' | '/'));
        let closes = after.is_none_or(|c| c.is_whitespace() || matches!(c, '"' | '\'' | ')' | ',' | ';' | ']' | '/'));
        let lower = inner.to_ascii_lowercase();
        let name = inner.starts_with(|c: char| c.is_ascii_alphabetic())
            && inner.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' '))
            && !inner.ends_with(' ')
            && !lower.split(' ').any(|word| matches!(word, "and" | "or" | "by"))
            && !PAGE_TAGS.contains(&lower.as_str());
        (opens && closes && name && inner.len() <= 60).then_some(start..start + end + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_placeholders_and_leaves_kql_alone() {
        for (query, expected) in [
            ("T | where A == \"{{account}}\"", Some("{{account}}")),
            ("T | where A == '<your account>'", Some("<your account>")),
            ("let t = ago(<days>);", Some("<days>")),
            ("T | where A <b and c> 5", None),
            ("T | where A <> 5 or B < 3 and C > 4", None),
            ("T | where A has \"<script>\"", None),
            ("T | extend x = dynamic({\"a\":{\"b\":1}})", None),
            ("// use <account> here\nT", None),
            ("T | where R matches regex \"(?P<name>.*)\"", None),
        ] {
            assert_eq!(placeholder(query).map(|bytes| &query[bytes]), expected, "{query}");
        }
    }
}
