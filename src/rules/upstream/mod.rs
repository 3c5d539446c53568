//! What becomes of a branch that huntd takes its hunts from: whether what it holds now is taken.
//!
//! Promises: only what follows on what was taken before is, so that nobody takes a commit back, or another's away,
//! unseen; and where keys are named, only what one of them has signed.
//!
//! Which commits must be signed: each that the branch itself came to since (its first parents). What was merged is
//! vouched for by the merge: who signs that has looked at it. A single commit on top doesn't vouch for what
//! others had pushed before, as whoever makes it may not have looked. Of what is taken first, the newest commit must be signed: its tree is all
//! that runs.

use std::fmt;

/// How what a branch holds now is related to what was taken before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// Nothing of this branch was taken yet.
    First,
    /// It is the same.
    Same,
    /// It follows on it.
    Ahead,
    /// It came before it: the branch was set back.
    Behind,
    /// Neither: the branch was rewritten.
    Apart,
}

/// What a commit's signature is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// It is good, and by a key that is allowed.
    Good,
    /// There is none.
    Missing,
    /// It is good, by a key that isn't allowed.
    Stranger,
    /// It doesn't fit the commit, or the key isn't allowed any more.
    Bad,
    /// It can't be checked: it is none by an SSH key, or there is no ssh-keygen.
    Unknown,
}

impl Worth {
    /// From what git says (`%G?` of `git log`).
    #[must_use]
    pub fn of(said: &str) -> Self {
        match said {
            "G" => Self::Good,
            "N" => Self::Missing,
            "U" => Self::Stranger,
            "B" | "X" | "Y" | "R" => Self::Bad,
            _ => Self::Unknown,
        }
    }
}

/// A commit, and what its signature is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The commit, whole.
    pub commit: String,
    /// The worth.
    pub worth: Worth,
}

/// What becomes of what a branch holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It was taken before.
    Stay,
    /// It is taken.
    Take,
    /// It isn't.
    Refuse(Refusal),
}

/// Why it isn't taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The branch no longer holds what was taken.
    Rewritten,
    /// The branch was set back to an older commit.
    SetBack,
    /// A commit isn't signed as it must be.
    Unsigned(Signed),
}

/// Whether what a branch holds is taken. `signed` are the commits that must be signed, newest first; none where none
/// must.
#[must_use]
pub fn decide(relation: Relation, signed: Option<&[Signed]>) -> Step {
    match relation {
        Relation::Same => Step::Stay,
        Relation::Behind => Step::Refuse(Refusal::SetBack),
        Relation::Apart => Step::Refuse(Refusal::Rewritten),
        Relation::First | Relation::Ahead => match signed {
            None => Step::Take,
            // None at all proves nothing.
            Some([]) => Step::Refuse(Refusal::Unsigned(Signed { commit: String::new(), worth: Worth::Unknown })),
            Some(commits) => match commits.iter().rfind(|one| one.worth != Worth::Good) {
                // The oldest is named: it is what to mend first.
                Some(one) => Step::Refuse(Refusal::Unsigned(one.clone())),
                None => Step::Take,
            },
        },
    }
}

/// A commit, short enough to be read.
#[must_use]
pub fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rewritten => f.write_str("its history was rewritten: it no longer holds the commit that runs"),
            Self::SetBack => f.write_str("it was set back to a commit before the one that runs"),
            Self::Unsigned(Signed { commit, worth }) => {
                write!(f, "commit {} ", short(commit))?;
                f.write_str(match worth {
                    Worth::Good => "is signed",
                    Worth::Missing => "isn't signed",
                    Worth::Stranger => "is signed by a key that isn't allowed",
                    Worth::Bad => "has a bad signature",
                    Worth::Unknown => "has a signature that can't be checked",
                })
            }
        }
    }
}

impl Refusal {
    /// How to mend it; `source` is the file without which huntd takes the branch as it stands.
    #[must_use]
    pub fn hint(&self, source: &str) -> String {
        match self {
            Self::Rewritten | Self::SetBack => format!(
                "find out who did it; to undo something, push a commit that reverts it; if this was meant, delete {source} and send SIGHUP: huntd then takes the branch as it stands"
            ),
            Self::Unsigned(Signed { worth: Worth::Unknown, .. }) => {
                "sign with an SSH key (`git config gpg.format ssh`): others aren't read; and see that ssh-keygen is installed".to_owned()
            }
            Self::Unsigned(_) => {
                "find out who pushed it; then put signed commits in its place, or add the signer's key to the file of `allowed_signers`".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(all: &str) -> Vec<Signed> {
        let of =
            |(at, letter): (usize, char)| Signed { commit: format!("c{at}"), worth: Worth::of(&letter.to_string()) };
        all.chars().enumerate().map(of).collect()
    }

    #[test]
    fn only_what_follows_on_is_taken() {
        for (relation, expected) in [
            (Relation::First, Step::Take),
            (Relation::Same, Step::Stay),
            (Relation::Ahead, Step::Take),
            (Relation::Behind, Step::Refuse(Refusal::SetBack)),
            (Relation::Apart, Step::Refuse(Refusal::Rewritten)),
        ] {
            assert_eq!(decide(relation, None), expected);
            // A signature makes no history good; and what runs needs none.
            assert_eq!(decide(relation, Some(&signed("G"))), expected);
        }
        assert_eq!(decide(Relation::Same, Some(&signed("N"))), Step::Stay);
    }

    #[test]
    fn each_commit_must_be_signed_by_an_allowed_key() {
        let refused = |all: &str| match decide(Relation::Ahead, Some(&signed(all))) {
            Step::Refuse(refusal) => refusal.to_string(),
            step => format!("{step:?}"),
        };
        for (all, expected) in [
            ("GGG", "Take"),
            ("N", "commit c0 isn't signed"),
            ("GNG", "commit c1 isn't signed"),
            ("GNB", "commit c2 has a bad signature"),
            ("U", "commit c0 is signed by a key that isn't allowed"),
            ("X", "commit c0 has a bad signature"),
            ("Y", "commit c0 has a bad signature"),
            ("R", "commit c0 has a bad signature"),
            ("E", "commit c0 has a signature that can't be checked"),
            ("?", "commit c0 has a signature that can't be checked"),
            ("", "commit  has a signature that can't be checked"),
        ] {
            assert_eq!(refused(all), expected, "{all}");
        }
        assert_ne!(decide(Relation::First, Some(&signed("N"))), Step::Take);
    }

    #[test]
    fn each_refusal_says_what_to_do() {
        assert!(Refusal::Rewritten.hint("/x/source").contains("/x/source"));
        for all in ["N", "U", "B"] {
            let Step::Refuse(refusal) = decide(Relation::Ahead, Some(&signed(all))) else { panic!("it is taken") };
            assert!(refusal.hint("s").contains("allowed_signers"));
        }
        let Step::Refuse(refusal) = decide(Relation::Ahead, Some(&signed("E"))) else { panic!("it is taken") };
        assert!(refusal.hint("s").contains("ssh-keygen"));
    }
}
