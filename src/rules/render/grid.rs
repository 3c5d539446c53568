//! A table whose columns are as wide as a few first lines need, so that the rest needn't be known.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The blanks between columns.
const GAP: usize = 2;

/// A column, before it is known how wide it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// What its cells need.
    pub needs: usize,
    /// The least that it is of use with.
    pub least: usize,
}

/// How wide each column is, of as many as fit into `width`: the first ones, at least `at_least` of them.
/// Wide columns give way first.
#[must_use]
pub fn widths(wishes: &[Wish], width: usize, at_least: usize) -> Vec<usize> {
    let mut taken = 0;
    let fits = |wish: &&Wish| {
        taken += GAP + wish.least.min(wish.needs);
        taken <= width.saturating_add(GAP)
    };
    let count = wishes.iter().take_while(fits).count().max(at_least).min(wishes.len());
    let wishes = wishes.get(..count).unwrap_or(wishes);
    let room = width.saturating_sub(GAP * count.saturating_sub(1));
    let at_most = |cap: usize| wishes.iter().map(move |wish| wish.needs.min(wish.least.max(cap)));
    let widest = wishes.iter().map(|wish| wish.needs).max().unwrap_or(0);
    // The sum grows with the cap, so the largest that fits is found by halves.
    let (mut low, mut high) = (0, widest);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if at_most(middle).sum::<usize>() <= room { low = middle } else { high = middle - 1 }
    }
    at_most(low).collect()
}

/// Cells next to each other, cut and padded to these widths, without blanks at the end.
#[must_use]
pub fn line<'a>(widths: &[usize], cells: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::new();
    let mut owed = 0;
    for (width, cell) in widths.iter().zip(cells) {
        out.extend(std::iter::repeat_n(' ', owed));
        let before = out.len();
        push_cut(&mut out, cell, *width);
        owed = GAP + width.saturating_sub(out.get(before..).unwrap_or_default().width());
    }
    out.truncate(out.trim_end().len());
    out
}

/// The text in at most `width` places of a terminal; a cut is marked by `…`.
fn push_cut(out: &mut String, text: &str, width: usize) {
    if text.width() <= width {
        out.push_str(text);
        return;
    }
    let mut left = width.saturating_sub(1);
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if wide > left {
            break;
        }
        left -= wide;
        out.push(c);
    }
    out.push('…');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wish(needs: usize, least: usize) -> Wish {
        Wish { needs, least }
    }

    #[test]
    fn wide_columns_give_way_first() {
        let wishes = [wish(12, 12), wish(8, 8), wish(60, 10), wish(30, 10), wish(5, 5)];
        assert_eq!(widths(&wishes, usize::MAX, 0), [12, 8, 60, 30, 5]);
        assert_eq!(widths(&wishes, 100, 0), [12, 8, 37, 30, 5]);
        assert_eq!(widths(&wishes, 80, 0), [12, 8, 23, 23, 5]);
        assert_eq!(widths(&wishes, 46, 0), [12, 8, 10, 10]);
        assert_eq!(widths(&wishes, 45, 0), [12, 8, 21]);
        assert_eq!(widths(&wishes, 20, 0), [12]);
        assert_eq!(widths(&wishes, 20, 5), [12, 8, 10, 10, 5]);
        assert_eq!(widths(&[], 80, 0), [] as [usize; 0]);
    }

    #[test]
    fn lines_are_cut_and_padded_by_places_of_a_terminal() {
        assert_eq!(line(&[4, 3, 5], ["ab", "日本語", "x"]), "ab    日…  x");
        assert_eq!(line(&[4, 4, 5], ["abcdef", "日本", "abcde"]), "abc…  日本  abcde");
        assert_eq!(line(&[4, 4], ["a", ""]), "a");
        assert_eq!(line(&[0, 1], ["a", "b"]), "…  b");
    }

    proptest! {
        #[test]
        fn what_fits_is_no_wider_than_it_may_be(
            pairs in prop::collection::vec((0_usize..200, 1_usize..20), 0..8),
            width in 0_usize..200,
            text in "[a日é ]{0,30}",
        ) {
            let wishes: Vec<Wish> = pairs.iter().map(|(needs, least)| wish(*needs, *least)).collect();
            let found = widths(&wishes, width, 0);
            prop_assert!(found.iter().sum::<usize>() + GAP * found.len().saturating_sub(1) <= width || found.is_empty());
            let cells = vec![text.as_str(); found.len()];
            prop_assert!(line(&found, cells).width() <= width || found.contains(&0));
        }
    }
}
