//! Which known word was meant by a misspelt one.

use strsim::osa_distance;

/// The nearest of the known words, where one is near enough to be meant; of several the first by name.
pub fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let lower = word.to_lowercase();
    let bound = bound(word);
    known
        .into_iter()
        .filter(|other| other.len().abs_diff(word.len()) <= bound)
        .map(|other| (osa_distance(&lower, &other.to_lowercase()), other))
        .filter(|(distance, _)| *distance <= bound)
        .min()
        .map(|(_, other)| other)
}

/// Whether one of the known words is near enough to be meant.
pub fn near<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> bool {
    nearest(word, known).is_some()
}

/// How far a word may be from the one that was meant.
fn bound(word: &str) -> usize {
    match word.len() {
        0..=2 => 0,
        3..=4 => 1,
        5..=8 => 2,
        _ => 3,
    }
}
