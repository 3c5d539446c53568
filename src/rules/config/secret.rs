//! Where a secret is kept. The text of a secret that stands in the file is never printed.

use super::section::{Context, only};
use crate::model::secret::SecretSource;
use crate::rules::yaml::{Node, Problem};

/// How to keep a secret.
const HINT: &str = "write where it is kept: {credential: NAME}, {file: PATH} or {env: NAME}";

/// Reads `{credential: NAME}`, `{file: PATH}` or `{env: NAME}`.
pub(super) fn source(context: &mut Context, node: &Node, what: &str) -> Option<SecretSource> {
    if node.entries().is_none() {
        let message = format!("`{what}` must not stand in the config itself");
        context.notes.error("C005", Problem::new(node.place, message).hint(HINT));
        return None;
    }
    let entry = only(context, node, what, &["credential", "file", "env"])?;
    let text = context.text(&entry.value, &format!("{what}.{}", entry.key))?;
    let wrong = match entry.key.as_str() {
        "file" => return Some(SecretSource::File(context.path(&text))),
        "credential" if text.contains('/') || text.starts_with('.') => "is the name of a file, without a folder",
        "env" if text.contains('=') || text.contains(char::is_whitespace) => "is the name of an environment variable",
        "credential" => return Some(SecretSource::Credential(text)),
        _ => return Some(SecretSource::Env(text)),
    };
    let message = format!("`{what}.{}` {wrong}", entry.key);
    context.notes.error("C005", Problem::new(entry.value.place, message).hint(HINT));
    None
}
