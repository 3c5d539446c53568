//! Placeholders left in a query: public exploration queries are templates.

/// Words between angle brackets that are tags of a web page: hunts search for them.
const PAGE_TAGS: [&str; 24] = [
    "a", "b", "base", "body", "br", "div", "embed", "form", "frame", "head", "html", "i", "iframe", "img", "input",
    "link", "meta", "object", "p", "script", "span", "style", "svg", "title",
];

/// The first placeholder of a query: `{{x}}` or `<some value>`.
pub(super) fn placeholder(query: &str) -> Option<&str> {
    query.lines().filter(|line| !line.trim_start().starts_with("//")).find_map(|line| braces(line).or(angles(line)))
}

fn braces(line: &str) -> Option<&str> {
    line.match_indices("{{").find_map(|(start, _)| {
        let rest = line.get(start..)?;
        let end = rest.find("}}")?;
        let inner = rest.get(2..end)?.trim();
        let name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | '$');
        (!inner.is_empty() && inner.chars().all(name)).then(|| rest.get(..end + 2)).flatten()
    })
}

/// In KQL `<` compares, so a placeholder must stand free, as a whole literal or in place of one.
fn angles(line: &str) -> Option<&str> {
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
        (opens && closes && name && inner.len() <= 60).then(|| rest.get(..=end)).flatten()
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
            assert_eq!(placeholder(query), expected, "{query}");
        }
    }
}
