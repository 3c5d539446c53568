//! Operators between two values, by how tightly they bind.

use super::super::lexer::{Mark, TokenKind};
use super::super::problem::Code;
use super::super::span::Span;
use super::super::tree::{Binary, Expr, ExprKind, Membership, TextOp, TextWord};
use super::{CHAIN, Parser};

/// How tightly operators bind, the loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Or,
    And,
    Equality,
    Relation,
    Sum,
    Product,
    Text,
}

/// An operator between two values, with the tokens that it takes.
enum Infix {
    Binary(Binary, Level, usize),
    In(Membership),
    Between(bool),
}

impl<'a> Parser<'a> {
    /// An expression in which a `,` or `..` ends it, at a level. `within`: inside a longer chain.
    pub(super) fn infix(&mut self, least: Level, within: bool) -> Expr<'a> {
        let mut left = self.unary();
        let mut length = 0;
        let mut last_equality = false;
        while let Some(infix) = self.peek_infix() {
            let (level, tokens) = match &infix {
                Infix::Binary(_, level, tokens) => (*level, *tokens),
                Infix::In(_) | Infix::Between(_) => (Level::Equality, 1),
            };
            if level < least {
                break;
            }
            // `a == b == c` isn't KQL.
            if matches!(level, Level::Equality | Level::Relation) && last_equality {
                break;
            }
            length += 1;
            if length > CHAIN {
                let span = self.span();
                self.error(
                    Code::Depth,
                    span,
                    "the expression is too long to be checked",
                    "use `in (…)` or has_any (…) for long lists",
                );
                self.give_up();
                break;
            }
            let op_span = self.operator_span(tokens);
            left = match infix {
                Infix::Binary(op, level, _) => {
                    let right = self.right_side(level);
                    let span = left.span.to(right.span);
                    Expr { kind: ExprKind::Binary { op, op_span, left: Box::new(left), right: Box::new(right) }, span }
                }
                Infix::In(op) => self.membership(op, op_span, left),
                Infix::Between(not) => self.between(not, op_span, left),
            };
            last_equality = matches!(level, Level::Equality | Level::Relation);
        }
        if !within {
            self.foreign_operator(&left);
        }
        left
    }

    fn operator_span(&mut self, tokens: usize) -> Span {
        let first = self.take();
        let mut span = first;
        for _ in 1..tokens {
            span = span.to(self.take());
        }
        span
    }

    fn right_side(&mut self, level: Level) -> Expr<'a> {
        if self.ends() || self.is(Mark::Comma) {
            let op = self.slice(self.last()).to_owned();
            let span = self.behind();
            let found = self.found();
            self.error(
                Code::Syntax,
                span,
                format!("a value is missing behind `{op}`, before {found}"),
                "write what it is compared or combined with",
            );
            return Expr { kind: ExprKind::Missing, span };
        }
        let next = match level {
            Level::Or => Level::And,
            Level::And => Level::Equality,
            Level::Equality => Level::Relation,
            Level::Relation => Level::Sum,
            Level::Sum => Level::Product,
            Level::Product => Level::Text,
            Level::Text => return self.unary(),
        };
        self.infix(next, true)
    }

    fn peek_infix(&self) -> Option<Infix> {
        let kind = self.kind()?;
        let binary = |op, level| Some(Infix::Binary(op, level, 1));
        match kind {
            TokenKind::Mark(mark) => match mark {
                Mark::Plus => binary(Binary::Add, Level::Sum),
                Mark::Minus => binary(Binary::Subtract, Level::Sum),
                Mark::Star => binary(Binary::Multiply, Level::Product),
                Mark::Slash => binary(Binary::Divide, Level::Product),
                Mark::Percent => binary(Binary::Modulo, Level::Product),
                Mark::Less => binary(Binary::Less, Level::Relation),
                Mark::LessEqual => binary(Binary::LessEqual, Level::Relation),
                Mark::Greater => binary(Binary::Greater, Level::Relation),
                Mark::GreaterEqual => binary(Binary::GreaterEqual, Level::Relation),
                Mark::Equal => binary(Binary::Equal, Level::Equality),
                Mark::NotEqual | Mark::LessGreater => binary(Binary::NotEqual, Level::Equality),
                Mark::EqualTilde => binary(Binary::EqualTilde, Level::Equality),
                Mark::NotTilde => binary(Binary::NotTilde, Level::Equality),
                Mark::Colon if self.searches() => binary(Binary::Search, Level::Text),
                _ => None,
            },
            TokenKind::Name => self.word_infix(),
            _ => None,
        }
    }

    /// Inside `search`, `a:b` looks for b in a.
    fn searches(&self) -> bool {
        self.searching > 0
    }

    fn word_infix(&self) -> Option<Infix> {
        let word = self.word();
        Some(match word {
            "and" => Infix::Binary(Binary::And, Level::And, 1),
            "or" => Infix::Binary(Binary::Or, Level::Or, 1),
            "in" => Infix::In(Membership::In),
            "!in" => Infix::In(Membership::NotIn),
            "in~" => Infix::In(Membership::InTilde),
            "!in~" => Infix::In(Membership::NotInTilde),
            "has_any" => Infix::In(Membership::HasAny),
            "has_all" => Infix::In(Membership::HasAll),
            "between" => Infix::Between(false),
            "!between" => Infix::Between(true),
            "matches" if self.word_after(1) == "regex" => {
                let op = TextOp { word: TextWord::MatchesRegex, not: false, case_sensitive: false };
                Infix::Binary(Binary::Text(op), Level::Text, 2)
            }
            _ => Infix::Binary(Binary::Text(text_op(word)?), Level::Text, 1),
        })
    }

    fn membership(&mut self, op: Membership, op_span: Span, value: Expr<'a>) -> Expr<'a> {
        let open = self.span();
        let items = if self.is(Mark::Open) {
            let items = self.in_parens("a value");
            if items.is_empty() && self.slice(self.last()) == ")" {
                let word = self.slice(op_span).to_owned();
                self.error(
                    Code::Syntax,
                    open,
                    format!("`{word}` needs at least one value"),
                    "write values between the parentheses",
                );
            }
            items
        } else {
            self.bare_list(op_span)
        };
        let span = value.span.to(self.last());
        Expr { kind: ExprKind::In { op, op_span, value: Box::new(value), items }, span }
    }

    /// A list whose parentheses are missing.
    fn bare_list(&mut self, op_span: Span) -> Vec<Expr<'a>> {
        let word = self.slice(op_span).to_owned();
        let span = if self.at_end() { self.behind() } else { self.span() };
        let bracket = self.is(Mark::OpenBracket);
        let hint = if bracket {
            format!("write {word} (\"a\", \"b\"), with round brackets")
        } else {
            format!("write {word} (…)")
        };
        self.error(Code::Syntax, span, format!("the list behind `{word}` stands in parentheses"), hint);
        if bracket {
            self.take();
            self.skip_to(Mark::CloseBracket);
            self.eat(Mark::CloseBracket);
            return Vec::new();
        }
        if self.ends() {
            return Vec::new();
        }
        let mut items = vec![self.infix(Level::Sum, true)];
        while self.is(Mark::Comma) && matches!(self.kind_after(1), Some(TokenKind::Literal(_))) {
            self.take();
            items.push(self.infix(Level::Sum, true));
        }
        items
    }

    fn between(&mut self, not: bool, op_span: Span, value: Expr<'a>) -> Expr<'a> {
        let open = self.span();
        let missing = |span| Expr { kind: ExprKind::Missing, span };
        let (low, high) = if self.expect(Mark::Open, "(", "it is written `between (low .. high)`") {
            let low = self.infix(Level::Sum, true);
            let high = if self.eat(Mark::DotDot) {
                if self.ends() { self.missing("the upper end") } else { self.infix(Level::Sum, true) }
            } else {
                let span = self.span();
                let found = self.found();
                self.error(
                    Code::Syntax,
                    span,
                    format!("`..` is missing before {found}"),
                    "it is written `between (low .. high)`",
                );
                if self.is(Mark::Comma) || self.is_word("and") || self.is_word("to") {
                    self.take();
                    self.infix(Level::Sum, true)
                } else {
                    self.skip_to(Mark::Close);
                    missing(span)
                }
            };
            self.close(Mark::Close, open);
            (low, high)
        } else {
            let span = self.span();
            if self.ends() {
                (missing(span), missing(span))
            } else {
                let low = self.infix(Level::Sum, true);
                if self.is(Mark::DotDot) || self.is_word("and") {
                    self.take();
                    if !self.ends() {
                        self.infix(Level::Sum, true);
                    }
                }
                (low, missing(span))
            }
        };
        let span = value.span.to(self.last());
        Expr {
            kind: ExprKind::Between { not, op_span, value: Box::new(value), low: Box::new(low), high: Box::new(high) },
            span,
        }
    }
}

/// The words that compare texts.
fn text_op(word: &str) -> Option<TextOp> {
    let (not, rest) = match word.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, word),
    };
    let (word, case_sensitive) = match rest {
        "has" => (TextWord::Has, false),
        "has_cs" => (TextWord::Has, true),
        "hasprefix" => (TextWord::HasPrefix, false),
        "hasprefix_cs" => (TextWord::HasPrefix, true),
        "hassuffix" => (TextWord::HasSuffix, false),
        "hassuffix_cs" => (TextWord::HasSuffix, true),
        "contains" => (TextWord::Contains, false),
        "contains_cs" | "containscs" => (TextWord::Contains, true),
        "startswith" => (TextWord::StartsWith, false),
        "startswith_cs" => (TextWord::StartsWith, true),
        "endswith" => (TextWord::EndsWith, false),
        "endswith_cs" => (TextWord::EndsWith, true),
        "like" => (TextWord::Like, false),
        "likecs" => (TextWord::Like, true),
        "notcontains" if !not => return Some(TextOp { word: TextWord::Contains, not: true, case_sensitive: false }),
        "notcontainscs" if !not => return Some(TextOp { word: TextWord::Contains, not: true, case_sensitive: true }),
        "notlike" if !not => return Some(TextOp { word: TextWord::Like, not: true, case_sensitive: false }),
        "notlikecs" if !not => return Some(TextOp { word: TextWord::Like, not: true, case_sensitive: true }),
        _ => return None,
    };
    if not && word == TextWord::Like {
        return None;
    }
    Some(TextOp { word, not, case_sensitive })
}
