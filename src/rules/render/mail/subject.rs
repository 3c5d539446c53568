//! The subject line.

use crate::model::delivery::Notice;

use super::super::tally::Tally;
use super::super::visible::short;
use super::trouble::Trouble;

/// The longest subject, in characters; mail programs show 60 to 100 of them.
const SUBJECT: usize = 180;
/// The longest name in it, so that the tenant is never cut off.
const NAME: usize = 110;

/// `[high] 3 new: Encoded PowerShell (contoso)`, or `[time lost] Encoded PowerShell (contoso)`. One line, no character
/// that acts.
#[must_use]
pub fn subject(notice: &Notice) -> String {
    let name = short(&notice.hunt.name, NAME);
    let tenant = short(notice.run.tenant.as_str(), 64);
    let line = match Trouble::of(notice) {
        Some(trouble) => format!("[{}] {name} ({tenant})", trouble.word),
        None => format!("[{}] {}: {name} ({tenant})", notice.hunt.severity, Tally::of(&notice.hits)),
    };
    // `=?` begins an encoded word (RFC 2047), which a mail program would decode again.
    short(&line.replace("=?", "= ?"), SUBJECT)
}

#[cfg(test)]
mod tests {
    use super::super::super::samples;
    use super::super::super::visible::is_hidden;
    use super::*;
    use crate::model::hit::HitKind;

    #[test]
    fn says_what_matters_first() {
        let mut notice = samples::notice(&["{}", "{}", "{}"]);
        assert_eq!(subject(&notice), "[high] 3 new: Encoded PowerShell (contoso)");
        samples::kinds(&mut notice, &[HitKind::New, HitKind::Returned, HitKind::Gone]);
        assert_eq!(subject(&notice), "[high] 1 new, 1 returned, 1 gone: Encoded PowerShell (contoso)");
        assert_eq!(subject(&samples::lost()), "[time lost] Encoded PowerShell (contoso)");
    }

    #[test]
    fn is_one_line_and_not_long() {
        let mut notice = samples::notice(&["{}"]);
        notice.hunt.name = "a\r\nBcc: x@evil.example\u{202e} =?utf-8?q?=0A?=".to_owned();
        let line = subject(&notice);
        assert!(!line.contains(is_hidden) && !line.contains("=?"), "{line}");
        notice.hunt.name = "日".repeat(10_000);
        let line = subject(&notice);
        assert!(line.chars().count() <= SUBJECT && line.ends_with("… (contoso)"), "{line}");
    }
}
