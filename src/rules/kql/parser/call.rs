//! Calls and their arguments.

use super::super::catalogue;
use super::super::lexer::{Mark, TokenKind};
use super::super::problem::{Code, Problem};
use super::super::tree::{Expr, ExprKind, Item, Name, Wrapper};
use super::Parser;
use super::reserved::is_reserved;

impl<'a> Parser<'a> {
    /// `name(a, b = c)`.
    pub(super) fn call(&mut self, name: Name<'a>) -> Expr<'a> {
        let open = self.take();
        // A built-in function takes single values: a `|` behind one means that a bracket is missing.
        let tables = catalogue::function(name.text).or_else(|| catalogue::aggregate(name.text)).is_none();
        let mut args: Vec<Item<'a>> = Vec::new();
        if self.deeper() {
            while !self.at_end() && !self.is(Mark::Close) {
                let before = self.at;
                args.push(self.argument(tables));
                if !self.eat(Mark::Comma) {
                    if !self.missing_comma() {
                        break;
                    }
                } else if self.is(Mark::Close) {
                    let expr = self.missing("an argument");
                    args.push(Item { names: Vec::new(), tuple: false, span: expr.span, expr });
                }
                if self.at == before {
                    self.take();
                }
            }
        }
        self.deep = self.deep.saturating_sub(1);
        self.close(Mark::Close, open);
        Expr { kind: ExprKind::Call { name, args }, span: name.span.to(self.last()) }
    }

    /// Tells of a comma that is missing between two arguments.
    fn missing_comma(&mut self) -> bool {
        let more = matches!(self.kind(), Some(TokenKind::Literal(_) | TokenKind::Name))
            && !self.word().starts_with('!')
            && !is_reserved(self.word());
        if more {
            let at = self.behind();
            let found = self.found();
            self.tell(
                Problem::error(Code::Syntax, at, format!("a comma is missing before {found}"))
                    .hint("arguments are parted by commas")
                    .fix(at, ","),
            );
        }
        more
    }

    fn argument(&mut self, tables: bool) -> Item<'a> {
        let start = self.span();
        if self.is(Mark::Comma) {
            let expr = self.missing("an argument");
            return Item { names: Vec::new(), tuple: false, span: expr.span, expr };
        }
        let names: Vec<Name<'a>> = self.assigned().into_iter().collect();
        let expr = if tables { self.pipeline() } else { self.expression() };
        Item { names, tuple: false, span: start.to(self.last()), expr }
    }

    pub(super) fn wrapped(&mut self, wrapper: Wrapper) -> Expr<'a> {
        if wrapper == Wrapper::Materialize && !self.is_value_of_let() {
            let span = self.span();
            self.error(
                Code::Place,
                span,
                "materialize(…) can only be the value of a `let`",
                "write `let Name = materialize(…);` before, and use the name here",
            );
        }
        let start = self.take();
        let open = self.take();
        // `kind = …` of toscalar.
        self.settings(&["kind"]);
        let inner = if self.is(Mark::Close) { self.missing("a query") } else { self.pipeline() };
        self.close(Mark::Close, open);
        Expr { kind: ExprKind::Wrapped { wrapper, inner: Box::new(inner) }, span: start.to(self.last()) }
    }

    /// Whether what stands here is the value of a `let`, right behind its `=`.
    fn is_value_of_let(&self) -> bool {
        let before = |back: usize| self.at.checked_sub(back).and_then(|at| self.tokens.get(at));
        before(1).is_some_and(|token| token.kind == TokenKind::Mark(Mark::Assign))
            && (2..=5).any(|back| before(back).is_some_and(|token| self.slice(token.span) == "let"))
    }
}
