//! Every code of a finding: what it means, why it matters, and an example of wrong and right.
//!
//! One list for `check --explain`, for SARIF's rules, for `allow` and for the reference, so that none
//! of them can know a code that another doesn't. Codes are never given a second meaning.

mod config;
mod hunts;
mod kql;
mod lints;

use super::nearest::nearest;
use crate::model::place::Level;

/// What there is to say of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The code: `H003`.
    pub code: &'static str,
    /// How bad it usually is; a finding says how bad it is here.
    pub level: Level,
    /// What it finds, in a few words.
    pub title: &'static str,
    /// Why it matters, and how to mend it.
    pub why: &'static str,
    /// What is found; empty where no few lines can show it.
    pub wrong: &'static str,
    /// The same as it should be; empty with `wrong`.
    pub right: &'static str,
}

const fn rule(
    level: Level,
    code: &'static str,
    title: &'static str,
    why: &'static str,
    [wrong, right]: [&'static str; 2],
) -> Rule {
    Rule { code, level, title, why, wrong, right }
}

/// No example: the message itself shows it.
const SHOWN: [&str; 2] = ["", ""];

/// Every code, by its kind and number.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    lints::RULES.iter().chain(kql::RULES).chain(hunts::RULES).chain(config::RULES)
}

/// What there is to say of a code.
#[must_use]
pub fn find(code: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.code == code)
}

/// The code that was most likely meant: the same in another case, or with another number.
#[must_use]
pub fn nearest_code(code: &str) -> Option<&'static str> {
    nearest(code, all().map(|rule| rule.code))
}

impl Rule {
    /// Whether a hunt's `allow` may silence it: findings of the reader itself, and of the query, may
    /// be so while they aren't errors; lints may always.
    #[must_use]
    pub fn may_be_allowed(&self) -> bool {
        match self.code.as_bytes() {
            [b'L', ..] => true,
            [b'K' | b'H', ..] => MILDER.contains(&self.code) || self.level != Level::Error,
            _ => false,
        }
    }

    /// All that there is to say, for a person.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!("{} ({}): {}\n\n{}\n", self.code, self.level, self.title, self.why);
        for (word, example) in [("Wrong", self.wrong), ("Right", self.right)] {
            if !example.is_empty() {
                out.extend(["\n", word, ":\n"]);
                for line in example.lines() {
                    out.extend(["    ", line, "\n"]);
                }
            }
        }
        out
    }
}

/// Errors that are also said as warnings, of another case: these may be allowed.
const MILDER: [&str; 13] = [
    "H008", "H015", "H026", "H028", "KQL010", "KQL011", "KQL012", "KQL013", "KQL014", "KQL016", "KQL017", "KQL018",
    "KQL020",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_told_once_and_whole() {
        let codes: Vec<_> = all().map(|rule| rule.code).collect();
        let mut sorted = codes.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), codes.len());
        for rule in all() {
            let digits = rule.code.trim_start_matches(|c: char| c.is_ascii_uppercase());
            assert_eq!(digits.len(), 3, "{}", rule.code);
            assert!(!rule.title.ends_with('.') && rule.title.len() <= 90, "{}: a title", rule.code);
            assert!(rule.why.ends_with('.') && rule.why.len() > 40, "{}: a reason", rule.code);
            assert_eq!(rule.wrong.is_empty(), rule.right.is_empty(), "{}: an example has two sides", rule.code);
            assert_ne!((rule.wrong, rule.code), (rule.right, ""), "{}", rule.code);
            assert!(!rule.code.starts_with('L') || !rule.wrong.is_empty(), "{}: a lint has an example", rule.code);
        }
        assert!(MILDER.iter().all(|code| find(code).is_some()));
    }

    #[test]
    fn a_code_is_found_and_a_near_one_named() {
        assert_eq!(find("L012").unwrap().code, "L012");
        assert_eq!(find("L999"), None);
        assert_eq!(nearest_code("l012"), Some("L012"));
        assert_eq!(nearest_code("KQL11"), Some("KQL011"));
        assert!(find("L012").unwrap().text().contains("\nRight:\n    "));
        assert!(find("H011").unwrap().may_be_allowed() && !find("H002").unwrap().may_be_allowed());
        assert!(!find("KQL003").unwrap().may_be_allowed() && !find("C008").unwrap().may_be_allowed());
    }
}
