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

#[cfg(test)]
mod tests {
    use super::nearest;

    const KNOWN: [&str; 6] = ["DeviceInfo", "DeviceName", "by", "take", "top", "where"];

    #[test]
    fn a_misspelt_word_has_a_nearest() {
        for (word, meant) in [
            ("DeviceNmae", Some("DeviceName")),
            ("devicename", Some("DeviceName")),
            ("wehre", Some("where")),
            ("whre", Some("where")),
            ("tak", Some("take")),
            // Two letters are too few to guess from.
            ("bx", None),
            ("xyzzy", None),
            // As far as its length allows, and one too far.
            ("DeviceNxxx", Some("DeviceName")),
            ("Devicexxxx", None),
        ] {
            assert_eq!(nearest(word, KNOWN), meant, "{word}");
        }
    }

    #[test]
    fn of_two_as_near_the_first_by_name_is_meant() {
        assert_eq!(nearest("tops", ["topz", "topa"]), Some("topa"));
    }
}
