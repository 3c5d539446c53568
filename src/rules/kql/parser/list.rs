//! Lists, types, declarations of columns, parameters of operators.

use super::super::lexer::{Mark, TokenKind};
use super::super::problem::{Code, Problem};
use super::super::tree::{ColumnDecl, Expr, ExprKind, Item, Name, Ordering, Setting};
use super::super::types::Type;
use super::super::words::nearest;
use super::Parser;

/// The names of types, for hints.
const TYPES: [&str; 10] =
    ["bool", "int", "long", "real", "decimal", "string", "datetime", "timespan", "guid", "dynamic"];

impl<'a> Parser<'a> {
    /// `a, b = c, (d, e) = f`: at least one.
    pub(super) fn items(&mut self, what: &str) -> Vec<Item<'a>> {
        // Most lists have a few parts; to grow would move them each time.
        let mut items = Vec::with_capacity(4);
        items.push(self.item(what));
        while self.comma() {
            items.push(self.item(what));
        }
        items
    }

    /// Takes the comma between two of a list; tells of one that is missing.
    fn comma(&mut self) -> bool {
        if self.eat(Mark::Comma) {
            return true;
        }
        // On the same line, what follows can only be the next of the list.
        let more = matches!(self.kind(), Some(TokenKind::Name | TokenKind::Literal(_)))
            && !self.begins_line()
            && !self.is_clause()
            && !self.word().starts_with('!');
        if more {
            let at = self.behind();
            let found = self.found();
            let problem = match self.word() {
                "as" | "AS" => Problem::error(Code::Syntax, self.span(), "`as` gives no name here")
                    .hint("in KQL the name comes first: `Name = expression`"),
                _ => Problem::error(Code::Syntax, at, format!("a comma is missing before {found}"))
                    .hint("parts of a list are parted by commas; a name with blanks stands as ['a name']")
                    .fix(at, ","),
            };
            self.tell(problem);
            if matches!(self.word(), "as" | "AS") {
                self.take();
                if self.is_name() {
                    self.take();
                }
                return self.comma();
            }
        }
        more
    }

    /// Whether a word stands here that goes on with the operator.
    fn is_clause(&self) -> bool {
        self.is_name()
            && matches!(
                self.word(),
                "by" | "on"
                    | "with"
                    | "to"
                    | "from"
                    | "step"
                    | "in"
                    | "limit"
                    | "asc"
                    | "desc"
                    | "nulls"
                    | "of"
                    | "default"
                    | "kind"
                    | "where"
                    | "project"
                    | "and"
                    | "or"
            )
    }

    /// One of a list.
    pub(super) fn item(&mut self, what: &str) -> Item<'a> {
        let start = self.span();
        if self.is(Mark::Assign) {
            self.error(Code::Syntax, start, "the name is missing before `=`", "write `Name = expression`");
            self.take();
            let expr = self.expression();
            return Item { names: Vec::new(), tuple: false, span: start.to(self.last()), expr };
        }
        if let Some(names) = self.tuple() {
            let expr = self.value_of_item(what);
            return Item { names, tuple: true, span: start.to(self.last()), expr };
        }
        let names = self.assigned().into_iter().collect();
        let expr = self.value_of_item(what);
        Item { names, tuple: false, span: start.to(self.last()), expr }
    }

    fn value_of_item(&mut self, what: &str) -> Expr<'a> {
        if self.ends() || self.is(Mark::Comma) {
            return self.missing(what);
        }
        self.expression()
    }

    /// Whether nothing more of an expression can stand here.
    pub(super) fn ends(&self) -> bool {
        self.at_end() || self.closes() || self.is(Mark::Pipe) || self.is(Mark::Semicolon)
    }

    /// Tells that something is missing.
    pub(super) fn missing(&mut self, what: &str) -> Expr<'a> {
        let span = self.behind();
        let found = self.found();
        let hint = match self.kind() {
            Some(TokenKind::Mark(Mark::Comma)) => {
                "there is a comma too many, or something is missing between two commas"
            }
            _ if self.slice(self.last()) == "," => "there is a comma too many, or something is missing behind it",
            _ => "write it here",
        };
        self.error(Code::Syntax, span, format!("{what} is missing before {found}"), hint);
        Expr { kind: ExprKind::Missing, span }
    }

    /// `Name =`, where it stands here.
    pub(super) fn assigned(&mut self) -> Option<Name<'a>> {
        let bare = self.is_name() && self.is_after(1, Mark::Assign);
        let bracketed =
            self.is(Mark::OpenBracket) && self.is_after(2, Mark::CloseBracket) && self.is_after(3, Mark::Assign);
        if !bare && !bracketed {
            return None;
        }
        let name = self.maybe_name()?;
        if bare && super::reserved::cant_be_declared(name.text) {
            self.tell(
                Problem::error(Code::Syntax, name.span, format!("`{}` is a word of the language", name.text))
                    .hint(format!("as a name it is written ['{}']", name.text))
                    .fix(name.span, format!("['{}']", name.text)),
            );
        }
        self.take();
        Some(name)
    }

    /// `(a, b) =`.
    fn tuple(&mut self) -> Option<Vec<Name<'a>>> {
        if !self.is(Mark::Open) {
            return None;
        }
        let mut ahead = 1;
        loop {
            if !self.is_plain_name_after(ahead) {
                return None;
            }
            ahead += 1;
            if self.is_after(ahead, Mark::Close) {
                break;
            }
            if !self.is_after(ahead, Mark::Comma) {
                return None;
            }
            ahead += 1;
        }
        if !self.is_after(ahead + 1, Mark::Assign) {
            return None;
        }
        self.take();
        let mut names = Vec::new();
        while !self.eat(Mark::Close) {
            names.extend(self.maybe_name());
            self.eat(Mark::Comma);
        }
        self.take();
        Some(names)
    }

    /// The name of a type where a column or parameter is declared: fewer are known there.
    pub(super) fn declared_type(&mut self) -> Type {
        let span = self.span();
        let word = self.word();
        let ty = self.type_name();
        let other = matches!(
            word,
            "float" | "ulong" | "uuid" | "int8" | "int16" | "int32" | "uint" | "uint8" | "uint16" | "uint32" | "uint64"
        );
        if other && ty != Type::Unknown {
            self.error(Code::Type, span, format!("`{word}` can't be declared"), format!("write `{ty}`"));
        }
        ty
    }

    /// The name of a type.
    pub(super) fn type_name(&mut self) -> Type {
        let span = self.span();
        if !self.is_name() {
            let found = self.found();
            self.error(
                Code::Syntax,
                span,
                format!("a type is missing before {found}"),
                format!("types are {}", TYPES.join(", ")),
            );
            return Type::Unknown;
        }
        let word = self.word();
        self.take();
        if let Some(ty) = Type::named(word) {
            return ty;
        }
        let hint = nearest(word, TYPES)
            .map_or_else(|| format!("types are {}", TYPES.join(", ")), |near| format!("did you mean `{near}`?"));
        self.error(Code::Type, span, format!("no type `{word}`"), hint);
        Type::Unknown
    }

    /// `(a:long, b:string)`.
    pub(super) fn column_decls(&mut self) -> Vec<ColumnDecl<'a>> {
        let open = self.span();
        let mut columns = Vec::new();
        if !self.expect(Mark::Open, "(", "columns are declared as `(Name:type, …)`") {
            return columns;
        }
        while !self.at_end() && !self.closes() {
            let before = self.at;
            columns.push(self.column_decl());
            if !self.eat(Mark::Comma) {
                break;
            }
            if self.at == before {
                self.take();
            }
        }
        self.close(Mark::Close, open);
        columns
    }

    /// `Name:type`.
    pub(super) fn column_decl(&mut self) -> ColumnDecl<'a> {
        let start = self.span();
        let name = self.name("the name of a column");
        let ty = if self.expect(Mark::Colon, ":", "a column is declared as `Name:type`") {
            self.declared_type()
        } else {
            Type::Unknown
        };
        ColumnDecl { name, ty, span: start.to(self.last()) }
    }

    /// `kind = inner hint.strategy = shuffle`: the parameters that an operator knows.
    pub(super) fn settings(&mut self, known: &[&str]) -> Vec<Setting<'a>> {
        let mut settings = Vec::new();
        while let Some(setting) = self.setting(known) {
            settings.push(setting);
        }
        settings
    }

    fn setting(&mut self, known: &[&str]) -> Option<Setting<'a>> {
        if !self.is_name() {
            return None;
        }
        let start = self.span();
        let word = self.word();
        if word == "hint" && self.is_after(1, Mark::Dot) && self.is_after(3, Mark::Assign) {
            self.take();
            self.take();
            let end = self.take();
            self.take();
            let span = start.to(end);
            let value = self.setting_value();
            return Some(Setting { name: Name { text: self.slice(span), span }, value });
        }
        if !known.contains(&word) || !self.is_after(1, Mark::Assign) {
            return None;
        }
        let name = Name { text: word, span: self.take() };
        self.take();
        Some(Setting { name, value: self.setting_value() })
    }

    fn setting_value(&mut self) -> Expr<'a> {
        let start = self.span();
        if let Some(name) = self.maybe_name() {
            return Expr { kind: ExprKind::Name(name), span: name.span };
        }
        if self.ends() {
            return self.missing("the value of the parameter");
        }
        if self.is(Mark::Open) {
            return self.primary();
        }
        let expr = self.unary();
        Expr { span: start.to(self.last()), ..expr }
    }

    /// `with (a = b, c = d)`.
    pub(super) fn with_settings(&mut self) -> Vec<Setting<'a>> {
        let mut settings = Vec::new();
        if !self.eat_word("with") {
            return settings;
        }
        let open = self.span();
        let closed = self.eat(Mark::Open);
        while self.is_name() || self.is(Mark::OpenBracket) {
            let Some(name) = self.maybe_name() else { break };
            // `a.b = c` in some parameters.
            while self.is(Mark::Dot) {
                self.take();
                self.take();
            }
            if !self.eat(Mark::Assign) {
                settings.push(Setting { name, value: Expr { kind: ExprKind::Missing, span: name.span } });
                if !self.eat(Mark::Comma) {
                    break;
                }
                continue;
            }
            let value = self.expression();
            settings.push(Setting { name, value });
            if !self.eat(Mark::Comma) && self.is_name() && self.is_after(1, Mark::Assign) {
                let at = self.behind();
                let found = self.found();
                self.tell(
                    Problem::error(Code::Syntax, at, format!("a comma is missing before {found}"))
                        .hint("parameters are parted by commas")
                        .fix(at, ","),
                );
            }
        }
        if closed {
            self.close(Mark::Close, open);
        }
        settings
    }

    /// `a asc nulls last, b desc`.
    pub(super) fn orderings(&mut self) -> Vec<Ordering<'a>> {
        let mut list = vec![self.ordering()];
        while self.comma() {
            list.push(self.ordering());
        }
        list
    }

    pub(super) fn ordering(&mut self) -> Ordering<'a> {
        let item = self.item("a column to sort by");
        let ascending = self.direction();
        Ordering { item, ascending }
    }

    fn direction(&mut self) -> Option<bool> {
        let ascending = if self.eat_word("asc") {
            Some(true)
        } else if self.eat_word("desc") {
            Some(false)
        } else {
            if matches!(self.word(), "ASC" | "DESC" | "Asc" | "Desc" | "ascending" | "descending") && self.is_name() {
                let span = self.span();
                let right = if self.word().to_ascii_lowercase().starts_with("asc") { "asc" } else { "desc" };
                self.tell(
                    Problem::error(Code::Syntax, span, format!("the order is written `{right}`"))
                        .hint("words of the language are in lower case")
                        .fix(span, right),
                );
                self.take();
            }
            None
        };
        if self.is_word("nulls") {
            self.take();
            if !self.eat_word("first") && !self.eat_word("last") {
                let span = self.span();
                self.error(Code::Syntax, span, "behind `nulls` stands `first` or `last`", "write `nulls last`");
            }
        }
        ascending
    }

    /// Expressions in parentheses, parted by commas.
    pub(super) fn in_parens(&mut self, what: &str) -> Vec<Expr<'a>> {
        let open = self.span();
        let mut list = Vec::new();
        if !self.eat(Mark::Open) {
            return list;
        }
        while !self.at_end() && !self.closes() {
            let before = self.at;
            list.push(self.pipeline());
            if !self.eat(Mark::Comma) {
                break;
            }
            if self.closes() {
                list.push(self.missing(what));
            }
            if self.at == before {
                self.take();
            }
        }
        self.close(Mark::Close, open);
        list
    }
}
