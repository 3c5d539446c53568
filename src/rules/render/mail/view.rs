//! What a mail shows, decided once for both of its forms.

use serde::Serialize;

use crate::model::coverage::Stretch;
use crate::model::delivery::{About, Notice};
use crate::model::hit::Hit;
use crate::model::run::{RunStatus, Trigger};
use crate::model::time::{Timestamp, Window, Zone, format_duration};

use super::super::cells::{Cell, Cells};
use super::super::defang::{defang, defang_address, holds_addresses};
use super::super::tally::Tally;
use super::super::visible::{cut, short, visible};
use super::subject::subject;
use super::trouble::Trouble;

/// What of the CSV goes with the mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attachment {
    /// It is attached.
    Csv,
    /// It is left out, as the mail server takes no mail of that size.
    TooLarge,
}

/// The most hits shown.
const HITS: usize = 20;
/// The most columns shown of a hit.
const FIELDS: usize = 16;
/// The longest value shown, in characters.
const VALUE: usize = 360;
/// The most stretches of lost event time shown; `huntd gaps` has all.
const LOSSES: usize = 20;
/// The longest description shown.
const DESCRIPTION: usize = 2_000;
/// How much row text and markup of hits a mail may have, in bytes: Gmail clips an HTML part at about
/// 102 kB, and what stands around the hits needs some of it.
const BUDGET: usize = 78_000;
/// What the markup of one field costs in HTML, and that of a card.
const FIELD_COST: usize = 260;
const CARD_COST: usize = 900;

/// A mail's content. All text is visible and defanged; it isn't escaped.
#[derive(Debug, Serialize)]
pub(super) struct View {
    pub(super) subject: String,
    /// Row text of the first hit, for the mail list's preview.
    pub(super) preview: String,
    /// What is wrong, where the mail tells no hits.
    pub(super) trouble: Option<Trouble>,
    pub(super) severity: &'static str,
    pub(super) name: String,
    pub(super) tenant: String,
    pub(super) counts: String,
    pub(super) as_of: String,
    pub(super) description: Vec<String>,
    pub(super) tactics: String,
    pub(super) techniques: Vec<Technique>,
    pub(super) tags: String,
    pub(super) owner: String,
    /// What failed, why, and how to mend it, a line each; also why a result is partial.
    pub(super) errors: Vec<String>,
    pub(super) cards: Vec<Card>,
    pub(super) total: usize,
    /// `+ 37 more in the attached CSV`.
    pub(super) more: Option<String>,
    pub(super) facts: Vec<Fact>,
    pub(super) commands: Vec<String>,
    pub(super) message_id: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Technique {
    pub(super) id: String,
    /// Its page; only for ids of MITRE's form, so that no text of a file becomes an address.
    pub(super) url: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) value: String,
}

/// One hit.
#[derive(Debug, Serialize)]
pub(super) struct Card {
    pub(super) number: usize,
    pub(super) kind: &'static str,
    pub(super) hit: String,
    pub(super) first_seen: String,
    pub(super) last_seen: String,
    pub(super) fields: Vec<Field>,
    /// Columns that have a value and aren't shown.
    pub(super) more: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: String,
    /// `12,345 more characters`, where the value is cut.
    pub(super) note: Option<String>,
    /// Whether it is one of the hunt's entities.
    pub(super) entity: bool,
}

impl View {
    pub(super) fn of(notice: &Notice, attachment: Attachment) -> Self {
        let trouble = Trouble::of(notice);
        let cards = cards(notice);
        let hidden = notice.hits.len() - cards.len();
        let hunt = &notice.hunt;
        Self {
            subject: subject(notice),
            preview: preview(notice, &cards),
            trouble,
            severity: hunt.severity.as_str(),
            name: short(&hunt.name, 200),
            tenant: short(notice.run.tenant.as_str(), 64),
            counts: trouble.as_ref().map_or_else(|| Tally::of(&notice.hits).to_string(), |it| it.counts.to_owned()),
            as_of: utc(notice.run.as_of),
            description: lines(&unwrapped(&hunt.description), DESCRIPTION),
            tactics: list(&hunt.tactics),
            techniques: hunt.techniques.iter().map(|id| technique(id)).collect(),
            tags: list(&hunt.tags),
            owner: hunt.owner.as_deref().map(|owner| short(owner, 200)).unwrap_or_default(),
            errors: errors(notice),
            total: notice.hits.len(),
            more: more(notice, hidden, attachment),
            cards,
            facts: facts(notice),
            commands: commands(notice),
            message_id: notice.message_id(),
        }
    }
}

/// As many hits as the budget takes, and at least one.
fn cards(notice: &Notice) -> Vec<Card> {
    let mut left = BUDGET;
    let mut cards = Vec::new();
    for (number, hit) in notice.hits.first().iter().take(HITS).enumerate() {
        let card = card(number + 1, hit, &notice.hunt.entities);
        let text: usize = card.fields.iter().map(|field| field.name.len() + field.value.len() + FIELD_COST).sum();
        if text + CARD_COST > left && !cards.is_empty() {
            break;
        }
        left = left.saturating_sub(text + CARD_COST);
        cards.push(card);
    }
    cards
}

fn card(number: usize, hit: &Hit, entities: &[String]) -> Card {
    let cells = Cells::of(&hit.row);
    let ordered = cells.entities_first(entities);
    let filled: Vec<_> = ordered.iter().filter(|cell| !matches!(&*cell.text(), "" | "{}" | "[]")).collect();
    Card {
        number,
        kind: hit.kind.as_str(),
        hit: hit.hit.to_string(),
        first_seen: utc(hit.first_seen),
        last_seen: utc(hit.last_seen),
        fields: filled.iter().take(FIELDS).map(|cell| field(cell, entities)).collect(),
        more: filled.len().saturating_sub(FIELDS),
    }
}

fn field(cell: &Cell<'_>, entities: &[String]) -> Field {
    let text = cell.text();
    let (kept, more) = cut(&text, VALUE);
    let shown = visible(kept);
    let value = if holds_addresses(cell.name()) { defang_address(&shown) } else { defang(&shown) };
    Field {
        name: defang(&short(cell.name(), 80)),
        value,
        note: (more > 0).then(|| format!("{} more characters", thousands(more))),
        entity: entities.iter().any(|entity| entity.eq_ignore_ascii_case(cell.name())),
    }
}

/// The first hit's first values: what an analyst reads in the list of mails.
fn preview(notice: &Notice, cards: &[Card]) -> String {
    let Some(card) = cards.first() else {
        return errors(notice).join(" ").chars().take(140).collect();
    };
    let values: Vec<_> = card.fields.iter().take(4).map(|field| short(&field.value, 48)).collect();
    values.join(" · ")
}

fn more(notice: &Notice, hidden: usize, attachment: Attachment) -> Option<String> {
    let run = &notice.run.run;
    match attachment {
        Attachment::TooLarge => Some(format!(
            "The mail server takes no mail as large as this one with its CSV, which is left out. All {} are in: huntd hits --run {run}",
            plural(notice.hits.len(), "hit")
        )),
        Attachment::Csv if hidden > 0 => Some(format!("+ {} more in the attached CSV", thousands(hidden))),
        Attachment::Csv => None,
    }
}

/// What failed or is in doubt, a line each; of losses each stretch with its reason.
fn errors(notice: &Notice) -> Vec<String> {
    if notice.about == About::Loss {
        return notice.losses.iter().take(LOSSES).flat_map(|loss| lines(&loss_line(loss), DESCRIPTION)).collect();
    }
    notice.run.error.as_deref().map(|error| lines(error, DESCRIPTION)).unwrap_or_default()
}

fn loss_line(loss: &Stretch) -> String {
    let (Window { from, to }, length) = (loss.window, format_duration(loss.window.length()));
    format!("{} to {} ({length}): {}", utc(from), utc(to), loss.why.as_deref().unwrap_or("no reason is known"))
}

fn facts(notice: &Notice) -> Vec<Fact> {
    let run = &notice.run;
    let mut facts = vec![Fact { name: "Run", value: run.run.to_string() }];
    let mut add = |name, value: String| facts.push(Fact { name, value });
    add("Hunt", short(&notice.hunt.id, 200));
    add("As of", utc(run.as_of));
    if let Some(window) = run.window {
        let length = format_duration(window.length());
        add("Event time", format!("{} to {} ({length})", utc(window.from), utc(window.to)));
    }
    if run.status != RunStatus::Failed {
        let whole = if run.status == RunStatus::Partial { ", maybe not all" } else { "" };
        add("Result", format!("{}{whole}", plural(usize::try_from(run.rows).unwrap_or(usize::MAX), "row")));
    }
    match run.trigger {
        Trigger::Schedule => {}
        Trigger::CatchUp => add("Reason", "event time that was missed earlier".to_owned()),
        Trigger::Manual => add("Reason", "started by hand".to_owned()),
    }
    let commit = run.commit.as_deref().map(|commit| format!(", commit {}", short(commit, 40))).unwrap_or_default();
    add("Definition", format!("{}{commit}", short(&run.hunt_version, 64)));
    facts
}

fn commands(notice: &Notice) -> Vec<String> {
    let (hunt, run) = (shell_word(&notice.hunt.id), &notice.run);
    match notice.about {
        About::Loss => vec![format!("huntd gaps {hunt}"), format!("huntd runs {hunt}")],
        About::Hits => vec![format!("huntd show {}", run.run), format!("huntd hits --run {}", run.run)],
    }
}

/// A word for a POSIX shell: hunt ids may have blanks, quotes and brackets.
fn shell_word(text: &str) -> String {
    let text = visible(text);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if text.chars().all(plain) { text.into_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// A description as its author meant it: a file's lines are wrapped to the file's width, and a reader's
/// window has another. Blank lines, lists and indented lines stay.
fn unwrapped(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        let stays = |c: char| c.is_ascii_digit() || " \t-*#>|".contains(c);
        match lines.last_mut().filter(|last| !last.is_empty() && !line.is_empty() && !line.starts_with(stays)) {
            Some(last) => {
                last.push(' ');
                last.push_str(line);
            }
            None => lines.push(line.to_owned()),
        }
    }
    lines.join("\n")
}

/// Text of several lines, as lines; each visible and without links.
fn lines(text: &str, most: usize) -> Vec<String> {
    let (kept, more) = cut(text.trim(), most);
    let mut lines: Vec<_> = kept.lines().map(|line| defang(&visible(line.trim_end()))).collect();
    if more > 0 {
        lines.push(format!("… ({} more characters)", thousands(more)));
    }
    lines
}

fn list(words: &[String]) -> String {
    short(&words.join(", "), 300)
}

fn technique(id: &str) -> Technique {
    let id = short(id, 40);
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let url = id.strip_prefix('T').and_then(|rest| match rest.split_once('.') {
        None => digits(rest, 4).then(|| format!("https://attack.mitre.org/techniques/{id}/")),
        Some((main, sub)) => {
            (digits(main, 4) && digits(sub, 3)).then(|| format!("https://attack.mitre.org/techniques/T{main}/{sub}/"))
        }
    });
    Technique { id, url }
}

/// `2026-11-24 16:13:00 UTC`.
fn utc(at: Timestamp) -> String {
    let text = at.in_zone(Zone::UTC);
    format!("{} UTC", text.trim_end_matches(" +00:00"))
}

fn plural(count: usize, word: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {word}{ending}", thousands(count))
}

/// `12,345`.
fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + 4);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::super::samples;
    use super::super::super::visible::is_hidden;
    use super::*;

    #[test]
    fn shows_what_fits_and_counts_the_rest() {
        let rows = vec![r#"{"a":1}"#; 57];
        let view = View::of(&samples::notice(&rows), Attachment::Csv);
        assert_eq!((view.cards.len(), view.total), (20, 57));
        assert_eq!(view.more.unwrap(), "+ 37 more in the attached CSV");
        let fewer = View::of(&samples::notice(&rows[..20]), Attachment::Csv);
        assert_eq!(fewer.more, None);
        let large = View::of(&samples::notice(&rows[..2]), Attachment::TooLarge);
        assert!(large.more.unwrap().contains("All 2 hits are in: huntd hits --run 2026"));
    }

    #[test]
    fn a_mail_stays_under_its_budget() {
        let column = |at: usize| format!("\"Column{at}\":\"{}\"", "<".repeat(1_000));
        let wide = format!("{{{}}}", (0..60).map(column).collect::<Vec<_>>().join(","));
        let view = View::of(&samples::notice(&[wide.as_str(); 20]), Attachment::Csv);
        assert!(view.cards.len() < 10, "{}", view.cards.len());
        assert_eq!(view.cards[0].fields.len(), FIELDS);
        assert_eq!(view.cards[0].more, 44);
        assert_eq!(view.cards[0].fields[0].note.as_deref(), Some("640 more characters"));
        assert!(view.more.is_some());
    }

    #[test]
    fn row_text_is_visible_and_without_links() {
        let view = View::of(&samples::notice(&[samples::HOSTILE]), Attachment::Csv);
        for field in &view.cards[0].fields {
            assert!(!field.value.contains(is_hidden) && !field.value.contains("http"), "{field:?}");
        }
        assert!(view.cards[0].fields.iter().any(|field| field.value == "hxxps://evil[.]example/a"));
    }

    #[test]
    fn entities_lead_and_empty_cells_stay_out() {
        let row =
            r#"{"Z":"z","Null":null,"Empty":"","Date":{},"RemoteUrl":"evil.example/x","accountupn":"a@b.example"}"#;
        let view = View::of(&samples::notice(&[row]), Attachment::Csv);
        let shown: Vec<_> =
            view.cards[0].fields.iter().map(|f| (f.name.as_str(), f.value.as_str(), f.entity)).collect();
        let expected =
            [("accountupn", "a@b.example", true), ("Z", "z", false), ("RemoteUrl", "evil[.]example/x", false)];
        assert_eq!(shown, expected);
    }

    #[test]
    fn only_ids_of_mitres_form_are_linked() {
        let url = |id| technique(id).url;
        assert_eq!(url("T1059.001").unwrap(), "https://attack.mitre.org/techniques/T1059/001/");
        assert_eq!(url("T1059").unwrap(), "https://attack.mitre.org/techniques/T1059/");
        for id in ["T1059/../x", "1059", "T105", "T1059.1", "javascript:alert(1)", "T１０５９"] {
            assert_eq!(url(id), None, "{id}");
        }
    }

    #[test]
    fn commands_can_be_pasted() {
        assert_eq!(shell_word("endpoint/enc"), "endpoint/enc");
        assert_eq!(shell_word("It's [v2] & (old)"), r"'It'\''s [v2] & (old)'");
        let view = View::of(&samples::lost(), Attachment::Csv);
        assert!(view.trouble.is_some());
        assert_eq!(view.commands[0], "huntd gaps endpoint/encoded");
        assert_eq!(thousands(1_234_567), "1,234,567");
    }

    #[test]
    fn a_description_is_wrapped_by_its_reader() {
        let text = "It looks\nlike this.\n\nDo:\n- one\n- two\n  more";
        assert_eq!(unwrapped(text), "It looks like this.\n\nDo:\n- one\n- two\n  more");
    }
}
