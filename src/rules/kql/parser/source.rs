//! Operators that make rows of their own, and those that only show them.

use super::super::lexer::{Mark, TokenKind};
use super::super::problem::{Code, Problem};
use super::super::tree::{Expr, Operator, Setting};
use super::super::words::nearest;
use super::Parser;

impl<'a> Parser<'a> {
    pub(super) fn evaluate(&mut self) -> Operator<'a> {
        let settings = self.settings(&[]);
        let call = self.value_or_missing("a plugin");
        let schema = self.eat(Mark::Colon).then(|| {
            let open = self.span();
            let mut columns = Vec::new();
            if self.expect(Mark::Open, "(", "columns are declared as `: (Name:type, …)`") {
                while !self.at_end() && !self.closes() {
                    let before = self.at;
                    if self.eat(Mark::Star) {
                        columns.push(None);
                    } else {
                        columns.push(Some(self.column_decl()));
                    }
                    if !self.eat(Mark::Comma) || self.at == before {
                        break;
                    }
                }
                self.close(Mark::Close, open);
            }
            columns
        });
        Operator::Evaluate { settings, call, schema }
    }

    pub(super) fn range(&mut self) -> Operator<'a> {
        let name = self.name("the name of the column");
        let hint = "it is `range Name from 1 to 10 step 1`";
        self.expect_word("from", hint);
        let from = self.value_or_missing("the first value");
        self.expect_word("to", hint);
        let to = self.value_or_missing("the last value");
        self.expect_word("step", hint);
        let step = self.value_or_missing("the step");
        Operator::Range { name, from, to, step }
    }

    pub(super) fn datatable(&mut self) -> Operator<'a> {
        self.settings(&[]);
        let columns = self.column_decls();
        let open = self.span();
        let mut values = Vec::new();
        if self.expect(Mark::OpenBracket, "[", "the values stand in square brackets") {
            values = self.bracket_list("a value", true);
            self.close(Mark::CloseBracket, open);
        }
        Operator::Datatable { columns, values }
    }

    /// Values up to `]`; `trailing`: a comma may stand behind the last.
    fn bracket_list(&mut self, what: &str, trailing: bool) -> Vec<Expr<'a>> {
        let mut values = Vec::new();
        while !self.at_end() && !self.closes() {
            let before = self.at;
            values.push(self.value_or_missing(what));
            if !self.eat(Mark::Comma) {
                if matches!(self.kind(), Some(TokenKind::Literal(_))) {
                    let at = self.behind();
                    let found = self.found();
                    self.tell(
                        Problem::error(Code::Syntax, at, format!("a comma is missing before {found}"))
                            .hint("values are parted by commas")
                            .fix(at, ","),
                    );
                    continue;
                }
                break;
            }
            if self.is(Mark::CloseBracket) && !trailing {
                values.push(self.missing(what));
            }
            if self.at == before {
                self.take();
            }
        }
        values
    }

    pub(super) fn externaldata(&mut self) -> Operator<'a> {
        let mut settings = self.settings(&[]);
        let columns = self.column_decls();
        let open = self.span();
        let mut sources = Vec::new();
        if self.expect(Mark::OpenBracket, "[", "the addresses stand in square brackets") {
            sources = self.bracket_list("an address", true);
            self.close(Mark::CloseBracket, open);
        }
        settings.extend(self.with_settings());
        Operator::Externaldata { columns, sources, settings }
    }

    pub(super) fn render(&mut self) -> Operator<'a> {
        const CHARTS: [&str; 21] = [
            "table",
            "list",
            "barchart",
            "piechart",
            "ladderchart",
            "timechart",
            "linechart",
            "anomalychart",
            "pivotchart",
            "areachart",
            "stackedareachart",
            "scatterchart",
            "timepivot",
            "columnchart",
            "timeline",
            "3Dchart",
            "card",
            "treemap",
            "plotly",
            "graph",
            "sankey",
        ];
        let chart = self.name("the kind of chart");
        if !chart.text.is_empty() && !CHARTS.contains(&chart.text) {
            let hint = nearest(chart.text, CHARTS)
                .map_or_else(|| format!("charts are {}", CHARTS.join(", ")), |near| format!("did you mean `{near}`?"));
            self.error(Code::Parameter, chart.span, format!("no chart `{}`", chart.text), hint);
        }
        // The old form has its parameters without `with`.
        let mut settings = self.with_settings();
        while settings.is_empty() && self.is_name() && self.is_after(1, Mark::Assign) {
            let name = self.name("a parameter");
            self.take();
            let value = self.expression();
            while self.eat(Mark::Comma) {
                self.expression();
            }
            settings.push(Setting { name, value });
            if self.ends() {
                break;
            }
        }
        Operator::Render { chart, settings }
    }

    pub(super) fn reduce(&mut self) -> Operator<'a> {
        let settings = self.settings(&["kind"]);
        self.expect_word("by", "it is `reduce by Column`");
        let by = self.item("a column");
        let mut with = Vec::new();
        if self.eat_word("with") {
            while let Some(name) = self.maybe_name() {
                if !self.eat(Mark::Assign) {
                    break;
                }
                let value = self.expression();
                with.push(Setting { name, value });
                if !self.eat(Mark::Comma) {
                    break;
                }
            }
        }
        Operator::Reduce { settings, by, with }
    }
}
