//! Operators that group: `summarize`, `make-series`, `top-nested`, `top-hitters`; and `scan`.

use super::super::lexer::{Mark, TokenKind};
use super::super::problem::{Code, Problem};
use super::super::tree::{Expr, Item, NestedLevel, Operator, Scan, ScanStep};
use super::Parser;

impl<'a> Parser<'a> {
    pub(super) fn summarize(&mut self) -> Operator<'a> {
        let settings = self.settings(&[]);
        let aggregates = if self.is_word("by") || self.ends() { Vec::new() } else { self.aggregates() };
        let by = if self.eat_word("by") {
            Some(self.by())
        } else if self.is_name()
            && !self.begins_line()
            && !super::operator_names::is_operator(self.word())
            && !self.is_after(1, Mark::Assign)
        {
            self.by_is_missing();
            Some(self.by())
        } else {
            None
        };
        // `| summarize … bin=1h`: the old form.
        if self.is_word("bin") && self.is_after(1, Mark::Assign) {
            self.take();
            self.take();
            self.expression();
        }
        Operator::Summarize { settings, aggregates, by }
    }

    /// The aggregates; what stands behind the last without a comma is left for `by`.
    fn aggregates(&mut self) -> Vec<Item<'a>> {
        let mut items = vec![self.item("an aggregate")];
        while self.eat(Mark::Comma) {
            items.push(self.item("an aggregate"));
        }
        items
    }

    fn by_is_missing(&mut self) {
        let at = self.behind();
        let found = self.found();
        self.tell(
            Problem::error(Code::Syntax, at, format!("`by` or a comma is missing before {found}"))
                .hint("groups stand behind `by`: `summarize count() by Column`")
                .fix(at, " by"),
        );
    }

    fn by(&mut self) -> Vec<Item<'a>> {
        self.items("a column to group by")
    }

    pub(super) fn make_series(&mut self) -> Operator<'a> {
        let settings = self.settings(&["kind"]);
        let mut aggregates: Vec<(Item<'a>, Option<Expr<'a>>)> = Vec::new();
        loop {
            let item = self.item("an aggregate");
            let default = if self.is_word("default") && self.is_after(1, Mark::Assign) {
                self.take();
                self.take();
                Some(self.expression())
            } else {
                None
            };
            aggregates.push((item, default));
            if !self.eat(Mark::Comma) {
                break;
            }
        }
        let hint = "it is `make-series count() on Timestamp from … to … step 1h by Column`";
        let on = self.expect_word("on", hint).then(|| self.axis());
        let from = self.eat_word("from").then(|| self.expression());
        let to = self.eat_word("to").then(|| self.expression());
        let step = self.eat_word("step").then(|| self.expression());
        let mut range = Vec::new();
        if step.is_none() && self.is_word("in") {
            self.take();
            self.eat_word("range");
            range = self.in_parens("the bounds of the range");
        }
        if step.is_none() && range.is_empty() && on.is_some() {
            let span = self.behind();
            self.error(Code::Syntax, span, "`step` is missing", hint);
        }
        let by = self.eat_word("by").then(|| self.by());
        Operator::MakeSeries { settings, aggregates, on, from, to, step, range, by }
    }

    /// The axis of a series: an `in` behind it isn't the operator.
    fn axis(&mut self) -> Item<'a> {
        let start = self.span();
        let names = self.assigned().into_iter().collect();
        let expr = if self.ends() { self.missing("a column") } else { self.unary() };
        Item { names, tuple: false, span: start.to(self.last()), expr }
    }

    pub(super) fn top_nested(&mut self) -> Operator<'a> {
        let mut levels = vec![self.nested_level()];
        while self.is(Mark::Comma) {
            self.take();
            // `top-nested`, as three tokens.
            if self.is_word("top") {
                self.take();
                self.eat(Mark::Minus);
                self.eat_word("nested");
            } else {
                let span = self.span();
                self.error(
                    Code::Syntax,
                    span,
                    "each level begins with `top-nested`",
                    "write `, top-nested 3 of Column by count()`",
                );
            }
            levels.push(self.nested_level());
        }
        Operator::TopNested(levels)
    }

    fn nested_level(&mut self) -> NestedLevel<'a> {
        let count = if self.is_word("of") { None } else { Some(self.value_or_missing("the number of values")) };
        self.expect_word("of", "it is `top-nested 3 of Column by count()`");
        let of = self.item("a column");
        let others = if self.is_word("with") {
            self.take();
            self.eat_word("others");
            self.eat(Mark::Assign);
            Some(self.expression())
        } else {
            None
        };
        let by = self.eat_word("by").then(|| self.item("an aggregate"));
        for word in ["asc", "desc"] {
            self.eat_word(word);
        }
        NestedLevel { count, of, others, by }
    }

    pub(super) fn top_hitters(&mut self) -> Operator<'a> {
        let count = self.value_or_missing("the number of values");
        self.expect_word("of", "it is `top-hitters 3 of Column`");
        let of = self.item("a column");
        let by = self.eat_word("by").then(|| self.item("a column"));
        Operator::TopHitters { count, of, by }
    }

    pub(super) fn scan(&mut self) -> Operator<'a> {
        let settings = self.settings(&["with_match_id", "kind"]);
        let mut scan =
            Scan { settings, order: Vec::new(), partition: Vec::new(), declare: Vec::new(), steps: Vec::new() };
        if self.eat_word("order") {
            self.eat_word("by");
            scan.order = self.orderings();
        }
        if self.eat_word("partition") {
            self.eat_word("by");
            scan.partition = self.items("a column").into_iter().map(|item| item.expr).collect();
        }
        if self.eat_word("declare") {
            scan.declare = self.params();
        }
        let hint = "it is `scan with (step s1: condition => x = 1; …)`";
        self.expect_word("with", hint);
        let open = self.span();
        if !self.expect(Mark::Open, "(", hint) {
            return Operator::Scan(Box::new(scan));
        }
        while self.is_word("step") {
            scan.steps.push(self.scan_step());
            if !self.eat(Mark::Semicolon) {
                break;
            }
        }
        self.close(Mark::Close, open);
        Operator::Scan(Box::new(scan))
    }

    fn scan_step(&mut self) -> ScanStep<'a> {
        self.take();
        let name = self.name("the name of the step");
        self.eat_word("optional");
        self.settings(&["output"]);
        self.expect(Mark::Colon, ":", "it is `step s1: condition;`");
        let condition = self.value_or_missing("a condition");
        let mut assignments = Vec::new();
        if self.eat(Mark::Arrow) {
            assignments = self.items("an assignment");
        }
        ScanStep { name, condition, assignments }
    }

    /// Whether a literal or name stands here.
    pub(super) fn is_value(&self) -> bool {
        matches!(self.kind(), Some(TokenKind::Name | TokenKind::Literal(_)))
    }
}
