//! Findings as JSON lines: the shape that the reference fixes.

use serde::Serialize;

use crate::model::place::Finding;

#[derive(Serialize)]
struct Shape<'a> {
    file: String,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
    severity: String,
    code: &'a str,
    message: &'a str,
    hint: Option<&'a str>,
    hunt: Option<&'a str>,
}

/// One object a finding, one line an object.
#[must_use]
pub fn render(findings: &[Finding]) -> String {
    let mut out = String::new();
    for finding in findings {
        let shape = Shape {
            file: finding.file.display().to_string(),
            line: finding.place.line,
            column: finding.place.column,
            end_line: finding.place.end_line,
            end_column: finding.place.end_column,
            severity: finding.level.to_string(),
            code: finding.code,
            message: &finding.message,
            hint: finding.hint.as_deref(),
            hunt: finding.hunt.as_deref(),
        };
        // A struct of texts and numbers always has a JSON form.
        if let Ok(text) = serde_json::to_string(&shape) {
            out.push_str(&text);
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::check::sample;

    #[test]
    fn the_shape_is_that_of_the_reference() {
        assert_eq!(
            render(&[sample()]),
            concat!(
                r#"{"file":"hunts/a,b.yaml","line":2,"column":11,"end_line":2,"end_column":16,"severity":"error","#,
                r#""code":"H005","message":"50%: wrong\nline","hint":"mend it","hunt":"a"}"#,
                "\n"
            )
        );
    }
}
