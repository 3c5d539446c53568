//! What is known of the two analysers' disagreements: `known.txt`.

/// The lines of `known.txt`.
const LINES: &str = include_str!("known.txt");

/// What is known, by its first word.
fn of(what: &str) -> impl Iterator<Item = &'static str> {
    let lines = LINES.lines().filter_map(|line| line.split('#').next()).map(str::trim).filter(|line| !line.is_empty());
    lines.filter_map(move |line| line.strip_prefix(what)?.strip_prefix(' ')).map(str::trim)
}

/// Whether a disagreement is known: `verdict` is the first error of the side that refuses.
pub(crate) fn is_known(side: &str, verdict: &str) -> bool {
    of(side).any(|fragment| verdict.contains(fragment))
}

/// The least that must be true of a kind of mistake, in per cent: how many are refused of those that
/// the official analyser refuses, and how many of these at the right line.
pub(crate) fn floors(kind: &str) -> (usize, usize) {
    of("rate")
        .find_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some(kind))
                .then(|| (words.next().unwrap().parse().unwrap(), words.next().unwrap().parse().unwrap()))
        })
        .unwrap_or((95, 90))
}

/// Whether the official analyser takes most of a kind for sound: what such a text says is another
/// thing than was meant, and only a warning can tell.
pub(crate) fn is_silent(kind: &str) -> bool {
    of("silent").any(|known| known == kind)
}
