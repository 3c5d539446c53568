//! What people write who mean something else: other languages' words, lost marks, pasted text.

use super::super::lexer::{Mark, TokenKind};
use super::super::problem::{Code, Problem};
use super::super::span::Span;
use super::super::tree::{Expr, ExprKind};
use super::Parser;
use super::reserved::is_reserved;

impl<'a> Parser<'a> {
    /// Text around the query that is no KQL: a Markdown fence, comments of other languages.
    pub(super) fn foreign_text(&mut self) {
        let word = self.word();
        if word.starts_with("```") && word.contains('\n') {
            let span = Span::new(self.span().start, self.span().start + 3);
            self.error(Code::Syntax, span, "a Markdown fence was left around the query", "remove the lines with ```");
            self.give_up();
        }
        if self.is(Mark::Minus) && self.is_after(1, Mark::Minus) && self.touches(1) {
            let span = self.span();
            self.error(Code::Syntax, span, "`--` begins no comment in KQL", "comments begin with //");
        }
    }

    /// Tells that what stands here can't stand here, as helpfully as can be.
    pub(super) fn unexpected(&mut self) {
        let span = self.span();
        let Some(kind) = self.kind() else { return };
        let found = self.found();
        let word = self.word();
        let problem = match kind {
            TokenKind::Bad | TokenKind::BadEscape | TokenKind::Unended(_) => {
                self.primary();
                return;
            }
            TokenKind::Mark(Mark::Close | Mark::CloseBracket | Mark::CloseBrace) => {
                Problem::error(Code::Bracket, span, format!("{found} closes nothing"))
                    .hint("remove it, or open it earlier")
                    .fix(span, "")
            }
            TokenKind::Mark(Mark::Assign) => self.assign_problem(),
            TokenKind::Mark(
                Mark::Equal | Mark::NotEqual | Mark::Less | Mark::Greater | Mark::LessEqual | Mark::GreaterEqual,
            ) => Problem::error(Code::Syntax, span, format!("{found} can't follow another comparison"))
                .hint("join comparisons with `and` or `or`"),
            TokenKind::Mark(Mark::OpenBrace) if self.is_after(1, Mark::OpenBrace) => {
                Problem::error(Code::Syntax, span, "a placeholder was left in the query")
                    .hint("put the value in place of `{{…}}`")
            }
            TokenKind::Name if self.begins_line() && self.begins_statement() => {
                let at = self.behind();
                Problem::error(Code::Syntax, at, format!("`;` is missing before {found}"))
                    .hint("statements are parted by `;`: a `let` needs one behind it, and a query has one result")
                    .fix(at, ";")
            }
            TokenKind::Name => self.unexpected_word(word),
            TokenKind::Literal(_) => Problem::error(Code::Syntax, span, format!("{found} can't stand here"))
                .hint("an operator or a comma is missing before it"),
            TokenKind::Mark(_) | TokenKind::Blank | TokenKind::Comment => {
                Problem::error(Code::Syntax, span, format!("{found} can't stand here"))
                    .hint("something is missing before it, or it is too many")
            }
        };
        self.tell(problem);
    }

    fn unexpected_word(&self, word: &str) -> Problem {
        let span = self.span();
        let wrong = |message: String| Problem::error(Code::Syntax, span, message);
        match word {
            "AND" | "OR" | "And" | "Or" | "IN" | "In" | "BY" | "By" | "NOT" | "BETWEEN" | "HAS" | "CONTAINS"
            | "LIKE" => {
                let right = word.to_ascii_lowercase();
                wrong(format!("`{word}` is written `{right}`"))
                    .hint("words of the language are in lower case")
                    .fix(span, right)
            }
            "is" | "IS" => {
                wrong("KQL has no `is`".to_owned()).hint("use isnull(X), isnotnull(X), isempty(X) or isnotempty(X)")
            }
            "as" | "AS" => {
                wrong("`as` gives no name here".to_owned()).hint("in KQL the name comes first: `Name = expression`")
            }
            "from" | "FROM" | "select" | "SELECT" => {
                wrong("this is SQL".to_owned()).hint("KQL begins with the table: `Table | where … | project …`")
            }
            "not" => wrong("`not` is a function".to_owned()).hint("write not(…), or `!in`, `!has`, `!=`"),
            "regex" | "matches" | "includes" | "contain" | "containing" | "starts_with" | "startsWith"
            | "ends_with" | "endsWith" | "equals" | "eq" | "ne" => wrong(format!("no operator `{word}`"))
                .hint("texts are compared with ==, =~, has, contains, startswith, endswith, matches regex"),
            _ if super::operator_names::is_operator(word) => {
                let at = self.behind();
                Problem::error(Code::Syntax, span, format!("`|` is missing before `{word}`"))
                    .hint("each operator stands behind a `|`")
                    .fix(at, " |")
            }
            _ if word.starts_with('!') => wrong(format!("no operator `{word}`")).hint("use not(…)"),
            _ => wrong(format!("`{}` can't stand here", short(word)))
                .hint("an operator, a comma or a `|` is missing before it; a text stands in quotes"),
        }
    }

    fn assign_problem(&self) -> Problem {
        let span = self.span();
        let before = self.slice(self.last());
        if before == "==" || before == "!=" {
            return Problem::error(Code::Syntax, span, "`===` is no operator").hint("equality is `==`").fix(span, "");
        }
        Problem::error(Code::Syntax, span, "`=` doesn't compare")
            .hint("`==` compares, `=~` without regard to case; `=` gives a name, in front: `Name = expression`")
    }

    /// `=` where `==` was meant, `&&`, `||` and other languages' operators behind a value.
    pub(super) fn foreign_operator(&mut self, left: &Expr<'a>) {
        if matches!(left.kind, ExprKind::Missing) {
            return;
        }
        let span = self.span();
        match self.kind() {
            Some(TokenKind::Bad) if self.word() == "&" => {
                let double = self.word_after(1) == "&" && self.touches(1);
                self.take();
                let span = if double { span.to(self.take()) } else { span };
                self.tell(
                    Problem::error(Code::Character, span, format!("KQL has no `{}`", self.slice(span)))
                        .hint("write `and`")
                        .fix(span, "and"),
                );
                if !self.ends() {
                    self.expression();
                }
            }
            Some(TokenKind::Mark(Mark::Pipe)) if self.is_after(1, Mark::Pipe) && self.touches(1) => {
                self.take();
                let span = span.to(self.take());
                self.tell(
                    Problem::error(Code::Syntax, span, "KQL has no `||`")
                        .hint("write `or`, or one `|` before an operator")
                        .fix(span, "or"),
                );
                if !self.ends() && !super::operator_names::is_operator(self.word()) {
                    self.expression();
                } else if super::operator_names::is_operator(self.word()) {
                    // Two pipes: the operator is read as if there were one.
                    self.at = self.at.saturating_sub(1);
                }
            }
            _ => {}
        }
    }

    /// A mark where a value must stand.
    pub(super) fn unexpected_value(&mut self) {
        let span = self.span();
        let found = self.found();
        let problem = match self.kind() {
            Some(TokenKind::Mark(Mark::Assign)) => {
                let problem = self.assign_problem();
                self.take();
                problem
            }
            Some(TokenKind::Mark(Mark::OpenBrace)) => {
                let placeholder = self.is_after(1, Mark::OpenBrace);
                self.take();
                self.skip_to(Mark::CloseBrace);
                self.eat(Mark::CloseBrace);
                self.eat(Mark::CloseBrace);
                if placeholder {
                    Problem::error(Code::Syntax, span, "a placeholder was left in the query")
                        .hint("put the value in place of `{{…}}`")
                } else {
                    Problem::error(Code::Syntax, span, "a value can't begin with `{`")
                        .hint("a bag is dynamic({\"name\": value})")
                }
            }
            Some(TokenKind::Mark(Mark::Less)) if matches!(self.kind_after(1), Some(TokenKind::Name)) => {
                Problem::error(Code::Syntax, span, "a value is missing before `<`")
                    .hint("if `<…>` is a placeholder, put the value in its place")
            }
            _ => {
                let last = self.slice(self.last());
                let at = if self.ends() || self.is(Mark::Comma) { self.behind() } else { span };
                Problem::error(Code::Syntax, at, format!("a value is missing before {found}")).hint(
                    if last.is_empty() {
                        "write it here".to_owned()
                    } else {
                        format!("something must stand behind `{}`", short(last))
                    },
                )
            }
        };
        self.tell(problem);
    }

    /// A word of the language where a value must stand.
    pub(super) fn reserved(&mut self) -> Expr<'a> {
        let span = self.span();
        let word = self.word();
        let before = self.slice(self.last());
        let problem = match word {
            "and" | "or" if matches!(before, "and" | "or") => {
                Problem::error(Code::Syntax, span, format!("`{before} {word}`: a condition is missing between them"))
                    .hint("remove one of the two")
            }
            "by" if before == "," => {
                Problem::error(Code::Syntax, span, "there is a comma too many before `by`").hint("remove the comma")
            }
            _ if word.starts_with('!') => {
                Problem::error(Code::Syntax, span, format!("a value is missing before `{word}`"))
                    .hint("negation of a condition is not(…)")
            }
            _ => Problem::error(Code::Syntax, span, format!("a value is missing before `{word}`"))
                .hint(format!("if `{word}` is a column, write ['{word}']")),
        };
        self.tell(problem);
        // A word that goes on with the operator is left for it.
        if !matches!(word, "by" | "on" | "to" | "and" | "or" | "of") {
            self.take();
        } else if matches!(word, "and" | "or") && matches!(before, "and" | "or" | "where" | "(" | "") {
            self.take();
            if !self.ends() {
                return self.unary();
            }
        }
        Expr { kind: ExprKind::Missing, span }
    }

    /// A character that KQL doesn't know.
    pub(super) fn bad_character(&mut self) -> Expr<'a> {
        let span = self.span();
        let word = self.word();
        let character = word.chars().next().unwrap_or(' ');
        let (message, hint, fix) = match character {
            '“' | '”' | '„' | '«' | '»' => {
                ("a typographic quote".to_owned(), "texts stand in straight quotes: \"", Some("\""))
            }
            '‘' | '’' | '‚' | '`' => {
                ("a typographic quote".to_owned(), "texts stand in straight quotes: ' or \"", Some("'"))
            }
            '–' | '—' | '−' => ("a typographic dash".to_owned(), "write the plain `-`", Some("-")),
            '#' => ("`#` begins no comment in KQL".to_owned(), "comments begin with //", Some("//")),
            '&' => ("KQL has no `&`".to_owned(), "write `and`", None),
            '!' => (
                "`!` stands only before `=`, `~`, `in`, `has` and their like".to_owned(),
                "negation of a condition is not(…)",
                None,
            ),
            '?' | '^' | '\\' => (format!("KQL has no `{character}`"), "a text stands in quotes", None),
            other => (
                format!("KQL has no `{}` (U+{:04X})", other.escape_debug(), other as u32),
                "a text stands in quotes; was this pasted?",
                None,
            ),
        };
        let problem = Problem::error(Code::Character, span, message).hint(hint);
        self.tell(match fix {
            Some(fix) => problem.fix(span, fix),
            None => problem,
        });
        self.take();
        if matches!(character, '“' | '”' | '„' | '‘' | '’') {
            // To the quote that closes, or the end of the line.
            while !self.at_end() && !self.begins_line() && !self.is(Mark::Pipe) {
                let closes =
                    self.kind() == Some(TokenKind::Bad) && self.word().starts_with(['”', '’', '“', '‘', '"', '\'']);
                let unended = matches!(self.kind(), Some(TokenKind::Unended(_)));
                self.take();
                if closes || unended {
                    break;
                }
            }
        } else if character == '#' {
            while !self.at_end() && !self.begins_line() {
                self.take();
            }
        }
        Expr { kind: ExprKind::Missing, span: span.to(self.last()) }
    }

    /// What is left of an operator behind its last part: told, and skipped.
    pub(super) fn stray_stage(&mut self) {
        if self.ends() {
            return;
        }
        if self.begins_line() && self.begins_statement() && self.deep <= 1 {
            return;
        }
        // Commas belong to whoever holds the list that this pipe stands in.
        if self.is(Mark::Comma) && self.deep > 1 {
            return;
        }
        if self.is_name()
            && self.deep > 1
            && !self.begins_line()
            && matches!(self.word(), "on" | "kind" | "with" | "by")
        {
            return;
        }
        let told = self.problems.len();
        self.unexpected();
        // An operator whose `|` is missing is read all the same.
        if self.problems.len() > told
            && self.is_name()
            && super::operator_names::is_operator(self.word())
            && !is_reserved_value(self.word())
        {
            return;
        }
        self.skip_stage();
    }
}

fn is_reserved_value(word: &str) -> bool {
    is_reserved(word) && !super::operator_names::is_operator(word)
}

/// The beginning of a word, safe for a message.
fn short(word: &str) -> String {
    word.chars().take(32).map(|character| if character.is_control() { ' ' } else { character }).collect()
}
