//! Who may read and change the files that huntd stands on.

use std::path::Path;

use super::line::Verdict;

/// What the file system says of a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Its permission bits.
    pub mode: u32,
    /// The number of the user it belongs to.
    pub owner: u32,
    /// The number of its group.
    pub group: u32,
}

const GROUP_READS: u32 = 0o040;
const GROUP_WRITES: u32 = 0o020;
const OTHERS: u32 = 0o007;
const OTHERS_WRITE: u32 = 0o002;
/// In such a folder each user may delete their own files alone.
const STICKY: u32 = 0o1000;

/// What a file is, and so how it is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Its reader can sign in.
    Secret,
    /// Its writer decides whom huntd signs in to, and what it runs; there is no secret in it.
    Config,
    /// A folder whose files are as the config.
    Folder,
    /// It holds what hunts found, and the key that fingerprints are made by.
    Database,
}

/// Whether a file is in the right hands. `trusted` are the users that may own it: root, who asks, and huntd's own.
#[must_use]
pub fn judge(kind: Kind, path: &Path, facts: Facts, trusted: &[u32]) -> Verdict {
    let (name, word, mode) = (path.display(), quoted(path), facts.mode & 0o7777);
    let chmod = |wanted: &str| format!("chmod {wanted} {word}");
    let has = |bits: u32| mode & bits != 0;
    let open = match kind {
        Kind::Secret | Kind::Database if has(OTHERS_WRITE) => Some(("changed by others", "600")),
        Kind::Secret | Kind::Database if has(OTHERS) => Some(("read by others", "600")),
        Kind::Secret | Kind::Database if has(GROUP_WRITES) => Some(("changed by its group", "600")),
        Kind::Config if has(OTHERS_WRITE | GROUP_WRITES) => Some(("changed by more than its owner", "go-w")),
        Kind::Folder if has(OTHERS_WRITE) && !has(STICKY) => Some(("changed by others", "o-w")),
        _ => None,
    };
    if let Some((how, wanted)) = open {
        return Verdict::failed(format!("{name} can be {how} (mode {mode:04o})"), chmod(wanted));
    }
    if !trusted.contains(&facts.owner) {
        return Verdict::warning(
            format!("{name} belongs to user {}, who is neither root nor huntd's own", facts.owner),
            format!("`chown root {word}`, or huntd's user, if nobody else is to change it"),
        );
    }
    if kind == Kind::Database && has(GROUP_READS) {
        return Verdict::warning(format!("{name} can be read by its group (mode {mode:04o})"), chmod("600"));
    }
    Verdict::ok(format!("{name} (mode {mode:04o}, user {})", facts.owner))
}

/// Whether the database belongs to whom its folder belongs to: else the daemon, whose folder it is, can't write it.
/// None where it does.
#[must_use]
pub fn strange_owner(database: &Path, owner: u32, folder: u32) -> Option<Verdict> {
    (owner != folder).then(|| {
        let word = quoted(database);
        Verdict::failed(
            format!("{} belongs to user {owner}, and its folder to user {folder}", database.display()),
            format!("chown {folder} {word}*, and run huntd's commands as huntd's user: `sudo -u huntd huntd …`"),
        )
    })
}

/// Whether a user with one group may read a file, or list and enter a folder, by its mode.
#[must_use]
pub const fn may_read(facts: Facts, (user, group): (u32, u32), is_folder: bool) -> bool {
    let wanted = if is_folder { 0o5 } else { 0o4 };
    let shift = if facts.owner == user {
        6
    } else if facts.group == group {
        3
    } else {
        0
    };
    user == 0 || (facts.mode >> shift) & wanted == wanted
}

/// Whether huntd's user may read the hunts of a folder: `closed` are what it may not, the first and how many.
#[must_use]
pub fn readable(folder: &Path, user: u32, closed: Option<(&Path, u64)>) -> Verdict {
    let Some((first, many)) = closed else {
        return Verdict::ok(format!("what is in {} can be read by user {user}", folder.display()));
    };
    let more = if many > 1 { format!(", and {} more", many - 1) } else { String::new() };
    Verdict::warning(
        format!("huntd's user {user} may not read {}{more}, by the mode", first.display()),
        format!("`chmod -R a+rX {}`, unless a group of the service may read it", quoted(folder)),
    )
}

/// A path as a shell takes it.
#[must_use]
pub fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '@');
    if !text.is_empty() && text.chars().all(plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::super::line::State;
    use super::*;

    const HUNTD: u32 = 998;

    fn verdict(kind: Kind, mode: u32, owner: u32) -> (State, String) {
        let verdict = judge(kind, Path::new("/x/f"), Facts { mode, owner, group: 0 }, &[0, HUNTD]);
        let hint = verdict.hint.map(|hint| format!(" -> {hint}")).unwrap_or_default();
        (verdict.state, format!("{}{hint}", verdict.message))
    }

    #[test]
    fn a_user_reads_by_the_first_bits_that_are_meant_for_it() {
        let huntd = (HUNTD, 997);
        let cases = [
            (0o600, HUNTD, 0, false, true),
            (0o600, 0, 0, false, false),
            (0o640, 0, 997, false, true),
            (0o644, 0, 0, false, true),
            (0o700, 0, 0, true, false),
            (0o744, 0, 0, true, false),
            (0o755, 0, 0, true, true),
            (0o750, 0, 997, true, true),
            // The owner's bits hold for the owner, whatever others may.
            (0o077, HUNTD, 997, true, false),
            (0o704, 0, 997, false, false),
        ];
        for (mode, owner, group, is_folder, may) in cases {
            let facts = Facts { mode, owner, group };
            assert_eq!(may_read(facts, huntd, is_folder), may, "{facts:?}");
            assert!(may_read(facts, (0, 0), is_folder), "root reads all");
        }
        let folder = Path::new("/etc/huntd/hunts");
        assert_eq!(readable(folder, HUNTD, None).state, State::Ok);
        let two = readable(folder, HUNTD, Some((Path::new("/etc/huntd/hunts/a.yaml"), 2)));
        assert_eq!(two.state, State::Warning);
        assert_eq!(two.message, "huntd's user 998 may not read /etc/huntd/hunts/a.yaml, and 1 more, by the mode");
        assert_eq!(
            two.hint.as_deref(),
            Some("`chmod -R a+rX /etc/huntd/hunts`, unless a group of the service may read it")
        );
    }

    #[test]
    fn each_kind_has_its_hands() {
        use Kind::{Config, Database, Folder, Secret};
        use State::{Failed, Ok, Warning};
        let cases = [
            (Secret, 0o600, 0, Ok, "/x/f (mode 0600, user 0)"),
            (Secret, 0o400, HUNTD, Ok, "/x/f (mode 0400, user 998)"),
            (Secret, 0o440, 0, Ok, "/x/f (mode 0440, user 0)"),
            (Secret, 0o644, 0, Failed, "/x/f can be read by others (mode 0644) -> chmod 600 /x/f"),
            (Secret, 0o604, 0, Failed, "/x/f can be read by others (mode 0604) -> chmod 600 /x/f"),
            (Secret, 0o602, 0, Failed, "/x/f can be changed by others (mode 0602) -> chmod 600 /x/f"),
            (Secret, 0o666, 0, Failed, "/x/f can be changed by others (mode 0666) -> chmod 600 /x/f"),
            (Secret, 0o660, 0, Failed, "/x/f can be changed by its group (mode 0660) -> chmod 600 /x/f"),
            (Config, 0o644, 0, Ok, "/x/f (mode 0644, user 0)"),
            (Config, 0o664, 0, Failed, "/x/f can be changed by more than its owner (mode 0664) -> chmod go-w /x/f"),
            (Config, 0o646, 0, Failed, "/x/f can be changed by more than its owner (mode 0646) -> chmod go-w /x/f"),
            (Folder, 0o775, 0, Ok, "/x/f (mode 0775, user 0)"),
            (Folder, 0o1777, 0, Ok, "/x/f (mode 1777, user 0)"),
            (Folder, 0o777, 0, Failed, "/x/f can be changed by others (mode 0777) -> chmod o-w /x/f"),
            (Database, 0o600, HUNTD, Ok, "/x/f (mode 0600, user 998)"),
            (Database, 0o640, HUNTD, Warning, "/x/f can be read by its group (mode 0640) -> chmod 600 /x/f"),
            (Database, 0o644, HUNTD, Failed, "/x/f can be read by others (mode 0644) -> chmod 600 /x/f"),
        ];
        for (kind, mode, owner, state, said) in cases {
            assert_eq!(verdict(kind, mode, owner), (state, said.to_owned()), "{kind:?} {mode:o}");
        }
        let (state, said) = verdict(Secret, 0o600, 1000);
        assert_eq!(state, Warning);
        assert!(said.contains("belongs to user 1000") && said.contains("chown root /x/f"), "{said}");
    }

    #[test]
    fn a_database_belongs_to_whom_its_folder_belongs_to() {
        assert_eq!(strange_owner(Path::new("/d/huntd.db"), HUNTD, HUNTD), None);
        let verdict = strange_owner(Path::new("/d/huntd.db"), 0, HUNTD).unwrap();
        assert_eq!(verdict.state, State::Failed);
        assert!(verdict.hint.unwrap().starts_with("chown 998 /d/huntd.db*"));
    }

    #[test]
    fn a_shell_takes_any_path() {
        let cases = [("/a/b-c.db", "/a/b-c.db"), ("/a b", "'/a b'"), ("/it's", r"'/it'\''s'"), ("/$(x)", "'/$(x)'")];
        for (path, word) in cases {
            assert_eq!(quoted(Path::new(path)), word);
        }
    }
}
