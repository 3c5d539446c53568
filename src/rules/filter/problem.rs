//! What is wrong with an expression, where, and how to mend it.

/// An expression that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}, at column {}", self.column())]
pub struct Problem {
    /// The whole expression, as it was given.
    pub text: String,
    /// The place: bytes from the start of the text, on a character's border.
    pub at: usize,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub hint: String,
}

impl Problem {
    /// The place in characters, from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.text.get(..self.at).unwrap_or(&self.text).chars().count() + 1
    }
}
