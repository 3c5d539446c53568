//! Query operators: which one stands here, and the plain ones.

use super::super::lexer::{Mark, TokenKind};
use super::super::problem::{Code, Problem};
use super::super::span::Span;
use super::super::tree::{Expr, ExprKind, Item, Name, Operator, Stage};
use super::super::types::Type;
use super::super::words::nearest;
use super::Parser;
use super::operator_names::{all, is_operator, of_other_languages};

impl<'a> Parser<'a> {
    /// The name of the operator that stands here, with its hyphens; and how many tokens it has.
    fn operator_name(&self) -> (&'a str, usize) {
        if !self.is_name() {
            return ("", 0);
        }
        let mut tokens = 1;
        let mut span = self.span();
        while tokens < 7
            && self.is_after(tokens, Mark::Minus)
            && self.touches(tokens)
            && self.kind_after(tokens + 1) == Some(TokenKind::Name)
            && self.touches(tokens + 1)
        {
            if let Some(token) = self.tokens.get(self.at + tokens + 1) {
                span = span.to(token.span);
            }
            tokens += 2;
        }
        (self.slice(span), tokens)
    }

    /// Whether `['a name']` stands behind so many tokens.
    fn is_bracketed_after(&self, ahead: usize) -> bool {
        self.is_after(ahead, Mark::OpenBracket)
            && matches!(self.kind_after(ahead + 1), Some(TokenKind::Literal(Type::String)))
            && self.is_after(ahead + 2, Mark::CloseBracket)
    }

    /// An operator that begins a query, where one stands here.
    pub(super) fn leading_operator(&mut self) -> Option<Stage<'a>> {
        let (word, tokens) = self.operator_name();
        let next = self.kind_after(tokens);
        let as_name = matches!(
            next,
            Some(TokenKind::Mark(Mark::Pipe | Mark::Dot | Mark::Semicolon | Mark::Comma | Mark::Equal | Mark::Assign))
                | None
        ) || next == Some(TokenKind::Mark(Mark::OpenBracket)) && !self.is_bracketed_after(tokens);
        let leads = match word {
            "print" | "datatable" | "externaldata" | "find" => !as_name || word == "print",
            "range" => {
                matches!(next, Some(TokenKind::Name)) && self.word_after(tokens + 1) == "from"
                    || matches!(next, Some(TokenKind::Mark(Mark::OpenBracket)))
            }
            "union" | "search" => {
                !matches!(next, Some(TokenKind::Mark(Mark::Pipe | Mark::Dot | Mark::Semicolon | Mark::Assign)) | None)
            }
            "evaluate" => matches!(next, Some(TokenKind::Name)),
            // Inside mv-apply, partition, fork and their like an operator works on what is outside.
            "count" | "consume" | "getschema" | "serialize" => {
                matches!(next, Some(TokenKind::Mark(Mark::Pipe | Mark::Close | Mark::CloseBrace)) | None)
                    && self.deep > 1
                    && !self.is_after(tokens, Mark::Open)
                    && word != "serialize"
            }
            _ => {
                is_operator(word)
                    && !as_name
                    && !self.is_after(tokens, Mark::Open)
                    && !self.is_after(tokens, Mark::Close)
                    && next.is_some_and(|next| match next {
                        TokenKind::Mark(mark) => matches!(mark, Mark::Minus | Mark::Star | Mark::OpenBracket),
                        _ => true,
                    })
            }
        };
        // `where(…)`, `extend …`: a parenthesis may follow an operator too.
        let called =
            self.is_after(tokens, Mark::Open) && matches!(word, "where" | "filter" | "project" | "distinct" | "join");
        if !leads && !called {
            return None;
        }
        Some(self.stage())
    }

    /// One operator with its parts.
    pub(super) fn stage(&mut self) -> Stage<'a> {
        let start = self.span();
        let (word, tokens) = self.operator_name();
        if tokens == 0 || !is_operator(word) {
            return self.no_operator(word, start);
        }
        let mut keyword = start;
        for _ in 0..tokens {
            keyword = keyword.to(self.take());
        }
        let kind = self.operator(word);
        Stage { kind, keyword, span: keyword.to(self.last()) }
    }

    fn no_operator(&mut self, word: &'a str, start: Span) -> Stage<'a> {
        let (problem, skip) = if self.is(Mark::Pipe) {
            (
                Problem::error(Code::Syntax, start, "an operator is missing between two `|`")
                    .hint("remove one of the two")
                    .fix(start, ""),
                false,
            )
        } else if self.ends() {
            let at = self.last();
            (
                Problem::error(Code::Syntax, at, "an operator is missing behind the last `|`")
                    .hint("remove the `|`, or write an operator behind it"),
                false,
            )
        } else if word.is_empty() {
            let found = self.found();
            let problem = Problem::error(Code::Operator, start, format!("an operator is missing before {found}"));
            let foreign = matches!(self.kind(), Some(TokenKind::Bad | TokenKind::BadEscape | TokenKind::Unended(_)));
            if foreign {
                self.primary();
            }
            (problem.hint("behind a `|` stands an operator such as `where`, `project`, `summarize`"), true)
        } else {
            let (_, tokens) = self.operator_name();
            let span = self.tokens.get(self.at + tokens.saturating_sub(1)).map_or(start, |token| start.to(token.span));
            let problem = Problem::error(Code::Operator, span, format!("no operator `{word}`"));
            let lower = word.to_ascii_lowercase();
            let problem = if is_operator(&lower) {
                problem.hint("words of the language are in lower case").fix(span, lower)
            } else if let Some(hint) = of_other_languages(word) {
                problem.hint(hint)
            } else if let Some(near) = nearest(word, all()) {
                problem.hint(format!("did you mean `{near}`?")).fix(span, near)
            } else {
                problem.hint("behind a `|` stands an operator such as `where`, `project`, `summarize`")
            };
            (problem, true)
        };
        self.tell(problem);
        if skip {
            self.skip_stage();
        }
        Stage { kind: Operator::Broken, keyword: start, span: start.to(self.last()) }
    }

    fn operator(&mut self, word: &str) -> Operator<'a> {
        match word {
            "where" | "filter" => self.filter(),
            "extend" => Operator::Extend(self.items("an expression")),
            "project" => Operator::Project(self.maybe_items("a column")),
            "project-away" => Operator::ProjectAway(self.patterns("a column")),
            "project-keep" => Operator::ProjectKeep(self.patterns("a column")),
            "project-reorder" => Operator::ProjectReorder(self.patterns("a column")),
            "project-by-names" => Operator::ProjectByNames(self.patterns("a column")),
            "project-rename" => Operator::ProjectRename(self.maybe_items("a column")),
            "serialize" => Operator::Serialize(self.maybe_items("a column")),
            "print" => Operator::Print(self.maybe_items("a value")),
            "distinct" => self.distinct(),
            "count" => self.count(),
            "take" | "limit" => {
                let settings = self.settings(&[]);
                Operator::Take { settings, count: self.amount("the number of rows") }
            }
            "sample" => Operator::Sample(self.amount("the number of rows")),
            "sample-distinct" => {
                let count = self.amount("the number of values");
                self.expect_word("of", "it is `sample-distinct 10 of Column`");
                Operator::SampleDistinct { count, of: self.value_or_missing("a column") }
            }
            "top" => self.top(),
            "sort" | "order" => self.sort(),
            "getschema" => Operator::Getschema,
            "consume" => Operator::Consume(self.settings(&["decodeblocks"])),
            "as" => {
                let settings = self.settings(&[]);
                Operator::As { settings, name: self.name("the name of the table") }
            }
            "render" => self.render(),
            "invoke" => Operator::Invoke(self.value_or_missing("a function")),
            "evaluate" => self.evaluate(),
            "reduce" => self.reduce(),
            "assert-schema" => Operator::AssertSchema(self.column_decls()),
            "range" => self.range(),
            "datatable" => self.datatable(),
            "externaldata" => self.externaldata(),
            _ => self.other_operator(word),
        }
    }

    fn other_operator(&mut self, word: &str) -> Operator<'a> {
        match word {
            "summarize" => self.summarize(),
            "make-series" => self.make_series(),
            "top-nested" => self.top_nested(),
            "top-hitters" => self.top_hitters(),
            "scan" => self.scan(),
            "join" => self.join(),
            "lookup" => self.lookup(),
            "union" => self.union(),
            "search" => self.search(),
            "find" => self.find(),
            "mv-expand" | "mvexpand" => self.mv_expand(),
            "mv-apply" | "mvapply" => self.mv_apply(),
            "parse" => self.parse_operator(false),
            "parse-where" => self.parse_operator(true),
            "parse-kv" => self.parse_kv(),
            "partition" => self.partition(),
            "fork" => self.fork(),
            "facet" => self.facet(),
            "make-graph" => self.make_graph(),
            "graph-match" => self.graph_match(),
            "graph-shortest-paths" => self.graph_shortest_paths(),
            "graph-to-table" => self.graph_to_table(),
            "graph-mark-components" => Operator::GraphMarkComponents(self.settings(&["kind", "with_component_id"])),
            "graph-where-nodes" | "graph-where-edges" => Operator::GraphWhere(self.value_or_missing("a condition")),
            _ => {
                self.skip_stage();
                Operator::Other
            }
        }
    }

    /// `where …`.
    fn filter(&mut self) -> Operator<'a> {
        let settings = self.settings(&[]);
        if self.ends() {
            return Operator::Where { settings, predicate: self.missing("a condition") };
        }
        let start = self.span();
        // `where x = 1` reads as a named expression; a comparison was meant.
        if self.is_name() && self.is_after(1, Mark::Assign)
            || self.is(Mark::OpenBracket) && self.is_after(3, Mark::Assign)
        {
            self.maybe_name();
            let span = self.take();
            self.tell(
                Problem::error(Code::Syntax, span, "`=` doesn't compare")
                    .hint("equality is `==`, without regard to case `=~`")
                    .fix(span, "=="),
            );
            let mut predicate = self.expression();
            predicate = Expr { kind: ExprKind::Missing, span: start.to(predicate.span) };
            return Operator::Where { settings, predicate };
        }
        let predicate = self.expression();
        self.negation_without_parentheses(&predicate);
        Operator::Where { settings, predicate }
    }

    /// `not X == 1`.
    fn negation_without_parentheses(&mut self, predicate: &Expr<'a>) {
        let not = |expr: &Expr<'a>| matches!(&expr.kind, ExprKind::Name(name) if name.text == "not");
        let last = match &predicate.kind {
            ExprKind::Binary { right, .. } => right,
            _ => predicate,
        };
        if not(last) && !self.ends() {
            let span = last.span;
            self.error(Code::Syntax, span, "`not` is a function", "write not(…), or `!=`, `!in`, `!has`, `!contains`");
            self.skip_stage();
        }
    }

    /// Items, or none at all.
    fn maybe_items(&mut self, what: &str) -> Vec<Item<'a>> {
        if self.ends() { Vec::new() } else { self.items(what) }
    }

    /// Names and wildcards, with an order.
    fn patterns(&mut self, what: &str) -> Vec<Expr<'a>> {
        self.wildcards += 1;
        let items = self.items(what);
        let mut list: Vec<Expr<'a>> = items.into_iter().map(|item| item.expr).collect();
        loop {
            for word in ["asc", "desc", "granny-asc", "granny-desc"] {
                if self.is_word(word) {
                    self.take();
                }
            }
            if self.is_word("granny") {
                self.take();
                self.take();
                self.take();
            }
            if !self.eat(Mark::Comma) {
                break;
            }
            let more = self.items(what);
            list.extend(more.into_iter().map(|item| item.expr));
        }
        self.wildcards -= 1;
        list
    }

    /// A value, or what is missing.
    pub(super) fn value_or_missing(&mut self, what: &str) -> Expr<'a> {
        if self.ends() || self.is(Mark::Comma) { self.missing(what) } else { self.expression() }
    }

    /// How many.
    fn amount(&mut self, what: &str) -> Expr<'a> {
        self.value_or_missing(what)
    }

    fn distinct(&mut self) -> Operator<'a> {
        let settings = self.settings(&[]);
        let columns = self.items("a column");
        Operator::Distinct { settings, columns }
    }

    fn count(&mut self) -> Operator<'a> {
        let settings = self.settings(&[]);
        let name = self.eat_word("as").then(|| self.name("the name of the column"));
        Operator::Count { settings, name }
    }

    fn top(&mut self) -> Operator<'a> {
        let settings = self.settings(&[]);
        let count = self.amount("the number of rows");
        let by = if self.expect_word("by", "it is `top 10 by Column desc`") {
            Some(Box::new(self.ordering()))
        } else if self.ends() || self.begins_line() {
            None
        } else {
            Some(Box::new(self.ordering()))
        };
        Operator::Top { settings, count, by }
    }

    fn sort(&mut self) -> Operator<'a> {
        let settings = self.settings(&[]);
        let word = self.slice(self.last()).to_owned();
        let hint = format!("it is `{} by Column desc`", if word.is_empty() { "sort" } else { &word });
        if !self.expect_word("by", &hint) && self.ends() {
            return Operator::Sort { settings, by: Vec::new() };
        }
        Operator::Sort { settings, by: self.orderings() }
    }

    /// A name or a pattern of a table.
    pub(super) fn table_or_wildcard(&mut self) -> Expr<'a> {
        self.wildcards += 1;
        let expr = self.union_member();
        self.wildcards -= 1;
        expr
    }

    /// The name of a table, a pattern, a call, or a query in parentheses.
    fn union_member(&mut self) -> Expr<'a> {
        if self.ends() || self.is(Mark::Comma) {
            return self.missing("a table");
        }
        self.unary()
    }

    /// A name as an expression, for operators that keep one.
    pub(super) fn name_expr(name: Name<'a>) -> Expr<'a> {
        Expr { kind: ExprKind::Name(name), span: name.span }
    }
}
