use std::time::Duration;

use super::length::timespan;

#[test]
fn timespans_of_every_form() {
    for (text, millis) in [
        ("1d", 86_400_000),
        ("2.5h", 9_000_000),
        ("30m", 1_800_000),
        ("90sec", 90_000),
        ("100ms", 100),
        ("5000micros", 5),
        ("10000ticks", 1),
        ("timespan(1d)", 86_400_000),
        ("time( 12h )", 43_200_000),
        // A number alone is so many days.
        ("timespan(2)", 172_800_000),
        ("timespan(\"1h\")", 3_600_000),
        ("timespan(01:30:00)", 5_400_000),
        ("timespan(02:03)", 7_380_000),
        ("timespan(1.02:03:04)", 93_784_000),
        ("timespan(00:00:00.5)", 500),
    ] {
        assert_eq!(timespan(text), Some(Duration::from_millis(millis)), "{text}");
    }
}

#[test]
fn what_is_no_timespan_is_not_guessed() {
    for text in
        ["", "d", "1w", "1y", "timespan(null)", "timespan(1d", "1.2.3d", "timespan(1:x)", "99999999999999999999d"]
    {
        assert_eq!(timespan(text), None, "{text}");
    }
}
