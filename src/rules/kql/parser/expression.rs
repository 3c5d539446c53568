//! Expressions: what stands around operators, before and behind values.

use super::super::lexer::{Mark, TokenKind};
use super::super::problem::Code;
use super::super::tree::{Expr, ExprKind, Name};
use super::super::types::Type;
use super::infix::Level;
use super::{CHAIN, Parser};

impl<'a> Parser<'a> {
    /// An expression, or a query where one may stand: `T | where …`.
    pub(super) fn pipeline(&mut self) -> Expr<'a> {
        let start = self.span();
        if !self.deeper() {
            return Expr { kind: ExprKind::Missing, span: start };
        }
        let mut source = match self.leading_operator() {
            Some(stage) => Expr { span: stage.span, kind: ExprKind::Source(Box::new(stage)) },
            None => self.expression(),
        };
        let mut stages = Vec::new();
        // Inside brackets a `|` behind what can be no table means that a bracket is missing.
        let piped = self.deep <= 1 || may_be_table(&source);
        while piped && self.is(Mark::Pipe) {
            self.take();
            stages.push(self.stage());
            self.stray_stage();
        }
        if !stages.is_empty() {
            source = Expr { span: start.to(self.last()), kind: ExprKind::Pipe { source: Box::new(source), stages } };
        }
        self.deep = self.deep.saturating_sub(1);
        source
    }

    /// An expression.
    pub(super) fn expression(&mut self) -> Expr<'a> {
        if !self.deeper() {
            return Expr { kind: ExprKind::Missing, span: self.span() };
        }
        let expr = self.infix(Level::Or, false);
        self.deep = self.deep.saturating_sub(1);
        expr
    }

    /// `-a`, `+a`, or a value.
    pub(super) fn unary(&mut self) -> Expr<'a> {
        let start = self.span();
        if self.is(Mark::Minus) || self.is(Mark::Plus) {
            let minus = self.is(Mark::Minus);
            if !self.deeper() {
                return Expr { kind: ExprKind::Missing, span: start };
            }
            self.take();
            let operand = if self.ends() { self.missing("a value") } else { self.unary() };
            self.deep = self.deep.saturating_sub(1);
            let span = start.to(operand.span);
            return Expr { kind: ExprKind::Unary { minus, operand: Box::new(operand) }, span };
        }
        let value = self.primary();
        self.postfix(value)
    }

    /// `.b`, `[c]`, `.[d]` behind a value.
    fn postfix(&mut self, value: Expr<'a>) -> Expr<'a> {
        let mut value = value;
        let mut length = 0;
        loop {
            if self.is(Mark::Dot) {
                self.take();
                if !self.is(Mark::OpenBracket) || self.is_bracketed_name() {
                    let member = self.member();
                    let span = value.span.to(member.span);
                    value = Expr { kind: ExprKind::Member { object: Box::new(value), member: Box::new(member) }, span };
                    length += 1;
                } else {
                    value = self.index(value);
                    length += 1;
                }
            } else if self.is(Mark::OpenBracket) && !matches!(value.kind, ExprKind::Literal(_)) {
                value = self.index(value);
                length += 1;
            } else {
                return value;
            }
            if length > CHAIN / 8 {
                let span = self.span();
                self.error(Code::Depth, span, "the path is too long to be checked", "take it apart with `extend`");
                self.give_up();
                return value;
            }
        }
    }

    fn is_bracketed_name(&self) -> bool {
        self.is_after(2, Mark::CloseBracket) && matches!(self.kind_after(1), Some(TokenKind::Literal(Type::String)))
    }

    fn member(&mut self) -> Expr<'a> {
        let Some(name) = self.maybe_name() else {
            let span = self.behind();
            let found = self.found();
            self.error(
                Code::Syntax,
                span,
                format!("a name is missing behind `.`, before {found}"),
                "write value.name or value[\"name\"]",
            );
            return Expr { kind: ExprKind::Missing, span };
        };
        if self.is(Mark::Open) {
            return self.call(name);
        }
        // `database("x").Tab*`
        if self.is(Mark::Star) && self.touches(0) {
            let span = name.span.to(self.take());
            return Expr { kind: ExprKind::Wildcard(Name { text: self.slice(span), span }), span };
        }
        Expr { kind: ExprKind::Name(name), span: name.span }
    }

    fn index(&mut self, object: Expr<'a>) -> Expr<'a> {
        let open = self.take();
        let index = if self.ends() { self.missing("the name or number of a part") } else { self.expression() };
        self.close(Mark::CloseBracket, open);
        let span = object.span.to(self.last());
        Expr { kind: ExprKind::Index { object: Box::new(object), index: Box::new(index) }, span }
    }

    /// A predicate of `search` or `find`, in which `a:b` may stand.
    pub(super) fn search_expression(&mut self) -> Expr<'a> {
        self.searching += 1;
        let expr = self.expression();
        self.searching = self.searching.saturating_sub(1);
        expr
    }
}

/// Whether an expression can be a table.
fn may_be_table(expr: &Expr<'_>) -> bool {
    let mut expr = expr;
    while let ExprKind::Paren(inner) = &expr.kind {
        expr = inner;
    }
    matches!(
        expr.kind,
        ExprKind::Name(_)
            | ExprKind::Wildcard(_)
            | ExprKind::Call { .. }
            | ExprKind::Member { .. }
            | ExprKind::Wrapped { .. }
            | ExprKind::Source(_)
            | ExprKind::Pipe { .. }
    )
}
