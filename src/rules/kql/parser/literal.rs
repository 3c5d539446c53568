//! Literals: texts, dynamic values, types; and what is wrong with them.

use super::super::lexer::{Mark, TokenKind};
use super::super::problem::{Code, Problem};
use super::super::tree::{Expr, ExprKind, Json, Literal};
use super::super::types::Type;
use super::Parser;

impl<'a> Parser<'a> {
    /// One text, or several that stand side by side and are one.
    pub(super) fn texts(&mut self) -> Expr<'a> {
        let first = self.take();
        let mut span = first;
        while matches!(self.kind(), Some(TokenKind::Literal(Type::String))) {
            span = span.to(self.take());
        }
        Expr { kind: ExprKind::Literal(Literal { ty: Type::String, text: self.slice(span) }), span }
    }

    /// A text or typed literal that never ends.
    pub(super) fn unended(&mut self, ty: Type) -> Expr<'a> {
        let span = self.take();
        let text = self.slice(span);
        if ty == Type::String {
            let quote = text.trim_start_matches(['h', 'H', '@']).chars().next().unwrap_or('"');
            let verbatim = text.trim_start_matches(['h', 'H']).starts_with('@');
            let hint = match quote {
                '`' | '~' => "close it with the same three marks".to_owned(),
                _ if !verbatim && text.contains('\\') => {
                    format!(
                        "close it with {quote}; a backslash before the quote keeps it open: write \\\\, or @{quote}…{quote}"
                    )
                }
                _ => format!("close it with {quote}; a text ends on its line"),
            };
            self.error(Code::Literal, span, "the text has no end", hint);
        } else {
            self.error(
                Code::Bracket,
                span,
                format!("`)` is missing behind `{}`", text.trim_end()),
                "close the literal with `)`",
            );
        }
        Expr { kind: ExprKind::Missing, span }
    }

    /// A text with an escape that KQL doesn't know.
    pub(super) fn bad_escape(&mut self) -> Expr<'a> {
        let span = self.take();
        let text = self.slice(span);
        let problem = Problem::error(Code::Literal, span, "the text has an escape that KQL doesn't know")
            .hint("double the backslash: \\\\, or put @ before the quote, so that backslashes stand for themselves");
        // With @ the quotes inside would have to be doubled.
        let fixable = !text.contains("\\\"") && !text.contains("\\'") && !text.starts_with(['h', 'H']);
        self.tell(if fixable { problem.fix(span, format!("@{text}")) } else { problem });
        Expr { kind: ExprKind::Missing, span }
    }

    /// `dynamic(…)`.
    pub(super) fn dynamic(&mut self) -> Expr<'a> {
        let start = self.take();
        let open = self.take();
        let json = self.json();
        self.close(Mark::Close, open);
        Expr { kind: ExprKind::Dynamic(json), span: start.to(self.last()) }
    }

    fn json(&mut self) -> Json {
        let span = self.span();
        if !self.deeper() {
            return Json::Null;
        }
        let json = match self.kind() {
            Some(TokenKind::Mark(Mark::OpenBrace)) => self.bag(),
            Some(TokenKind::Mark(Mark::OpenBracket)) => self.array(),
            Some(TokenKind::Mark(Mark::Minus | Mark::Plus)) => {
                self.take();
                match self.kind() {
                    Some(TokenKind::Literal(ty)) => {
                        self.take();
                        Json::Value(ty)
                    }
                    _ => self.no_json(),
                }
            }
            Some(TokenKind::Literal(Type::String)) => {
                self.texts();
                Json::Value(Type::String)
            }
            Some(TokenKind::Literal(ty)) => {
                self.take();
                Json::Value(ty)
            }
            Some(TokenKind::Unended(ty)) => {
                self.unended(ty);
                Json::Null
            }
            Some(TokenKind::BadEscape) => {
                self.bad_escape();
                Json::Value(Type::String)
            }
            Some(TokenKind::Name) if self.word() == "null" => {
                self.take();
                Json::Null
            }
            Some(TokenKind::Name) if self.word() == "dynamic" && self.is_after(1, Mark::Open) => {
                let expr = self.dynamic();
                if let ExprKind::Dynamic(json) = expr.kind { json } else { Json::Null }
            }
            _ => self.no_json(),
        };
        self.deep = self.deep.saturating_sub(1);
        // A broken part must not be tried again.
        if self.span() == span && !self.ends() && !self.is(Mark::Comma) {
            self.take();
        }
        json
    }

    fn no_json(&mut self) -> Json {
        let span = if self.at_end() { self.behind() } else { self.span() };
        let found = self.found();
        let hint = match self.kind() {
            Some(TokenKind::Name) => {
                "inside dynamic(…) stands JSON: texts in quotes, numbers, true, false, null; pack_array(…) and bag_pack(…) take columns"
            }
            _ => "inside dynamic(…) stands JSON: [\"a\", \"b\"] or {\"a\": 1}; the last value has no comma behind it",
        };
        self.error(Code::Literal, span, format!("a JSON value is missing before {found}"), hint);
        Json::Null
    }

    fn bag(&mut self) -> Json {
        let open = self.take();
        while !self.at_end() && !self.is(Mark::CloseBrace) {
            let before = self.at;
            if !matches!(self.kind(), Some(TokenKind::Literal(Type::String))) {
                let span = self.span();
                let found = self.found();
                self.error(
                    Code::Literal,
                    span,
                    format!("a name in quotes is missing before {found}"),
                    "a bag is written as {\"name\": value}",
                );
                self.skip_to(Mark::CloseBrace);
                break;
            }
            self.take();
            if !self.expect(Mark::Colon, ":", "a bag is written as {\"name\": value}") {
                self.skip_to(Mark::CloseBrace);
                break;
            }
            self.json();
            if !self.eat(Mark::Comma) {
                break;
            }
            if self.is(Mark::CloseBrace) {
                self.no_json();
            }
            if self.at == before {
                self.take();
            }
        }
        self.close(Mark::CloseBrace, open);
        Json::Bag
    }

    fn array(&mut self) -> Json {
        let open = self.take();
        let mut element: Option<Type> = None;
        let mut shared = true;
        while !self.at_end() && !self.is(Mark::CloseBracket) {
            let before = self.at;
            let ty = match self.json() {
                Json::Value(ty) => Some(ty),
                _ => None,
            };
            match (element, ty) {
                (None, Some(ty)) => element = Some(ty),
                (Some(a), Some(b)) if a == b => {}
                _ => shared = false,
            }
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
            if self.is(Mark::CloseBracket) {
                self.no_json();
            }
            if self.at == before {
                self.take();
            }
        }
        self.close(Mark::CloseBracket, open);
        Json::Array(element.filter(|_| shared))
    }

    /// `typeof(long)`, `typeof(a:long, *)`.
    pub(super) fn type_of(&mut self) -> Expr<'a> {
        let start = self.take();
        let open = self.take();
        let mut columns = Vec::new();
        while !self.at_end() && !self.closes() {
            let before = self.at;
            if self.eat(Mark::Star) {
                columns.push(None);
            } else if self.is_after(1, Mark::Colon) || self.is(Mark::OpenBracket) {
                columns.push(Some(self.column_decl()));
            } else {
                let span = self.span();
                let ty = self.type_name();
                let name = super::super::tree::Name { text: "", span };
                columns.push(Some(super::super::tree::ColumnDecl { name, ty, span }));
            }
            if !self.eat(Mark::Comma) {
                break;
            }
            if self.at == before {
                self.take();
            }
        }
        self.close(Mark::Close, open);
        Expr { kind: ExprKind::TypeOf(columns), span: start.to(self.last()) }
    }
}
