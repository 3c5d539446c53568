//! Halves of a window, for a result that is too big.

use std::time::Duration;

use crate::model::time::{Timestamp, Window};

/// A window this short isn't cut any more.
const SHORTEST: Duration = Duration::from_secs(1);
const SECOND: i64 = 1_000_000_000;
/// Borders lie a little before a whole second. Events have whole seconds, or whole milliseconds, far more often
/// than such a time, and whether the API's Timespan takes its own ends in is written nowhere: so a row is
/// in one half alone, whichever way the API counts.
const BESIDE: i64 = 499_900;

/// The older and the newer half; `None` where the window is too short for that.
#[must_use]
pub fn halves(window: Window) -> Option<[Window; 2]> {
    if window.length() <= SHORTEST {
        return None;
    }
    let middle = window.from.nanos() + (window.to.nanos() - window.from.nanos()) / 2;
    let beside = middle.div_euclid(SECOND) * SECOND - BESIDE;
    let inside = |at: i64| window.from.nanos() < at && at < window.to.nanos();
    let border = Timestamp::from_nanos([beside, beside + SECOND, middle].into_iter().find(|at| inside(*at))?);
    Some([Window { from: window.from, to: border }, Window { from: border, to: window.to }])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn halves_are_the_whole_and_end_at_a_second(from in 0_i64..2_000_000_000_000, length in 0_i64..3_000_000_000_000_000) {
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
    fn a_border_is_no_time_that_an_event_has() {
        let window = Window { from: Timestamp::from_seconds(1000), to: Timestamp::from_seconds(1010) };
        let [older, newer] = halves(window).unwrap();
        assert_eq!(older.timespan(), "1970-01-01T00:16:40Z/1970-01-01T00:16:44.9995001Z");
        assert_eq!(newer.from.nanos() % 100, 0, "as fine as KQL counts");
    }
}
