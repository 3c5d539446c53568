//! Values: literals, names, and what stands in brackets.

use super::super::lexer::{Mark, TokenKind};
use super::super::problem::Code;
use super::super::span::Span;
use super::super::tree::{Expr, ExprKind, Literal, Name, Wrapper};
use super::super::types::Type;
use super::Parser;
use super::reserved::is_reserved;

impl<'a> Parser<'a> {
    /// A value without operators before or behind it.
    pub(super) fn primary(&mut self) -> Expr<'a> {
        let span = self.span();
        match self.kind() {
            None => self.missing("a value"),
            Some(TokenKind::Literal(Type::String)) => self.texts(),
            Some(TokenKind::Literal(ty)) => {
                self.take();
                Expr { kind: ExprKind::Literal(Literal { ty, text: self.slice(span) }), span }
            }
            Some(TokenKind::Unended(ty)) => self.unended(ty),
            Some(TokenKind::BadEscape) => self.bad_escape(),
            Some(TokenKind::Bad) => self.bad_character(),
            Some(TokenKind::Name) => self.named(),
            Some(TokenKind::Mark(Mark::Open)) => self.parenthesised(),
            Some(TokenKind::Mark(Mark::OpenBracket)) => self.bracket_or_mistake(),
            Some(TokenKind::Mark(Mark::Star)) => {
                self.take();
                let more = self.is_name() || self.wildcards > 0 && matches!(self.kind(), Some(TokenKind::Literal(_)));
                if more && self.touches(0) {
                    return self.wildcard(span);
                }
                Expr { kind: ExprKind::Star, span }
            }
            Some(_) => {
                self.unexpected_value();
                Expr { kind: ExprKind::Missing, span }
            }
        }
    }

    fn parenthesised(&mut self) -> Expr<'a> {
        let open = self.take();
        if self.is(Mark::Close) {
            let inner = self.missing("what stands between the parentheses");
            self.take();
            return Expr { kind: ExprKind::Paren(Box::new(inner)), span: open.to(self.last()) };
        }
        let searching = self.searching;
        let inner = self.pipeline();
        self.searching = searching;
        self.close(Mark::Close, open);
        Expr { kind: ExprKind::Paren(Box::new(inner)), span: open.to(self.last()) }
    }

    fn bracket_or_mistake(&mut self) -> Expr<'a> {
        if let Some(name) = self.bracketed() {
            if self.is(Mark::Open) {
                return self.call(name);
            }
            return Expr { kind: ExprKind::Name(name), span: name.span };
        }
        let span = self.span();
        self.error(
            Code::Syntax,
            span,
            "a value can't begin with `[`",
            "a list of values is dynamic([…]) or, behind `in`, (…); a name with blanks is ['a name']",
        );
        self.take();
        self.skip_to(Mark::CloseBracket);
        self.eat(Mark::CloseBracket);
        Expr { kind: ExprKind::Missing, span: span.to(self.last()) }
    }

    /// A name, a call, or a word that begins a query.
    fn named(&mut self) -> Expr<'a> {
        let word = self.word();
        let span = self.span();
        match word {
            "dynamic" if self.is_after(1, Mark::Open) => return self.dynamic(),
            "typeof" if self.is_after(1, Mark::Open) => return self.type_of(),
            "materialize" if self.is_after(1, Mark::Open) => return self.wrapped(Wrapper::Materialize),
            "toscalar" if self.is_after(1, Mark::Open) => return self.wrapped(Wrapper::ToScalar),
            "totable" if self.is_after(1, Mark::Open) => return self.wrapped(Wrapper::ToTable),
            _ => {}
        }
        if word.starts_with('!') || word.ends_with('~') || !self.is_after(1, Mark::Open) && is_reserved(word) {
            return self.reserved();
        }
        self.take();
        let name = Name { text: word, span };
        if self.is(Mark::Open) {
            return self.call(name);
        }
        if self.is(Mark::Star) && self.touches(0) && self.ends_wildcard() {
            return self.wildcard(span);
        }
        Expr { kind: ExprKind::Name(name), span }
    }

    /// Whether the star here ends a name, rather than multiplies.
    fn ends_wildcard(&self) -> bool {
        let multiplies =
            self.touches(1) && matches!(self.kind_after(1), Some(TokenKind::Literal(_) | TokenKind::Mark(Mark::Open)));
        let operand = !self.touches(1)
            && matches!(
                self.kind_after(1),
                Some(TokenKind::Literal(_) | TokenKind::Name | TokenKind::Mark(Mark::Open))
            );
        !multiplies && !operand || self.wildcards > 0
    }

    /// The rest of a name with stars in it.
    fn wildcard(&mut self, start: Span) -> Expr<'a> {
        while (self.is(Mark::Star) || matches!(self.kind(), Some(TokenKind::Name | TokenKind::Literal(_))))
            && self.touches(0)
        {
            self.take();
        }
        let span = start.to(self.last());
        Expr { kind: ExprKind::Wildcard(Name { text: self.slice(span), span }), span }
    }
}
