//! `huntd check --explain`: what the codes of findings mean.

use serde::Serialize;

use crate::app::exit::{AppError, Exit};
use crate::app::output::Output;
use crate::rules::check::codes::{self, Rule};

#[derive(Serialize)]
struct Shape<'a> {
    code: &'a str,
    severity: String,
    title: &'a str,
    why: &'a str,
    wrong: Option<&'a str>,
    right: Option<&'a str>,
    allow: bool,
}

/// Explains a code; all of them, a line each, where it is empty.
pub fn run(code: &str, output: Output) -> Result<Exit, AppError> {
    if code.is_empty() {
        list(output)?;
        return Ok(Exit::Done);
    }
    let rule = codes::find(code).or_else(|| codes::find(&code.to_ascii_uppercase())).ok_or_else(|| {
        let near = codes::nearest_code(code).map(|near| format!("did you mean `{near}`? "));
        AppError::new(
            format!("no finding has the code `{}`", code.escape_debug()),
            format!("{}`huntd check --explain` lists all codes", near.unwrap_or_default()),
        )
    })?;
    if output.json {
        output.object(&shape(rule))?;
    } else {
        output.line(rule.text().trim_end())?;
    }
    Ok(Exit::Done)
}

fn list(output: Output) -> Result<(), AppError> {
    for rule in codes::all() {
        if output.json {
            output.object(&shape(rule))?;
        } else {
            output.line(&format!("{:<7} {:<8} {}", rule.code, rule.level.to_string(), rule.title))?;
        }
    }
    Ok(())
}

fn shape(rule: &Rule) -> Shape<'_> {
    let some = |text| Some(text).filter(|text: &&str| !text.is_empty());
    Shape {
        code: rule.code,
        severity: rule.level.to_string(),
        title: rule.title,
        why: rule.why,
        wrong: some(rule.wrong),
        right: some(rule.right),
        allow: rule.may_be_allowed(),
    }
}
