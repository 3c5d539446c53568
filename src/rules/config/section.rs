//! A map of the config with its known keys, and what is needed to read it.

use std::path::{Path, PathBuf};

use crate::model::place::Place;
use crate::rules::check::nearest::did_you_mean;
use crate::rules::check::notes::Notes;
use crate::rules::yaml::{self, Entry, Node, Problem};

/// Where findings go, and the folder that relative paths start from.
pub(super) struct Context {
    pub(super) notes: Notes,
    pub(super) base: PathBuf,
}

impl Context {
    /// A path of the config, made relative to the config's folder.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.base.join(Path::new(path))
    }

    /// The value, or `None` and an error of the common code.
    pub(super) fn keep<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        self.notes.keep("C004", result)
    }

    /// A text that isn't empty.
    pub(super) fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        let text = self.keep(yaml::text(node, what))?.trim().to_owned();
        if text.is_empty() {
            self.notes.error("C004", Problem::new(node.place, format!("`{what}` is empty")));
            return None;
        }
        Some(text)
    }

    /// The texts of a list, or a single text; none of them empty.
    pub(super) fn words<'a>(&mut self, node: &'a Node, what: &str) -> Option<yaml::Words<'a>> {
        let (words, _) = self.keep(yaml::word_list(node, what))?;
        if let Some((empty, _)) = words.iter().find(|(_, word)| word.is_empty()) {
            self.notes.error("C004", Problem::new(empty.place, format!("an entry of `{what}` is empty")));
            return None;
        }
        Some(words)
    }

    /// A word out of a few.
    pub(super) fn choice<T: Copy>(&mut self, node: &Node, what: &str, choices: &[(&'static str, T)]) -> Option<T> {
        let word = self.text(node, what)?;
        if let Some((_, value)) = choices.iter().find(|(name, _)| name.eq_ignore_ascii_case(&word)) {
            return Some(*value);
        }
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        let hint = did_you_mean(&word, names.iter().copied());
        let problem = Problem::new(node.place, format!("`{what}` takes no `{}`", word.escape_debug()));
        self.notes.error("C015", problem.hint(hint.unwrap_or_else(|| format!("one of {}", names.join(", ")))));
        None
    }

    /// Says that a key is read, and has no effect yet.
    pub(super) fn not_yet(&mut self, place: Place, what: &str) {
        let message = format!("`{what}` isn't served by this version yet: it has no effect");
        self.notes.warning("C008", Problem::new(place, message));
    }
}

/// A map whose keys are all known.
pub(super) struct Section<'a> {
    /// What it is, for messages, such as `tenants.contoso`; empty for the whole file.
    what: String,
    place: Place,
    entries: &'a [Entry],
}

impl<'a> Section<'a> {
    /// Opens a map, with an error for each key that isn't known.
    pub(super) fn open(context: &mut Context, node: &'a Node, what: &str, keys: &[&'static str]) -> Option<Self> {
        let entries = context.keep(yaml::map(node, what))?;
        for entry in entries.iter().filter(|entry| !keys.contains(&entry.key.as_str())) {
            let of = if what.is_empty() { "the config".to_owned() } else { format!("`{what}`") };
            let problem = Problem::new(entry.key_place, format!("{of} has no key `{}`", entry.key.escape_debug()));
            let all = format!("its keys are {}", keys.join(", "));
            let hint = did_you_mean(&entry.key, keys.iter().copied()).unwrap_or(all);
            context.notes.error("C002", problem.hint(hint));
        }
        Some(Self { what: what.to_owned(), place: node.place, entries })
    }

    /// The key's full name.
    pub(super) fn name(&self, key: &str) -> String {
        if self.what.is_empty() { key.to_owned() } else { format!("{}.{key}", self.what) }
    }

    /// The entry of a key, unless it is missing or nothing.
    pub(super) fn entry(&self, key: &str) -> Option<&'a Entry> {
        self.entries.iter().find(|entry| entry.key == key && !entry.value.is_null())
    }

    /// The value of a key, unless it is missing or nothing.
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value of a key that must be there.
    pub(super) fn need(&self, context: &mut Context, key: &str) -> Option<&'a Node> {
        let found = self.get(key);
        if found.is_none() {
            let message = format!("`{}` is missing", self.name(key));
            context.notes.error("C003", Problem::new(self.place, message));
        }
        found
    }

    /// Reads a key that must be there and be a text.
    pub(super) fn need_text(&self, context: &mut Context, key: &str) -> Option<String> {
        let node = self.need(context, key)?;
        context.text(node, &self.name(key))
    }

    /// Reads a key that may be there; `None` where it is missing or wrong.
    pub(super) fn read<T>(
        &self,
        context: &mut Context,
        key: &str,
        read: impl FnOnce(&mut Context, &'a Node, &str) -> Option<T>,
    ) -> Option<T> {
        let node = self.get(key)?;
        read(context, node, &self.name(key))
    }
}

/// The one entry of a map that names one kind of thing.
pub(super) fn only<'a>(context: &mut Context, node: &'a Node, what: &str, kinds: &[&'static str]) -> Option<&'a Entry> {
    let hint = format!("exactly one of {}", kinds.join(", "));
    match context.keep(yaml::map(node, what).map_err(|problem| problem.hint(hint.clone())))? {
        [entry] if kinds.contains(&entry.key.as_str()) => Some(entry),
        [entry] => {
            let problem = Problem::new(entry.key_place, format!("`{what}` has no kind `{}`", entry.key.escape_debug()));
            let hint = did_you_mean(&entry.key, kinds.iter().copied()).unwrap_or(hint);
            context.notes.error("C002", problem.hint(hint));
            None
        }
        entries => {
            let message = format!("`{what}` must have one key, and has {}", entries.len());
            context.notes.error("C004", Problem::new(node.place, message).hint(hint));
            None
        }
    }
}
