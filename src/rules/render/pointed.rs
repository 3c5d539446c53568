//! An expression with a mark under the place where it can't be read.

use unicode_width::UnicodeWidthStr;

use super::visible::{cut, visible};
use crate::rules::filter::Problem;

/// How much of the expression is shown before and after the place, in characters.
const AROUND: usize = 30;

/// What is wrong, then the part of the expression where it is, then a mark under the place: three lines,
/// for a terminal.
#[must_use]
pub fn pointed(option: &str, problem: &Problem) -> String {
    let (before, after) = problem.text.split_at_checked(problem.at).unwrap_or((&problem.text, ""));
    let skipped = before.chars().count().saturating_sub(AROUND);
    let before = before.char_indices().nth(skipped).and_then(|(at, _)| before.get(at..)).unwrap_or_default();
    let (after, cut_off) = cut(after, AROUND);
    let front = format!("{}{}", if skipped > 0 { "…" } else { "" }, visible(before));
    let back = format!("{}{}", visible(after), if cut_off > 0 { "…" } else { "" });
    let mark = " ".repeat(front.width());
    let expression = format!("  {front}{back}");
    format!("`{option}`: {}\n{}\n  {mark}^", visible(&problem.to_string()), expression.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::filter::parse;

    #[test]
    fn the_mark_is_under_the_place() {
        let long = format!("{} AND FolderPath=C:\\Program Files\\* AND {0}", ["a=b"; 20].join(" OR "));
        let texts = ["", "DeviceName=", "a=b\nc=d", "日本=語 日本", "a=\u{1b}[31mb c=d", &long];
        let told: Vec<String> = texts.iter().map(|text| pointed("--where", &parse(text).unwrap_err())).collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        `--where`: a column should stand here, not the end, at column 1

          ^
        `--where`: a value should stand after `=`, at column 12
          DeviceName=
                     ^
        `--where`: AND or OR should stand here, at column 5
          a=b\nc=d
               ^
        `--where`: AND or OR should stand here, at column 6
          日本=語 日本
                  ^
        `--where`: AND or OR should stand here, at column 10
          a=\u{1b}[31mb c=d
                        ^
        `--where`: AND or OR should stand here, at column 164
          …a=b AND FolderPath=C:\Program Files\* AND a=b OR a=b OR a=b …
                                         ^
        ");
    }
}
