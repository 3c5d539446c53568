//! A warning as a mail: what is wrong, why, and how to mend it; as text and as HTML.
//!
//! Reasons repeat what a service, a server or a file said: they are made visible here, and escaped by the HTML form.

use std::time::Duration;

use serde::Serialize;

use super::counted::counted;
use super::page::page;
use super::visible::short;
use crate::model::time::format_duration;
use crate::model::trouble::{News, Trouble, TroubleKind, Warning};

/// The layout; its ending makes minijinja escape every value.
const NAME: &str = "warning.html";
const TEMPLATE: &str = include_str!("warning.html");
const SECOND: Duration = Duration::from_secs(1);
/// The longest subject, headline and reason, in characters.
const SUBJECT: usize = 180;
const HEADLINE: usize = 240;
const REASON: usize = 2000;
/// The most hunts that are named.
const HUNTS: usize = 30;

/// What is shown.
#[derive(Debug, Serialize)]
struct View {
    subject: String,
    word: &'static str,
    is_over: bool,
    headline: String,
    time: String,
    reasons: Vec<String>,
    hint: Option<String>,
    hunts: Vec<String>,
    more: Option<String>,
    commands: Vec<String>,
    kind: &'static str,
}

impl View {
    fn of(warning: &Warning) -> Self {
        let Warning { trouble, news, since, at, .. } = warning;
        let is_over = *news == News::Ends;
        let (at, since) = (at.floor_to(SECOND), since.floor_to(SECOND));
        let lasted = format_duration(at.since(since));
        let time = match news {
            News::Begins if trouble.failures > 1 => {
                let what = if trouble.kind == TroubleKind::QuotaStarved { "late runs" } else { "failures in a row" };
                format!("as of {at}; {} {what}", trouble.failures)
            }
            News::Begins => format!("as of {at}"),
            News::GoesOn => format!("as of {at}; it has lasted {lasted}"),
            News::Ends => format!("over since {at}; it lasted {lasted}"),
        };
        let hunts = trouble.hunts.iter().take(HUNTS).map(|hunt| short(&hunt.to_string(), REASON)).collect();
        let more = trouble.hunts.len().saturating_sub(HUNTS);
        Self {
            subject: subject(warning),
            word: word(*news),
            is_over,
            headline: short(&trouble.headline, HEADLINE),
            time,
            reasons: trouble.reasons.iter().map(|reason| short(reason, REASON)).collect(),
            hint: trouble.hint.as_ref().filter(|_| !is_over).map(|hint| short(hint, REASON)),
            hunts,
            more: (more > 0).then(|| format!("and {}", counted(more as u64, "more hunt"))),
            commands: commands(trouble),
            kind: trouble.kind.as_str(),
        }
    }
}

fn commands(trouble: &Trouble) -> Vec<String> {
    match trouble.kind {
        TroubleKind::QuotaStarved => {
            let quota = format!("huntd quota --tenant {}", short(&trouble.subject, SUBJECT));
            vec!["huntd plan".to_owned(), quota, "huntd list".to_owned()]
        }
        _ => vec!["huntd list --check".to_owned(), "huntd doctor".to_owned()],
    }
}

const fn word(news: News) -> &'static str {
    match news {
        News::Begins => "trouble",
        News::GoesOn => "still trouble",
        News::Ends => "over",
    }
}

/// `[trouble] huntd can't sign in to contoso: 12 hunts fail`. One line, no character that acts.
#[must_use]
pub fn subject(warning: &Warning) -> String {
    let line = format!("[{}] {}", word(warning.news), warning.trouble.headline);
    // `=?` begins an encoded word (RFC 2047), which a mail program would decode again.
    short(&line.replace("=?", "= ?"), SUBJECT)
}

/// The warning as plain text: Unix line ends, no character that acts.
#[must_use]
pub fn text(warning: &Warning) -> String {
    let view = View::of(warning);
    let mut lines = vec![format!("[{}] {}", view.word, view.headline), view.time];
    let mut block = |title: &str, all: &[String]| {
        if !all.is_empty() {
            lines.extend([String::new(), title.to_owned()]);
            lines.extend(all.iter().map(|line| format!("  {line}")));
        }
    };
    block(if view.is_over { "What it was" } else { "Why" }, &view.reasons);
    block("How to mend it", view.hint.as_slice());
    block("Hunts", &[view.hunts, view.more.into_iter().collect()].concat());
    block("To look further", &view.commands);
    lines.push(String::new());
    lines.join("\n")
}

/// The warning as one HTML page, for old mail programs too: no script, no image, no font, no link.
#[must_use]
pub fn html(warning: &Warning) -> String {
    page(NAME, TEMPLATE, &View::of(warning), || text(warning))
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::super::visible::is_hidden;
    use super::*;
    use crate::model::config::Quota;
    use crate::model::id::{HuntId, TenantName};
    use crate::model::overload::{Episode, LateHunt};
    use crate::model::quota::{CallLedger, LedgerCall};
    use crate::rules::overload;

    #[test]
    fn reads_like_a_report() {
        insta::assert_snapshot!(text(&samples::warning(News::Begins)));
        insta::assert_snapshot!(text(&samples::warning(News::Ends)));
        insta::assert_snapshot!(text(&starved(News::Begins)));
    }

    /// Twenty-three hunts that run late, of which one waits still.
    fn starved(news: News) -> Warning {
        let warning = samples::warning(news);
        let tenant = TenantName::new("contoso").unwrap();
        let hunt = |number: u64| HuntId::new(format!("h{number}")).unwrap();
        let by = |number: u64| Duration::from_secs(90 - number);
        let late =
            (1..23).map(|number| LateHunt { hunt: hunt(number), by: by(number), runs: number % 3 + 1 }).collect();
        let call = LedgerCall { sent: warning.at.minus(SECOND * 9), answered: Some(warning.at), ran: None, cpu: None };
        let facts = overload::Facts {
            tenant: &tenant,
            quota: &Quota { calls_per_minute: 1, ..Quota::DEFAULT },
            ledger: &CallLedger { calls: vec![call], ..CallLedger::default() },
            episode: Some(Episode { since: warning.since, last: warning.at, late: 44 }),
            late,
            waiting: vec![(hunt(0), by(0))],
        };
        Warning { trouble: overload::starved(facts, warning.at).unwrap(), ..warning }
    }

    #[test]
    fn an_overload_names_the_hunts_and_what_to_do() {
        let page = html(&starved(News::GoesOn));
        for part in [
            "23 hunts run late",
            "h0: waits still, 1m30s past",
            "and 3 more",
            "calls a minute: 1 of 1",
            "huntd plan",
            "lasted 1d2h",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        let over = text(&starved(News::Ends));
        assert!(over.starts_with("[over] more is due on contoso") && !over.contains("splay"), "{over}");
    }

    #[test]
    fn says_what_matters_first() {
        assert_eq!(subject(&samples::warning(News::Begins)), "[trouble] huntd can't sign in to contoso: 2 hunts fail");
        assert_eq!(subject(&samples::warning(News::Ends)), "[over] huntd can't sign in to contoso: 2 hunts fail");
    }

    #[test]
    fn what_was_said_stays_data() {
        let mut warning = samples::warning(News::GoesOn);
        warning.trouble.reasons =
            vec!["<script>alert(1)</script>\u{202e}\r\nBcc: x {{ 7 * 7 }} =?utf-8?q?x?=".to_owned()];
        warning.trouble.headline = warning.trouble.reasons[0].clone();
        let page = html(&warning);
        assert!(page.contains("<title>"), "the layout was rendered, not the fallback");
        assert!(!page.contains("<script") && !page.contains(">49"), "{page}");
        for out in [page.replace('\n', ""), text(&warning).replace('\n', ""), subject(&warning)] {
            assert!(!out.contains(is_hidden), "{out:?}");
        }
        assert!(!subject(&warning).contains("=?"));
    }

    #[test]
    fn many_hunts_are_counted() {
        let mut warning = samples::warning(News::Begins);
        warning.trouble.hunts = vec![warning.trouble.hunts[0].clone(); 33];
        assert!(text(&warning).contains("and 3 more hunts"));
        assert!(html(&warning).contains("and 3 more hunts"));
    }
}
