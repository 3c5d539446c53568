//! The text form.

use std::fmt::Write as _;

use crate::model::delivery::Notice;

use super::view::{Attachment, Card, View};

/// The notice as plain text: Unix line ends, no character that acts.
#[must_use]
pub fn text(notice: &Notice, attachment: Attachment) -> String {
    let view = View::of(notice, attachment);
    let mut out = String::new();
    // Writing to a String can't fail.
    write(&mut out, &view).unwrap_or_default();
    out
}

fn write(out: &mut String, view: &View) -> std::fmt::Result {
    if let Some(trouble) = &view.trouble {
        writeln!(out, "{} {} on {}", view.name, trouble.headline, view.tenant)?;
        writeln!(out, "{}: {}\n", trouble.moment, view.as_of)?;
    } else {
        writeln!(out, "[{}] {}", view.severity, view.name)?;
        writeln!(out, "{} on {}, as of {}\n", view.counts, view.tenant, view.as_of)?;
    }
    if !view.errors.is_empty() {
        writeln!(out, "{}", view.trouble.as_ref().map_or("This result may not be whole", |trouble| trouble.errors))?;
        block(out, &view.errors)?;
    }
    if let Some(trouble) = &view.trouble {
        writeln!(out, "{}\n", trouble.note)?;
    }
    if !view.description.is_empty() {
        writeln!(out, "{}\n", view.description.join("\n"))?;
    }
    let techniques: Vec<_> = view.techniques.iter().map(|technique| technique.id.as_str()).collect();
    let words = [
        ("Tactics", &view.tactics),
        ("Techniques", &techniques.join(", ")),
        ("Tags", &view.tags),
        ("Owner", &view.owner),
    ];
    let words = words.map(|(name, value)| (name, value.clone()));
    pairs(out, words.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (*name, value.as_str())))?;
    for card in &view.cards {
        hit(out, card, view.total)?;
    }
    if let Some(more) = &view.more {
        writeln!(out, "{more}\n")?;
    }
    writeln!(out, "The run")?;
    pairs(out, view.facts.iter().map(|fact| (fact.name, fact.value.as_str())))?;
    writeln!(out, "{}", view.trouble.as_ref().map_or("To look further", |trouble| trouble.commands))?;
    block(out, &view.commands)
}

fn block(out: &mut String, lines: &[String]) -> std::fmt::Result {
    for line in lines {
        writeln!(out, "  {line}")?;
    }
    writeln!(out)
}

/// Names and values in two columns, and an empty line; nothing where there is none.
fn pairs<'a>(out: &mut String, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> std::fmt::Result {
    let pairs: Vec<_> = pairs.collect();
    let width = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(28);
    for (name, value) in &pairs {
        writeln!(out, "  {name:<width$}  {value}")?;
    }
    if pairs.is_empty() { Ok(()) } else { writeln!(out) }
}

fn hit(out: &mut String, card: &Card, total: usize) -> std::fmt::Result {
    writeln!(out, "--- {} of {total}: {} ---", card.number, card.kind)?;
    let values: Vec<_> = card
        .fields
        .iter()
        .map(|field| match &field.note {
            Some(note) => (field.name.as_str(), format!("{}… ({note})", field.value)),
            None => (field.name.as_str(), field.value.clone()),
        })
        .collect();
    pairs(out, values.iter().map(|(name, value)| (*name, value.as_str())))?;
    if card.more > 0 {
        writeln!(out, "  + {} more columns", card.more)?;
    }
    writeln!(out, "  hit {}\n  first seen {}, last seen {}\n", card.hit, card.first_seen, card.last_seen)
}

#[cfg(test)]
mod tests {
    use super::super::super::samples;
    use super::super::super::visible::is_hidden;
    use super::*;

    #[test]
    fn reads_like_a_report() {
        let row =
            r#"{"ProcessCommandLine":"powershell -enc AA==","DeviceName":"ws-01","RemoteUrl":"https://evil.example"}"#;
        insta::assert_snapshot!(text(&samples::notice(&[row]), Attachment::Csv));
        insta::assert_snapshot!(text(&samples::lost(), Attachment::Csv));
    }

    #[test]
    fn hostile_rows_stay_data() {
        let out = text(&samples::notice(&[samples::HOSTILE]), Attachment::Csv);
        assert!(!out.replace('\n', "").contains(is_hidden), "{out}");
        assert!(!out.contains("\nBcc:"), "{out}");
    }
}
