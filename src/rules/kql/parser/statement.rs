//! Statements.

use super::super::lexer::{Mark, TokenKind};
use super::super::problem::{Code, Problem};
use super::super::span::Span;
use super::super::tree::{
    Expr, ExprKind, Function, LetValue, Name, Param, ParamKind, Query, Statement, StatementKind, Wrapper,
};
use super::super::types::Type;
use super::Parser;

impl<'a> Parser<'a> {
    /// The whole text.
    pub(super) fn query(&mut self) -> Query<'a> {
        self.foreign_text();
        let mut query = Query::default();
        let mut queries: Vec<Span> = Vec::new();
        while !self.at_end() {
            if self.eat(Mark::Semicolon) {
                continue;
            }
            let before = self.at;
            let told = self.problems.len();
            let statement = self.statement();
            if let StatementKind::Query(_) = statement.kind {
                queries.push(statement.span);
            }
            query.statements.push(statement);
            self.between_statements(told);
            if self.at == before {
                self.take();
            }
        }
        query
    }

    /// What stands behind a statement must be a `;`.
    fn between_statements(&mut self, told: usize) {
        if self.at_end() || self.is(Mark::Semicolon) {
            return;
        }
        // Where this statement was told of already, what follows is likely its rest.
        if self.problems.len() == told || self.begins_statement() && self.begins_line() {
            self.unexpected();
        }
        if self.begins_line() && self.begins_statement() {
            return;
        }
        self.skip_statement();
    }

    /// Skips to the end of the statement: a `;`, or a line that begins another.
    fn skip_statement(&mut self) {
        self.take();
        while !self.at_end() && !self.is(Mark::Semicolon) {
            if self.begins_statement() && self.begins_line() {
                return;
            }
            self.take();
        }
    }

    /// Whether what stands here can begin a statement: `let …`, or a table with a `|` behind it.
    pub(super) fn begins_statement(&self) -> bool {
        match self.kind() {
            Some(TokenKind::Name) => match self.word() {
                "let" | "union" | "search" | "print" | "datatable" | "externaldata" | "declare" => true,
                word => word.starts_with(|c: char| c.is_ascii_uppercase()) && self.is_after(1, Mark::Pipe),
            },
            _ => false,
        }
    }

    pub(super) fn statement(&mut self) -> Statement<'a> {
        let start = self.span();
        let next = self.kind_after(1);
        let named = matches!(next, Some(TokenKind::Name | TokenKind::Mark(Mark::OpenBracket) | TokenKind::Literal(_)));
        let kind = match self.word() {
            "let" if named => self.let_statement(),
            "set" if next == Some(TokenKind::Name) => self.set_statement(),
            "declare" if matches!(self.word_after(1), "query_parameters" | "pattern") => self.declare_statement(),
            "restrict" if self.word_after(1) == "access" => self.restrict_statement(),
            "alias" if self.word_after(1) == "database" => self.alias_statement(),
            _ => StatementKind::Query(self.pipeline()),
        };
        Statement { kind, span: start.to(self.last()) }
    }

    fn let_statement(&mut self) -> StatementKind<'a> {
        self.take();
        let name = self.declared_name();
        if self.is_name() && self.is_after(1, Mark::Assign) {
            let span = name.span.to(self.span());
            let joined = format!("{}_{}", name.text, self.word());
            self.error(
                Code::Syntax,
                span,
                "a name has no blanks",
                format!("write `{joined}`, or ['{} {}']", name.text, self.word()),
            );
            self.take();
        }
        if self.is(Mark::Equal) {
            let span = self.span();
            self.tell(
                Problem::error(Code::Syntax, span, "a `let` is written with one `=`")
                    .hint("`==` compares, `=` gives a name")
                    .fix(span, "="),
            );
            self.take();
        } else if !self.expect(Mark::Assign, "=", "a `let` is written as `let Name = value;`") {
            // The value may stand there all the same.
        }
        let value = if self.begins_function() {
            LetValue::Function(self.function())
        } else {
            LetValue::Expr(self.value_of_let())
        };
        StatementKind::Let { name, value }
    }

    /// A value; `materialize(…)` is the whole of one: nothing is piped behind it.
    fn value_of_let(&mut self) -> Expr<'a> {
        let value = self.pipeline();
        let ExprKind::Pipe { source, stages } = &value.kind else { return value };
        if let (ExprKind::Wrapped { wrapper: Wrapper::Materialize, .. }, Some(stage)) = (&source.kind, stages.first()) {
            self.error(
                Code::Place,
                stage.keyword,
                "nothing can stand behind materialize(…)",
                "move it into the parentheses, or use the name of the `let` in a query of its own",
            );
        }
        value
    }

    /// A name that is declared here: some words may not be.
    fn declared_name(&mut self) -> Name<'a> {
        let bare = self.is_name();
        let name = self.name("the name");
        if bare && super::reserved::is_reserved(name.text) {
            self.error(
                Code::Syntax,
                name.span,
                format!("`{}` is a word of the language and can't be a name", name.text),
                format!("choose another name, or write ['{}']", name.text),
            );
        }
        name
    }

    /// `(a:long) { … }`, `view () { … }`.
    fn begins_function(&self) -> bool {
        if self.is_word("view") && self.is_after(1, Mark::Open) {
            return true;
        }
        if !self.is(Mark::Open) {
            return false;
        }
        // A parameter has a `:` behind its name; no parameters have a brace behind the parentheses.
        let named = matches!(self.kind_after(1), Some(TokenKind::Name)) && self.is_after(2, Mark::Colon);
        let bracketed = self.is_after(1, Mark::OpenBracket) && self.is_after(4, Mark::Colon);
        named || bracketed || self.is_after(1, Mark::Close) && self.is_after(2, Mark::OpenBrace)
    }

    pub(super) fn function(&mut self) -> Function<'a> {
        let start = self.span();
        let view = self.eat_word("view");
        let params = self.params();
        let (statements, result) = self.body();
        Function { view, params, statements, result, span: start.to(self.last()) }
    }

    /// `{ let …; result }`.
    fn body(&mut self) -> (Vec<Statement<'a>>, Option<Box<super::super::tree::Expr<'a>>>) {
        let open = self.span();
        if !self.expect(Mark::OpenBrace, "{", "the body of a function stands in braces") || !self.deeper() {
            return (Vec::new(), None);
        }
        let mut statements = Vec::new();
        while !self.at_end() && !self.is(Mark::CloseBrace) {
            if self.eat(Mark::Semicolon) {
                continue;
            }
            let before = self.at;
            statements.push(self.statement());
            let declares = matches!(statements.last().map(|last| &last.kind), Some(StatementKind::Let { .. }));
            if declares && self.is(Mark::CloseBrace) {
                let at = self.behind();
                self.tell(
                    Problem::error(Code::Syntax, at, "`;` is missing behind the `let`")
                        .hint("a function ends in an expression: what it returns")
                        .fix(at, ";"),
                );
            }
            if !self.is(Mark::Semicolon) && !self.is(Mark::CloseBrace) && !self.at_end() {
                self.unexpected();
                if self.is(Mark::Close) || self.is(Mark::CloseBracket) {
                    self.take();
                }
                self.skip_to(Mark::CloseBrace);
            }
            if self.at == before {
                self.take();
            }
        }
        self.close(Mark::CloseBrace, open);
        self.deep -= 1;
        let result = match statements.pop() {
            Some(Statement { kind: StatementKind::Query(expr), .. }) => Some(Box::new(expr)),
            Some(other) => {
                statements.push(other);
                None
            }
            None => None,
        };
        (statements, result)
    }

    /// `(a:long, T:(b:string), c:string = "x")`.
    pub(super) fn params(&mut self) -> Vec<Param<'a>> {
        let open = self.span();
        let mut params = Vec::new();
        if !self.expect(Mark::Open, "(", "parameters stand in parentheses") {
            return params;
        }
        while !self.at_end() && !self.closes() {
            let start = self.span();
            let before = self.at;
            let name = self.name("the name of a parameter");
            self.expect(Mark::Colon, ":", "a parameter is written as `name:type`");
            let kind = if self.is(Mark::Open) { self.table_param() } else { ParamKind::Scalar(self.declared_type()) };
            let default = self.eat(Mark::Assign).then(|| self.expression());
            params.push(Param { name, kind, default, span: start.to(self.last()) });
            if !self.eat(Mark::Comma) {
                break;
            }
            if self.at == before {
                self.take();
            }
        }
        self.close(Mark::Close, open);
        params
    }

    fn table_param(&mut self) -> ParamKind<'a> {
        if self.is_after(1, Mark::Star) && self.is_after(2, Mark::Close) {
            self.take();
            self.take();
            self.take();
            return ParamKind::AnyTable;
        }
        if self.is_after(1, Mark::Close) {
            self.take();
            self.take();
            return ParamKind::Table(Vec::new());
        }
        ParamKind::Table(self.column_decls())
    }

    fn set_statement(&mut self) -> StatementKind<'a> {
        self.take();
        let name = self.name("the name of an option");
        let value = self.eat(Mark::Assign).then(|| self.expression());
        StatementKind::Set { name, value }
    }

    fn declare_statement(&mut self) -> StatementKind<'a> {
        self.take();
        if self.eat_word("query_parameters") {
            return StatementKind::QueryParameters(self.params());
        }
        self.take();
        let name = self.name("the name of the pattern");
        if !self.eat(Mark::Assign) {
            return StatementKind::Pattern { name, params: Vec::new(), path: None, cases: Vec::new() };
        }
        let params = if self.is(Mark::Open) { self.params() } else { Vec::new() };
        let path = self.eat(Mark::OpenBracket).then(|| self.path());
        let mut cases = Vec::new();
        if self.eat(Mark::OpenBrace) {
            while !self.at_end() && !self.is(Mark::CloseBrace) {
                let before = self.at;
                self.skip_to(Mark::Assign);
                if !self.eat(Mark::Assign) {
                    break;
                }
                let start = self.span();
                let (statements, result) = self.body();
                cases.push(Function {
                    view: false,
                    params: Vec::new(),
                    statements,
                    result,
                    span: start.to(self.last()),
                });
                self.eat(Mark::Semicolon);
                if self.at == before {
                    self.take();
                }
            }
            self.eat(Mark::CloseBrace);
        }
        StatementKind::Pattern { name, params, path, cases }
    }

    /// `[name:type]`, behind the bracket.
    fn path(&mut self) -> Param<'a> {
        let start = self.span();
        let name = self.name("the name of the path");
        self.eat(Mark::Colon);
        let ty = if self.is_name() { self.type_name() } else { Type::Unknown };
        self.eat(Mark::CloseBracket);
        Param { name, kind: ParamKind::Scalar(ty), default: None, span: start.to(self.last()) }
    }

    fn restrict_statement(&mut self) -> StatementKind<'a> {
        self.take();
        self.take();
        self.expect_word("to", "it is `restrict access to (…)`");
        let open = self.span();
        let mut list = Vec::new();
        if self.expect(Mark::Open, "(", "it is `restrict access to (…)`") {
            while !self.at_end() && !self.is(Mark::Close) {
                list.push(self.table_or_wildcard());
                if !self.eat(Mark::Comma) {
                    break;
                }
            }
            self.close(Mark::Close, open);
        }
        StatementKind::Restrict(list)
    }

    fn alias_statement(&mut self) -> StatementKind<'a> {
        self.take();
        self.take();
        let name = self.name("the name of the database");
        self.expect(Mark::Assign, "=", "it is `alias database Name = cluster(…).database(…)`");
        let value = self.expression();
        StatementKind::Alias { name, value }
    }
}
