//! A sound query, ready to be broken.

use fastrand::Rng;
use huntd::rules::kql::schema::{Column, Schema, Table};
use huntd::rules::kql::types::Type;

use crate::tokens::{Kind, Token, tokens};
use crate::verdicts::line_of;

/// A query with its tokens.
pub(crate) struct Source<'a> {
    /// The query.
    pub(crate) text: &'a str,
    /// Its tokens, comments left out.
    pub(crate) tokens: Vec<Token>,
    /// The names that it may use.
    pub(crate) schema: &'a Schema,
}

/// A broken query.
#[derive(Debug)]
pub(crate) struct Mutant {
    /// The query.
    pub(crate) text: String,
    /// The line that was broken, from 1.
    pub(crate) line: usize,
}

/// A table, and columns of it to write a stage with.
pub(crate) struct Pick<'a> {
    /// The table.
    pub(crate) table: &'a Table,
    /// A column with text.
    pub(crate) text: &'a str,
    /// Another.
    pub(crate) text2: &'a str,
    /// A column with a number.
    pub(crate) number: &'a str,
    /// A column with a time.
    pub(crate) time: &'a str,
}

impl<'a> Source<'a> {
    /// Of a query.
    pub(crate) fn new(text: &'a str, schema: &'a Schema) -> Self {
        let tokens = tokens(text).into_iter().filter(|token| token.kind != Kind::Comment).collect();
        Self { text, tokens, schema }
    }

    /// The text of a token; empty where there is none.
    pub(crate) fn at(&self, place: usize) -> &'a str {
        self.tokens.get(place).map_or("", |token| &self.text[token.start..token.end])
    }

    /// One of the places that fit.
    pub(crate) fn any(&self, rng: &mut Rng, fits: impl Fn(usize) -> bool) -> Option<usize> {
        let places: Vec<usize> = (0..self.tokens.len()).filter(|place| fits(*place)).collect();
        rng.choice(places)
    }

    /// With the tokens `from..=to` replaced.
    pub(crate) fn replaced(&self, from: usize, to: usize, by: &str) -> Mutant {
        let (start, end) = (self.tokens[from].start, self.tokens[to].end);
        Mutant { text: format!("{}{by}{}", &self.text[..start], &self.text[end..]), line: line_of(self.text, start) }
    }

    /// With something behind a token.
    pub(crate) fn behind(&self, place: usize, what: &str) -> Mutant {
        let end = self.tokens[place].end;
        Mutant { text: format!("{}{what}{}", &self.text[..end], &self.text[end..]), line: line_of(self.text, end) }
    }

    /// Whether a word is the table that a pipe begins with.
    pub(crate) fn begins_pipe(&self, place: usize) -> bool {
        self.tokens[place].kind == Kind::Word
            && self.schema.table(self.at(place)).is_some()
            && (place == 0 || matches!(self.at(place - 1), ";" | "(" | "="))
            && matches!(self.at(place + 1), "|" | ";" | ")" | "")
    }

    /// Whether a word is a table, wherever one may stand.
    pub(crate) fn is_table(&self, place: usize) -> bool {
        self.tokens[place].kind == Kind::Word
            && self.schema.table(self.at(place)).is_some()
            && self.at(place + 1) != "="
            && (place == 0 || !matches!(self.at(place - 1), "." | "let"))
    }

    /// Whether a word reads a column that comes from a table of the query.
    pub(crate) fn is_column(&self, place: usize) -> bool {
        let word = self.at(place);
        self.tokens[place].kind == Kind::Word
            && !matches!(self.at(place + 1), "(" | "=" | ".")
            && place > 0
            && !matches!(self.at(place - 1), "." | "let" | "by:")
            && self.tables().any(|table| table.column(word).is_some_and(|column| column.also.is_none()))
            && !self.is_made(word)
    }

    /// Whether the query makes a column of that name.
    fn is_made(&self, word: &str) -> bool {
        (0..self.tokens.len())
            .any(|place| self.at(place) == word && self.at(place + 1) == "=" && self.at(place.wrapping_sub(1)) != ".")
    }

    /// The tables that the query names.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &'a Table> {
        (0..self.tokens.len()).filter_map(|place| self.schema.table(self.at(place)))
    }

    /// Whether a token is an operator's name, behind its pipe.
    pub(crate) fn is_operator(&self, place: usize) -> bool {
        place > 0 && self.at(place - 1) == "|" && self.tokens[place].kind == Kind::Word
    }

    /// With a stage put behind the table that a pipe begins with. `write` gives the stage without its
    /// pipe, and which of its lines is wrong, from 0.
    pub(crate) fn staged(
        &self,
        rng: &mut Rng,
        write: impl FnOnce(&Pick<'_>, &mut Rng) -> (String, usize),
    ) -> Option<Mutant> {
        let place =
            self.any(rng, |place| self.begins_pipe(place) && Pick::of(self.schema.table(self.at(place)), 0).is_some())?;
        let pick = Pick::of(self.schema.table(self.at(place)), rng.usize(..))?;
        let (stage, wrong) = write(&pick, rng);
        let mutant = self.behind(place, &format!("\n| {stage}"));
        Some(Mutant { line: mutant.line + 1 + wrong, ..mutant })
    }
}

impl<'a> Pick<'a> {
    /// Columns of `table`, the ones that `seed` says.
    fn of(table: Option<&'a Table>, seed: usize) -> Option<Self> {
        let table = table?;
        let pick = |more: usize, fits: fn(Type) -> bool| {
            let fit: Vec<&Column> =
                table.columns().iter().filter(|column| fits(column.ty) && column.also.is_none()).collect();
            fit.get((seed / 7 + more) % fit.len().max(1)).map(|column| &*column.name)
        };
        Some(Self {
            table,
            text: pick(0, |ty| ty == Type::String)?,
            text2: pick(1, |ty| ty == Type::String)?,
            number: pick(0, Type::is_number)?,
            time: pick(0, |ty| ty == Type::Datetime)?,
        })
    }
}
