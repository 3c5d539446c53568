//! The nearest known name to a misspelt one, for hints.

use strsim::damerau_levenshtein;

/// The candidate that `name` most likely means: one letter in three may be wrong, case counts for
/// nothing, and the last part of a path (`Riga` of `Europe/Riga`) may stand for the whole.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.trim().to_lowercase();
    if wanted.is_empty() || wanted.len() > 100 {
        return None;
    }
    let allowed = wanted.chars().count().div_ceil(3);
    let distance = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        let tail = candidate.rsplit('/').next().unwrap_or_default();
        if tail != candidate && tail == wanted { 1 } else { damerau_levenshtein(&wanted, &candidate) }
    };
    let scored = candidates.into_iter().map(|candidate| (distance(candidate), candidate));
    scored.filter(|(distance, _)| *distance <= allowed).min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// `did you mean `x`?`, where a name is near enough.
#[must_use]
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(name, candidates).map(|found| format!("did you mean `{found}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let keys = ["schedule", "severity", "lookback", "Europe/Riga", "Europe/Rome"];
        for (name, expected) in [
            ("shedule", Some("schedule")),
            ("Severity", Some("severity")),
            ("look_back", Some("lookback")),
            ("Riga", Some("Europe/Riga")),
            ("europe/riga", Some("Europe/Riga")),
            ("Europe/Rgia", Some("Europe/Riga")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, keys), expected, "{name}");
        }
    }
}
