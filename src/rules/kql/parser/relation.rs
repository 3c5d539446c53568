//! Operators over several tables, and those that make rows of one.

use super::super::lexer::{Mark, TokenKind};
use super::super::problem::Code;
use super::super::tree::{Condition, Expr, ExprKind, FindColumn, MvColumn, Name, Operator, ParsePart, Setting};
use super::super::types::Type;
use super::super::words::nearest;
use super::Parser;

/// The kinds of a join.
const KINDS: [&str; 12] = [
    "inner",
    "innerunique",
    "leftouter",
    "rightouter",
    "fullouter",
    "leftsemi",
    "rightsemi",
    "leftanti",
    "rightanti",
    "anti",
    "leftantisemi",
    "rightantisemi",
];

impl<'a> Parser<'a> {
    pub(super) fn join(&mut self) -> Operator<'a> {
        let settings = self.settings(&["kind", "withsource", "isfuzzy"]);
        self.check_kind(&settings, &KINDS);
        let right = self.joined_table();
        let condition = self.condition("join");
        Operator::Join { settings, right, condition }
    }

    pub(super) fn lookup(&mut self) -> Operator<'a> {
        let settings = self.settings(&["kind"]);
        self.check_kind(&settings, &["leftouter", "inner"]);
        let right = self.joined_table();
        let condition = self.condition("lookup");
        Operator::Lookup { settings, right, condition }
    }

    fn joined_table(&mut self) -> Expr<'a> {
        if self.ends() || self.is_word("on") {
            return self.missing("the other table");
        }
        self.unary()
    }

    /// The kind must be one of these.
    fn check_kind(&mut self, settings: &[Setting<'a>], kinds: &[&str]) {
        let Some(setting) = settings.iter().find(|setting| setting.name.text == "kind") else { return };
        let ExprKind::Name(name) = &setting.value.kind else { return };
        if kinds.contains(&name.text) {
            return;
        }
        let hint = match (name.text, nearest(name.text, kinds.iter().copied())) {
            ("left" | "outer" | "leftjoin", _) if kinds.contains(&"leftouter") => {
                "did you mean `leftouter`?".to_owned()
            }
            ("right", _) if kinds.contains(&"rightouter") => "did you mean `rightouter`?".to_owned(),
            ("full", _) if kinds.contains(&"fullouter") => "did you mean `fullouter`?".to_owned(),
            (_, Some(near)) => format!("did you mean `{near}`?"),
            _ => format!("kinds are {}", kinds.join(", ")),
        };
        self.error(Code::Parameter, name.span, format!("no kind `{}`", name.text), hint);
    }

    fn condition(&mut self, operator: &str) -> Condition<'a> {
        if self.eat_word("on") {
            let mut keys = vec![self.value_or_missing("a column to join on")];
            while self.eat(Mark::Comma) {
                keys.push(self.value_or_missing("a column to join on"));
            }
            return Condition::On(keys);
        }
        if operator == "join" && self.eat_word("where") {
            return Condition::Where(Box::new(self.value_or_missing("a condition")));
        }
        let span = self.behind();
        let found = self.found();
        self.error(
            Code::Join,
            span,
            format!("`on` is missing before {found}"),
            format!("a {operator} needs a condition: `on DeviceId`, or `on $left.A == $right.B`"),
        );
        // `join (T) DeviceId`: what was meant stands there.
        if self.is_value() && !self.begins_line() {
            self.skip_stage();
        }
        Condition::None
    }

    pub(super) fn union(&mut self) -> Operator<'a> {
        let settings = self.settings(&["kind", "withsource", "with_source", "isfuzzy"]);
        self.check_kind(&settings, &["inner", "outer"]);
        let mut tables = vec![self.table_or_wildcard()];
        while self.eat(Mark::Comma) {
            tables.push(self.table_or_wildcard());
        }
        Operator::Union { settings, tables }
    }

    pub(super) fn search(&mut self) -> Operator<'a> {
        let settings = self.settings(&["kind"]);
        let tables = self.searched_tables();
        let predicate = if self.ends() { self.missing("what is searched for") } else { self.search_expression() };
        Operator::Search { settings, tables, predicate }
    }

    /// `in (T1, T*)`.
    fn searched_tables(&mut self) -> Option<Vec<Expr<'a>>> {
        if !self.is_word("in") || !self.is_after(1, Mark::Open) {
            return None;
        }
        self.take();
        let open = self.take();
        let mut tables = vec![self.table_or_wildcard()];
        while self.eat(Mark::Comma) {
            tables.push(self.table_or_wildcard());
        }
        self.close(Mark::Close, open);
        Some(tables)
    }

    pub(super) fn find(&mut self) -> Operator<'a> {
        let settings = self.settings(&["withsource", "datascope"]);
        let tables = self.searched_tables();
        let has_where = self.eat_word("where");
        let predicate = if has_where || !self.ends() && !self.is_word("project") {
            Some(if self.ends() { self.missing("a condition") } else { self.search_expression() })
        } else {
            None
        };
        let word = self.word();
        let mut project = None;
        let mut away = None;
        if word == "project" && !self.is_after(1, Mark::Minus) {
            self.take();
            project = Some(self.find_columns());
        } else if word == "project" && self.word_after(2) == "away" {
            self.take();
            self.take();
            self.take();
            self.wildcards += 1;
            away = Some(self.items("a column").into_iter().map(|item| item.expr).collect());
            self.wildcards -= 1;
        } else if word == "project" {
            self.take();
            self.take();
            self.take();
        }
        Operator::Find { settings, tables, predicate, project, away }
    }

    fn find_columns(&mut self) -> Vec<FindColumn<'a>> {
        let mut columns = Vec::new();
        loop {
            if self.is_word("pack") && self.is_after(1, Mark::Open) {
                let name = Name { text: "pack_", span: self.take() };
                let open = self.take();
                self.eat(Mark::Star);
                self.close(Mark::Close, open);
                columns.push(FindColumn { name, ty: None, pack: true });
            } else {
                let name = self.name("a column");
                let ty = self.eat(Mark::Colon).then(|| self.type_name());
                columns.push(FindColumn { name, ty, pack: false });
            }
            if !self.eat(Mark::Comma) {
                return columns;
            }
        }
    }

    pub(super) fn mv_expand(&mut self) -> Operator<'a> {
        let settings = self.settings(&["bagexpansion", "kind", "with_itemindex"]);
        let columns = self.mv_columns();
        let limit = self.eat_word("limit").then(|| self.value_or_missing("the number of rows"));
        Operator::MvExpand { settings, columns, limit }
    }

    fn mv_columns(&mut self) -> Vec<MvColumn<'a>> {
        let mut columns = Vec::new();
        loop {
            let item = self.item("a column to expand");
            let mut ty = None;
            if self.eat_word("to") {
                if self.is_word("typeof") && self.is_after(1, Mark::Open) {
                    let expr = self.type_of();
                    ty = match expr.kind {
                        ExprKind::TypeOf(columns) => columns.into_iter().flatten().next().map(|column| column.ty),
                        _ => None,
                    };
                } else {
                    let span = self.span();
                    self.error(Code::Syntax, span, "behind `to` stands typeof(…)", "write `to typeof(string)`");
                    if self.is_name() {
                        self.take();
                    }
                }
            }
            columns.push(MvColumn { item, ty });
            if !self.eat(Mark::Comma) {
                return columns;
            }
        }
    }

    pub(super) fn mv_apply(&mut self) -> Operator<'a> {
        let settings = self.settings(&["kind", "with_itemindex"]);
        let columns = self.mv_columns();
        let limit = self.eat_word("limit").then(|| self.value_or_missing("the number of rows"));
        let context = self.eat_word("id").then(|| self.value_or_missing("an id"));
        let hint = "it is `mv-apply x = array on ( where x > 1 )`";
        let body = if self.expect_word("on", hint) { self.subquery(hint) } else { None };
        Operator::MvApply { settings, columns, limit, context, body }
    }

    /// `( operators )`.
    fn subquery(&mut self, hint: &str) -> Option<Box<Expr<'a>>> {
        let open = self.span();
        if !self.expect(Mark::Open, "(", hint) {
            return None;
        }
        let inner = if self.is(Mark::Close) { self.missing("a query") } else { self.pipeline() };
        self.close(Mark::Close, open);
        Some(Box::new(inner))
    }

    pub(super) fn parse_operator(&mut self, filter: bool) -> Operator<'a> {
        let settings = self.settings(&["kind", "flags"]);
        let source = if self.ends() { self.missing("a column to take apart") } else { self.expression() };
        let mut pattern = Vec::new();
        if self.expect_word("with", "it is `parse Column with \"text\" Name:type \"text\" *`") {
            pattern = self.pattern();
        }
        Operator::Parse { settings, filter, source, pattern }
    }

    fn pattern(&mut self) -> Vec<ParsePart<'a>> {
        let mut pattern = Vec::new();
        loop {
            match self.kind() {
                Some(TokenKind::Mark(Mark::Star)) => pattern.push(ParsePart::Star(self.take())),
                Some(TokenKind::Literal(Type::String)) => pattern.push(ParsePart::Text(self.primary())),
                Some(TokenKind::Unended(_) | TokenKind::BadEscape) => {
                    self.primary();
                }
                Some(TokenKind::Name) if !self.is_after(1, Mark::Open) => {
                    let Some(name) = self.maybe_name() else { break };
                    let ty = self.eat(Mark::Colon).then(|| self.type_name());
                    pattern.push(ParsePart::Column { name, ty });
                }
                Some(TokenKind::Mark(Mark::OpenBracket)) => {
                    let Some(name) = self.maybe_name() else { break };
                    let ty = self.eat(Mark::Colon).then(|| self.type_name());
                    pattern.push(ParsePart::Column { name, ty });
                }
                _ => break,
            }
        }
        if pattern.is_empty() {
            let span = self.behind();
            let found = self.found();
            self.error(
                Code::Syntax,
                span,
                format!("the pattern is missing before {found}"),
                "a pattern has texts and names by turns: \"text\" Name \"text\" *",
            );
        }
        pattern
    }

    pub(super) fn parse_kv(&mut self) -> Operator<'a> {
        let source = if self.ends() { self.missing("a column to take apart") } else { self.expression() };
        let columns = if self.expect_word("as", "it is `parse-kv Column as (Name:type, …)`") {
            self.column_decls()
        } else {
            Vec::new()
        };
        let settings = self.with_settings();
        Operator::ParseKv { source, columns, settings }
    }

    pub(super) fn partition(&mut self) -> Operator<'a> {
        let settings = self.settings(&[]);
        let hint = "it is `partition by Column ( operators )`";
        self.expect_word("by", hint);
        let start = self.span();
        let by = match self.maybe_name() {
            Some(name) => {
                let mut by = Self::name_expr(name);
                while self.is(Mark::Dot) {
                    self.take();
                    let Some(name) = self.maybe_name() else { break };
                    by = Expr {
                        kind: ExprKind::Member { object: Box::new(by), member: Box::new(Self::name_expr(name)) },
                        span: start.to(name.span),
                    };
                }
                by
            }
            None => self.missing("a column"),
        };
        let body = if self.is(Mark::OpenBrace) {
            let open = self.take();
            let inner = self.pipeline();
            self.close(Mark::CloseBrace, open);
            Some(Box::new(inner))
        } else {
            if self.eat_word("in") {
                // `in (range)` of the old form.
            }
            self.subquery(hint)
        };
        Operator::Partition { settings, by, body }
    }

    pub(super) fn fork(&mut self) -> Operator<'a> {
        let mut branches = Vec::new();
        while self.is(Mark::Open) || self.is_name() && self.is_after(1, Mark::Assign) {
            let name = self.assigned();
            let Some(body) = self.subquery("it is `fork Name = ( operators ) …`") else { break };
            branches.push((name, *body));
        }
        if branches.is_empty() {
            self.missing("a query in parentheses");
        }
        Operator::Fork(branches)
    }

    pub(super) fn facet(&mut self) -> Operator<'a> {
        let hint = "it is `facet by Column with ( operators )`";
        self.expect_word("by", hint);
        let by = self.items("a column").into_iter().map(|item| item.expr).collect();
        let with = if self.eat_word("with") { self.subquery(hint) } else { None };
        Operator::Facet { by, with }
    }
}
