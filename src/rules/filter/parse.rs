//! Reading an expression.

use super::glob::Glob;
use super::instant::Instant;
use super::own::Own;
use super::pass::regex;
use super::problem::Problem;
use super::read::{QUOTE, Reader};
use super::tree::{Column, Expr, Op, Test, Value};
use crate::model::hit::HitKind;
use crate::model::severity::Severity;
use crate::model::time::parse_duration;
use crate::rules::check::nearest::did_you_mean;

/// How deep brackets and `NOT` may nest.
pub const DEPTH: usize = 64;

/// Reads an expression.
pub fn parse(text: &str) -> Result<Expr, Problem> {
    let mut parser = Parser { reader: Reader::new(text) };
    let expr = parser.any(0)?;
    match parser.reader.rest().chars().next() {
        None => Ok(expr),
        Some(')') => {
            let at = parser.reader.at();
            Err(parser.reader.problem(at, "no `(` belongs to this `)`", "take it away, or open one before"))
        }
        Some(_) => Err(parser.stray()),
    }
}

/// Reads a list of columns with commas between them, as for `--columns`.
pub fn parse_columns(text: &str) -> Result<Vec<Column>, Problem> {
    let mut reader = Reader::new(text);
    let mut columns = Vec::new();
    loop {
        reader.skip_blanks();
        columns.push(reader.column()?);
        reader.skip_blanks();
        if reader.rest().is_empty() {
            return Ok(columns);
        }
        if !reader.take(",") {
            let hint = "a name with blanks or other signs stands in quotes: \"Device Name\"";
            return Err(reader.problem(reader.at(), "a comma should stand between columns", hint));
        }
    }
}

struct Parser<'a> {
    reader: Reader<'a>,
}

impl Parser<'_> {
    fn any(&mut self, depth: usize) -> Result<Expr, Problem> {
        let mut parts = vec![self.all(depth)?];
        while self.reader.take_word("OR") {
            parts.push(self.all(depth)?);
        }
        Ok(one_or(parts, Expr::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Expr, Problem> {
        let mut parts = vec![self.one(depth)?];
        while self.reader.take_word("AND") {
            parts.push(self.one(depth)?);
        }
        Ok(one_or(parts, Expr::All))
    }

    fn one(&mut self, depth: usize) -> Result<Expr, Problem> {
        self.reader.skip_blanks();
        let at = self.reader.at();
        if depth > DEPTH {
            let message = format!("brackets and NOT are nested more than {DEPTH} deep");
            return Err(self.reader.problem(at, message, "give `--where` more than once: all must hold"));
        }
        if self.reader.take_word("NOT") {
            return Ok(Expr::Not(Box::new(self.one(depth + 1)?)));
        }
        if !self.reader.take("(") {
            return self.test();
        }
        let inner = self.any(depth + 1)?;
        self.reader.skip_blanks();
        if self.reader.take(")") {
            return Ok(inner);
        }
        if self.reader.rest().is_empty() {
            return Err(self.reader.problem(at, "this `(` isn't closed", "add a `)`"));
        }
        Err(self.stray())
    }

    /// What stands where only `AND`, `OR` or an end can.
    fn stray(&self) -> Problem {
        let rest = self.reader.rest();
        let hint = if rest.starts_with('&') || rest.starts_with('|') { "write AND, OR and NOT" } else { QUOTE };
        self.reader.problem(self.reader.at(), "AND or OR should stand here", hint)
    }

    fn test(&mut self) -> Result<Expr, Problem> {
        let start = self.reader.at();
        let column = self.reader.column()?;
        self.reader.skip_blanks();
        if let Some(op) = self.reader.take_sign() {
            let value = self.value(&column, op)?;
            return Ok(Expr::Test(Test { column, op, values: vec![value] }));
        }
        let negated = self.reader.take_word("NOT");
        if !self.reader.take_word("IN") {
            return Err(self.no_operator(start));
        }
        let test = Expr::Test(Test { values: self.list(&column)?, op: Op::In, column });
        Ok(if negated { Expr::Not(Box::new(test)) } else { test })
    }

    fn list(&mut self, column: &Column) -> Result<Vec<Value>, Problem> {
        self.reader.skip_blanks();
        let open = self.reader.at();
        if !self.reader.take("(") {
            let hint = "write it as COLUMN IN (VALUE, VALUE)";
            return Err(self.reader.problem(open, "a list in brackets should stand after IN", hint));
        }
        let mut values = Vec::new();
        loop {
            values.push(self.value(column, Op::In)?);
            self.reader.skip_blanks();
            if self.reader.take(")") {
                return Ok(values);
            }
            if self.reader.rest().is_empty() {
                return Err(self.reader.problem(open, "this `(` isn't closed", "add a `)`"));
            }
            if !self.reader.take(",") {
                let at = self.reader.at();
                return Err(self.reader.problem(at, "a comma or `)` should stand here", QUOTE));
            }
        }
    }

    fn no_operator(&self, start: usize) -> Problem {
        let word = self.reader.peek_word().to_ascii_lowercase();
        let hint = match word.as_str() {
            "has" | "contains" => "write COLUMN=*text* for a text that stands anywhere",
            "startswith" | "hasprefix" => "write COLUMN=text* for a text at the beginning",
            "endswith" | "hassuffix" => "write COLUMN=*text for a text at the end",
            "matches" => "write COLUMN~\"expression\" for a regular expression",
            "like" | "is" | "eq" | "equals" => "write COLUMN=value; `*` and `?` stand for other characters",
            "has_any" => "write COLUMN IN (*one*, *two*)",
            _ => "the operators are = != == !== < <= > >= ~ !~ IN",
        };
        let (at, name) = (self.reader.at(), self.reader.text_from(start));
        self.reader.problem(at, format!("an operator should stand after `{name}`"), hint)
    }

    fn value(&mut self, column: &Column, op: Op) -> Result<Value, Problem> {
        self.reader.skip_blanks();
        let at = self.reader.at();
        let before = if self.reader.text_until(at).trim_end().ends_with(',') { "," } else { op.as_str() };
        let is_quoted = self.reader.rest().starts_with(['"', '\'']);
        let text = self.reader.value(before)?;
        if !is_quoted && text.eq_ignore_ascii_case("ago") && self.reader.rest().starts_with('(') {
            return self.ago(op, at);
        }
        if matches!(op, Op::Like | Op::Unlike) {
            if let Err(reason) = regex(&text) {
                let hint = "it is written as in KQL; one with brackets, blanks or commas stands in quotes: FileName~\"^(cmd|pwsh)\"";
                return Err(self.reader.problem(at, format!("no regular expression: {reason}"), hint));
            }
            return Ok(Value::Regex(text));
        }
        let glob = Glob::new(&text);
        self.fits(at, column, op, &glob)?;
        Ok(Value::Text(glob))
    }

    /// What is after `ago`.
    fn ago(&mut self, op: Op, at: usize) -> Result<Value, Problem> {
        self.reader.take("(");
        let length = self.reader.value("ago(")?;
        if let Err(error) = parse_duration(&length) {
            return Err(self.reader.problem(at, error.to_string(), "write it as ago(7d), ago(90m) or ago(36h)"));
        }
        self.reader.skip_blanks();
        if !self.reader.take(")") {
            return Err(self.reader.problem(at, "this `ago(` isn't closed", "add a `)`"));
        }
        if !op.is_order() {
            let message = format!("`ago(…)` is one moment, which nothing matches by `{}`", op.as_str());
            return Err(self.reader.problem(at, message, "write COLUMN>ago(7d) for what is younger than that"));
        }
        Ok(Value::Ago(length.trim().to_owned()))
    }

    /// Refuses values with which the comparison says nothing.
    fn fits(&self, at: usize, column: &Column, op: Op, glob: &Glob) -> Result<(), Problem> {
        let plain = glob.plain();
        let unordered = match plain.as_deref() {
            None => Some("`*` and `?` go with =, !=, ==, !== and IN; [*] and [?] are the characters themselves"),
            Some("") => Some("write COLUMN!=\"\" for a column that holds something"),
            Some(_) => None,
        };
        if let Some(hint) = unordered.filter(|_| op.is_order()) {
            return Err(self.reader.problem(at, format!("nothing comes before or after `{glob}`"), hint));
        }
        let (Some(own), Some(text)) = (column.own(), plain) else { return Ok(()) };
        let wrong = |message: String, hint: String| Err(self.reader.problem(at, message, hint));
        let near = |all: &[&'static str]| {
            let names = format!("it is one of {}", all.join(", "));
            did_you_mean(&text, all.iter().copied()).unwrap_or(names)
        };
        match own {
            Own::Severity if Severity::parse(&text).is_none() => {
                wrong(format!("no severity is called `{text}`"), near(&Severity::ALL.map(Severity::as_str)))
            }
            Own::Kind if HitKind::parse(&text.to_ascii_lowercase()).is_none() => {
                wrong(format!("no kind is called `{text}`"), near(&HitKind::ALL.map(HitKind::as_str)))
            }
            Own::FirstSeen | Own::LastSeen if Instant::parse(&text).is_none() => {
                wrong(format!("`{text}` is no time"), "write 2026-11-24, 2026-11-24T16:00:00Z or ago(7d)".to_owned())
            }
            _ => Ok(()),
        }
    }
}

fn one_or(mut parts: Vec<Expr>, several: fn(Vec<Expr>) -> Expr) -> Expr {
    match parts.pop() {
        Some(last) if parts.is_empty() => last,
        last => {
            parts.extend(last);
            several(parts)
        }
    }
}
