//! Bytes, for a person.

/// Three digits say enough: `1.9 kB`, `12 MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    let (mut whole, mut tenths, mut unit) = (bytes, None, "B");
    for next in ["kB", "MB", "GB", "TB"] {
        if whole < 1000 {
            break;
        }
        (tenths, whole, unit) = (Some(whole % 1000 / 100), whole / 1000, next);
    }
    match tenths {
        Some(tenths) if whole < 10 => format!("{whole}.{tenths} {unit}"),
        _ => format!("{whole} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        let all = [0, 999, 1000, 1999, 12_345, 999_999, 1_000_000, 5_400_000_000].map(size);
        assert_eq!(all, ["0 B", "999 B", "1.0 kB", "1.9 kB", "12 kB", "999 kB", "1.0 MB", "5.4 GB"]);
    }
}
