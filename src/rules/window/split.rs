//! Halves of a window, for a result that is too big.

use std::time::Duration;

use crate::model::time::{Timestamp, Window};

/// A window this short isn't cut any more.
const SHORTEST: Duration = Duration::from_secs(1);
const SECOND: i64 = 1_000_000_000;

/// The older and the newer half; `None` where the window is too short for that.
///
/// Borders are whole seconds, as Timespan is sent with these. Whether the API takes the ends of a Timespan in is
/// written nowhere: if it takes both, an event in that very moment comes twice, and is one hit.
#[must_use]
pub fn halves(window: Window) -> Option<[Window; 2]> {
    if window.length() <= SHORTEST {
        return None;
    }
    let middle = window.from.nanos() + (window.to.nanos() - window.from.nanos()) / 2;
    let before = middle.div_euclid(SECOND) * SECOND;
    let inside = |at: &i64| window.from.nanos() < *at && *at < window.to.nanos();
    let border = Timestamp::from_nanos([before, before + SECOND].into_iter().find(inside)?);
    Some([Window { from: window.from, to: border }, Window { from: border, to: window.to }])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn halves_are_the_whole_and_end_with_a_second(from in 0_i64..2_000_000_000_000, length in 0_i64..3_000_000_000_000_000) {
            let from = 1_795_000_000_000_000_000 + from;
            let window = Window { from: Timestamp::from_nanos(from), to: Timestamp::from_nanos(from + length) };
            let (mut parts, mut ended, mut depth) = (vec![window], Vec::new(), 0);
            // The newest first, and only that one further: the whole tree would be millions.
            while let Some(part) = parts.pop() {
                match halves(part) {
                    None => {
                        prop_assert!(part.length() <= Duration::from_secs(1));
                        ended.push(part);
                        break;
                    }
                    Some([older, newer]) => {
                        prop_assert_eq!((older.from, older.to, newer.to), (part.from, newer.from, part.to));
                        prop_assert!(older.from < older.to && newer.from < newer.to);
                        prop_assert_eq!(newer.from.nanos() % SECOND, 0);
                        let most = part.length().as_secs_f64() / 2.0 + 1.0;
                        prop_assert!(older.length().as_secs_f64() <= most && newer.length().as_secs_f64() <= most);
                        parts = vec![newer];
                    }
                }
                depth += 1;
                prop_assert!(depth < 64);
            }
            prop_assert_eq!(ended.len(), 1);
        }
    }

    #[test]
    fn borders_are_whole_seconds() {
        let at = |millis: i64| Timestamp::from_nanos(millis * 1_000_000);
        let cases = [
            ((1_000_000, 1_010_000), Some(1_005_000)),
            ((1_000_000, 1_003_000), Some(1_001_000)),
            ((1_000_100, 1_001_200), Some(1_001_000)),
            ((1_000_000, 1_001_000), None),
            ((1_000_100, 1_000_900), None),
        ];
        for ((from, to), border) in cases {
            let cut = halves(Window { from: at(from), to: at(to) });
            assert_eq!(cut.map(|[older, _]| older.to), border.map(at), "{from} {to}");
        }
    }
}
