//! The lines that findings point at, read for the screen.
//!
//! Promises: only regular files are opened, and of these no more than a hunt file may have, as a
//! finding may well be about a pipe, a device or a giant; what stands where a secret should not
//! stand is masked, in whichever finding its line is shown.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::model::place::{Finding, Place};
use crate::rules::yaml::MAX_BYTES;

/// The finding that a secret stands in the config.
const SECRET: &str = "C005";

/// The text of a file, for the lines around the findings.
pub fn source(findings: &[Finding]) -> impl Fn(&Path) -> Option<String> {
    let secrets: Vec<&Finding> = findings.iter().filter(|finding| finding.code == SECRET).collect();
    move |file| {
        let mut text = read(file)?;
        for finding in secrets.iter().filter(|finding| finding.file == file) {
            text = masked(&text, finding.place);
        }
        Some(text)
    }
}

fn read(file: &Path) -> Option<String> {
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || metadata.len() > MAX_BYTES as u64 {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(file).ok()?.take(MAX_BYTES as u64).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The text with a star for each character from the place's first to the end of its last line: where a
/// value of several lines ends exactly is not worth a secret.
fn masked(text: &str, place: Place) -> String {
    let mut out = String::with_capacity(text.len());
    for (number, line) in (1_u32..).zip(text.split_inclusive('\n')) {
        let inside = (place.line..=place.end_line).contains(&number);
        for (column, character) in (1_u32..).zip(line.chars()) {
            let shown = !inside || character.is_whitespace() || (number == place.line && column < place.column);
            out.push(if shown { character } else { '*' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_to_the_end_of_its_lines() {
        let text = "a: 1\nb: {secret: hunter2}\nc: 3\n";
        assert_eq!(masked(text, Place::in_line(2, 12, 19)), "a: 1\nb: {secret: ********\nc: 3\n");
        let lines = "b: |\n  one\n  two\nc: 3\n";
        let place = Place { line: 1, column: 4, end_line: 3, end_column: 3 };
        assert_eq!(masked(lines, place), "b: *\n  ***\n  ***\nc: 3\n");
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        assert_eq!(read(Path::new("/dev/zero")), None);
        assert_eq!(read(Path::new("/")), None);
    }
}
