//! Findings as GitHub workflow commands, which annotate the lines of a change.
//!
//! Escapes: GitHub Docs, "Workflow commands for GitHub Actions", and the runner's own escapes for
//! data (`%`, CR, LF) and properties (`:` and `,` too).

use crate::model::place::{Finding, Level};

/// One command a finding.
#[must_use]
pub fn render(findings: &[Finding]) -> String {
    let mut out = String::new();
    for finding in findings {
        let command = match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Info => "notice",
        };
        let place = finding.place;
        let message = match &finding.hint {
            Some(hint) => format!("{}\n{hint}", finding.message),
            None => finding.message.clone(),
        };
        let file = property(&finding.file.display().to_string());
        let (line, end_line) = (place.line, place.end_line);
        // Columns are taken only where both ends are in one line.
        let columns = if place.end_line == place.line {
            format!(",col={},endColumn={}", place.column, place.end_column)
        } else {
            String::new()
        };
        let text = data(&message);
        let code = finding.code;
        let place = format!("file={file},line={line},endLine={end_line}{columns}");
        out.extend(["::", command, " ", &place, ",title=", code, "::", &text, "\n"]);
    }
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::check::sample;

    #[test]
    fn nothing_breaks_out_of_its_line() {
        assert_eq!(
            render(&[sample()]),
            "::error file=hunts/a%2Cb.yaml,line=2,endLine=2,col=11,endColumn=16,title=H005::50%25: wrong%0Aline%0Amend it\n"
        );
    }
}
