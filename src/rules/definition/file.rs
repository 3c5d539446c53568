//! A file of a hunts folder, and what its name makes of it.

use std::path::{Component, Path, PathBuf};

/// A file of a hunts folder, with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HuntFile {
    /// The path as it was given, for messages.
    pub shown: PathBuf,
    /// The path below the hunts folder: gives the default id, and finds the layers.
    pub relative: PathBuf,
    /// The content.
    pub bytes: Vec<u8>,
}

/// What a file is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// It holds hunts.
    Hunts,
    /// It holds the defaults of its folder and below.
    Defaults,
    /// Neither: no YAML, or it or a folder above it begins with `_` or `.`.
    Other,
}

/// What the file at `relative`, below a hunts folder, is.
#[must_use]
pub fn file_kind(relative: &Path) -> FileKind {
    let mut names = relative.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy()),
        _ => None,
    });
    let Some(file) = names.next_back() else { return FileKind::Other };
    let hidden = |name: &str| name.starts_with(['_', '.']);
    if names.any(|folder| hidden(&folder)) {
        return FileKind::Other;
    }
    match file.as_ref() {
        "_defaults.yaml" | "_defaults.yml" => FileKind::Defaults,
        name if hidden(name) || !is_yaml(relative) => FileKind::Other,
        _ => FileKind::Hunts,
    }
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("yaml") || ending.eq_ignore_ascii_case("yml"))
}

impl HuntFile {
    /// The hunts folder that it was found in, as it was given.
    pub(super) fn root(&self) -> PathBuf {
        let depth = self.relative.components().count();
        self.shown.ancestors().nth(depth).map(Path::to_path_buf).unwrap_or_default()
    }

    /// The folder that it stands in, below the hunts folder.
    pub(super) fn folder(&self) -> &Path {
        self.relative.parent().unwrap_or(Path::new(""))
    }

    /// The path below the hunts folder without its ending, with `/` on every system; later
    /// documents of the file have their number behind it.
    pub(super) fn default_id(&self, document: usize) -> String {
        let path = self.relative.with_extension("");
        let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        let id = parts.join("/");
        if document > 1 { format!("{id}#{document}") } else { id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_a_file_is() {
        for (path, kind) in [
            ("a.yaml", FileKind::Hunts),
            ("sub/A [b] & (c).yml", FileKind::Hunts),
            ("_defaults.yaml", FileKind::Defaults),
            ("sub/_defaults.yml", FileKind::Defaults),
            ("_draft.yaml", FileKind::Other),
            (".git/a.yaml", FileKind::Other),
            ("_old/_defaults.yaml", FileKind::Other),
            ("a.json", FileKind::Other),
            ("", FileKind::Other),
        ] {
            assert_eq!(file_kind(Path::new(path)), kind, "{path}");
        }
    }

    #[test]
    fn paths_give_the_default_id() {
        let file = HuntFile { shown: "h/sub/a.b.yaml".into(), relative: "sub/a.b.yaml".into(), bytes: Vec::new() };
        assert_eq!(file.default_id(1), "sub/a.b");
        assert_eq!(file.default_id(2), "sub/a.b#2");
        assert_eq!(file.root(), Path::new("h"));
        assert_eq!(file.folder(), Path::new("sub"));
    }
}
