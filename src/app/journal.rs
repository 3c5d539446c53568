//! The log as entries of systemd's journal: the line that a person reads, its level as the priority, and each field
//! as a field of the journal's own, so that `journalctl HUNTD_HUNT=…` finds it.
//!
//! A value can neither end its field nor begin another: journald's native protocol gives the length of what holds a
//! line break, and in the line itself all that hides or acts is spelt out.

use std::fmt::{Debug, Write as _};
use std::io::Write as _;

use libsystemd::logging::{Priority, connected_to_journal, journal_send};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use crate::rules::render::visible::visible;

/// What the journal's fields begin with.
const PREFIX: &str = "HUNTD_";

/// Whether stderr is the journal, as systemd connects a service.
#[must_use]
pub fn is_there() -> bool {
    connected_to_journal()
}

/// Sends events to the journal.
#[derive(Debug, Clone, Copy)]
pub struct Journal;

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let entry = Entry::of(event);
        let fields = entry.fields.iter().map(|(name, value)| (name, value));
        if journal_send(entry.priority, &entry.line, fields).is_err() {
            // While journald starts anew its socket is gone; stderr waits for it, and takes the line alone.
            let _written = writeln!(std::io::stderr(), "{}", entry.line).is_ok();
        }
    }
}

/// One entry.
#[derive(Debug)]
struct Entry {
    priority: Priority,
    /// The message, and the fields behind it as the log's text has them.
    line: String,
    fields: Vec<(String, String)>,
}

impl Entry {
    fn of(event: &Event<'_>) -> Self {
        let metadata = event.metadata();
        let mut seen = Seen { message: String::new(), rest: String::new(), fields: about(metadata) };
        event.record(&mut seen);
        let Seen { message, rest, fields } = seen;
        Self { priority: priority(*metadata.level()), line: message + &rest, fields }
    }
}

/// What says where an entry comes from.
fn about(metadata: &Metadata<'_>) -> Vec<(String, String)> {
    let mut fields = vec![
        ("SYSLOG_IDENTIFIER".to_owned(), "huntd".to_owned()),
        (format!("{PREFIX}TARGET"), metadata.target().to_owned()),
    ];
    if let (Some(file), Some(line)) = (metadata.file(), metadata.line()) {
        fields.push(("CODE_FILE".to_owned(), file.to_owned()));
        fields.push(("CODE_LINE".to_owned(), line.to_string()));
    }
    fields
}

/// Info is 6 and not 5: `journalctl -p notice` shows what wants attention.
const fn priority(level: Level) -> Priority {
    match level {
        Level::ERROR => Priority::Error,
        Level::WARN => Priority::Warning,
        Level::INFO => Priority::Info,
        _ => Priority::Debug,
    }
}

/// What an event's fields are so far.
struct Seen {
    message: String,
    rest: String,
    fields: Vec<(String, String)>,
}

impl Seen {
    fn take(&mut self, field: &Field, value: String, shown: &str) {
        if field.name() == "message" {
            self.message = visible(&value).into_owned();
            return;
        }
        // Writing to a String can't fail.
        write!(self.rest, " {}={shown}", field.name()).unwrap_or_default();
        self.fields.push((name(field.name()), value));
    }
}

/// A field's name as the journal takes it: capitals, digits and `_`.
fn name(field: &str) -> String {
    let upper = field.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    PREFIX.chars().chain(upper).collect()
}

impl Visit for Seen {
    fn record_str(&mut self, field: &Field, value: &str) {
        let shown = format!("{:?}", visible(value));
        self.take(field, value.to_owned(), &shown);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let value = format!("{value:?}");
        let shown = visible(&value).into_owned();
        self.take(field, value, &shown);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// Keeps entries where the journal would take them.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<Entry>>>);

    impl<S: Subscriber> Layer<S> for Kept {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            self.0.lock().unwrap().push(Entry::of(event));
        }
    }

    fn entry(say: impl FnOnce()) -> Entry {
        let kept = Kept::default();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(kept.clone()), say);
        kept.0.lock().unwrap().pop().unwrap()
    }

    fn field<'a>(entry: &'a Entry, name: &str) -> Option<&'a str> {
        entry.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn a_line_has_its_fields_and_so_has_the_entry() {
        let (hunt, error) = ("mail/phish", String::from("no route to host"));
        let entry = entry(|| tracing::warn!(%hunt, run = 7, error, late = ?Some(1), "run not complete"));
        assert_eq!(entry.line, r#"run not complete hunt=mail/phish run=7 error="no route to host" late=Some(1)"#);
        assert_eq!(field(&entry, "HUNTD_HUNT"), Some("mail/phish"));
        assert_eq!(field(&entry, "HUNTD_RUN"), Some("7"));
        assert_eq!(field(&entry, "HUNTD_ERROR"), Some("no route to host"));
        assert_eq!(field(&entry, "HUNTD_LATE"), Some("Some(1)"));
        assert_eq!(field(&entry, "SYSLOG_IDENTIFIER"), Some("huntd"));
        assert_eq!(field(&entry, "HUNTD_TARGET"), Some("huntd::app::journal::tests"));
    }

    #[test]
    fn levels_are_priorities() {
        let number = |say: fn()| u8::from(entry(say).priority);
        let levels: [fn(); 4] =
            [|| tracing::error!("x"), || tracing::warn!("x"), || tracing::info!("x"), || tracing::debug!("x")];
        assert_eq!(levels.map(number), [3, 4, 6, 7]);
    }

    #[test]
    fn a_value_stays_in_its_field_and_its_line() {
        let evil = "x\nHUNTD_TENANT=other\nPRIORITY=0\u{1b}[2J";
        let entry = entry(|| tracing::info!(file = %evil, why = evil, "{evil}"));
        assert!(!entry.line.contains(char::is_control), "{:?}", entry.line);
        assert_eq!(field(&entry, "HUNTD_FILE"), Some(evil), "the exact value, for who asks for it");
        assert_eq!(field(&entry, "HUNTD_TENANT"), None);
    }

    #[test]
    fn names_are_such_as_the_journal_takes() {
        assert_eq!(name("log.target"), "HUNTD_LOG_TARGET");
        assert_eq!(name("r#type"), "HUNTD_R_TYPE");
    }
}
