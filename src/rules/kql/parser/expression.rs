//! Expressions.

use super::super::catalogue;
use super::super::lexer::{Mark, TokenKind};
use super::super::problem::{Code, Problem};
use super::super::span::Span;
use super::super::tree::{Binary, Expr, ExprKind, Item, Literal, Membership, Name, TextOp, TextWord, Wrapper};
use super::super::types::Type;
use super::{CHAIN, Parser};

/// How tightly operators bind, the loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
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

    /// An expression in which a `,` or `..` ends it, at a level. `within`: inside a longer chain.
    fn infix(&mut self, least: Level, within: bool) -> Expr<'a> {
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

    fn wrapped(&mut self, wrapper: Wrapper) -> Expr<'a> {
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

/// Words that name nothing unless they stand in brackets.
pub(super) fn is_reserved(word: &str) -> bool {
    // Most names are of columns, with a capital.
    word.starts_with(|c: char| c.is_ascii_lowercase()) && is_listed_reserved(word)
}

fn is_listed_reserved(word: &str) -> bool {
    matches!(
        word,
        "accumulate"
            | "and"
            | "as"
            | "asc"
            | "bagexpansion"
            | "boolean"
            | "between"
            | "by"
            | "card"
            | "contains"
            | "containscs"
            | "dataexport"
            | "datascope"
            | "datatable"
            | "date"
            | "datetime"
            | "decimal"
            | "decodeblocks"
            | "desc"
            | "double"
            | "dynamic"
            | "endswith"
            | "expandoutput"
            | "externaldata"
            | "find"
            | "first"
            | "flags"
            | "float"
            | "has"
            | "has_all"
            | "has_any"
            | "hasprefix"
            | "hassuffix"
            | "in"
            | "int"
            | "int16"
            | "int32"
            | "int64"
            | "int8"
            | "invoke"
            | "isfuzzy"
            | "last"
            | "like"
            | "long"
            | "materialize"
            | "mdm"
            | "missing"
            | "nooptimization"
            | "notcontains"
            | "notlike"
            | "of"
            | "or"
            | "others"
            | "print"
            | "project"
            | "real"
            | "relaxed"
            | "rowstore"
            | "sample"
            | "search"
            | "set"
            | "simple"
            | "string"
            | "time"
            | "timeline"
            | "timespan"
            | "title"
            | "to"
            | "toscalar"
            | "totable"
            | "uint"
            | "uint16"
            | "uint32"
            | "uint64"
            | "uint8"
            | "ulong"
            | "union"
            | "uniqueid"
            | "where"
    )
}

/// Words that can't be the name in `name = …` unless they stand in brackets.
pub(super) fn cant_be_declared(word: &str) -> bool {
    matches!(
        word,
        "and"
            | "asc"
            | "bagexpansion"
            | "boolean"
            | "between"
            | "card"
            | "containscs"
            | "dataexport"
            | "datascope"
            | "date"
            | "datetime"
            | "decimal"
            | "decodeblocks"
            | "desc"
            | "double"
            | "dynamic"
            | "endswith"
            | "expandoutput"
            | "false"
            | "first"
            | "flags"
            | "float"
            | "has_all"
            | "has_any"
            | "hasprefix"
            | "hassuffix"
            | "int"
            | "int16"
            | "int32"
            | "int64"
            | "int8"
            | "isfuzzy"
            | "kind"
            | "last"
            | "like"
            | "long"
            | "missing"
            | "nooptimization"
            | "notcontains"
            | "notlike"
            | "or"
            | "others"
            | "project"
            | "real"
            | "relaxed"
            | "rowstore"
            | "simple"
            | "string"
            | "time"
            | "timeline"
            | "timespan"
            | "true"
            | "uint"
            | "uint16"
            | "uint32"
            | "uint64"
            | "uint8"
            | "ulong"
            | "union"
            | "uniqueid"
            | "withsource"
            | "with_source"
    )
}
