//! Bytes to documents.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{
    self as granit, ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError, Span, StructureStyle,
};

use super::node::{Entry, Node, Scalar, ScalarKind, Style, Value};
use super::problem::Problem;
use crate::model::place::Place;

/// The longest file that is read: the longest public hunt has 40 kB.
pub const MAX_BYTES: usize = 1024 * 1024;
/// The deepest nesting that is read.
const MAX_DEPTH: usize = 64;
/// The most values that one document may have, aliases counted as what they stand for.
const MAX_NODES: usize = 100_000;
/// The most text that one document may have, aliases counted as what they stand for.
const MAX_TEXT: usize = 4 * MAX_BYTES;

/// One document of a file.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its place in the file, from 1: broken documents count, empty ones too.
    pub number: usize,
    /// The line where it begins, from 1.
    pub line: u32,
    /// Its value; `None` where it can't be read, and where it is empty.
    pub root: Option<Node>,
    /// What is wrong with it as YAML; a document with problems must not be used.
    pub problems: Vec<Problem>,
}

/// Reads a file. Empty documents are left out, so the list may be empty.
#[must_use]
pub fn parse(bytes: &[u8]) -> Vec<Document> {
    let whole =
        |problem: Problem| vec![Document { number: 1, line: problem.place.line, root: None, problems: vec![problem] }];
    if bytes.len() > MAX_BYTES {
        let message = format!("the file has {} bytes, and {MAX_BYTES} is the most", bytes.len());
        return whole(Problem::new(Place::START, message).hint("split it into several files"));
    }
    let text = match decode(bytes) {
        Ok(text) => text,
        Err(problem) => return whole(problem),
    };
    let documents = Builder::run(text);
    let blanks = |problem: &Problem| problem.message.starts_with(BLOCK_INDENT);
    if documents.iter().any(|document| document.problems.iter().any(blanks)) {
        return Builder::run(&without_leading_blanks(text));
    }
    documents
}

fn decode(bytes: &[u8]) -> Result<&str, Problem> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let problem = Problem::new(Place::START, "the file is in UTF-16, and huntd reads UTF-8");
        return Err(problem.hint("save it again as UTF-8"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let sound = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let (line, column) = end_of(&String::from_utf8_lossy(sound));
        let place = Place::in_line(line, column, column + 1);
        Problem::new(place, "a byte here is no UTF-8").hint("save the file again as UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some((before, _)) = text.split_once('\0') {
        let (line, column) = end_of(before);
        return Err(Problem::new(Place::in_line(line, column, column + 1), "a NUL character stands here")
            .hint("the file is damaged, or no text"));
    }
    Ok(text)
}

/// Line and column, from 1, of what comes after `text`.
fn end_of(text: &str) -> (u32, u32) {
    let line = text.matches('\n').count() + 1;
    let column = text.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (small(line), small(column))
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// How messages of a wrongly indented block begin.
const BLOCK_INDENT: &str = "a line of this block stands too far left";

/// Public files have blocks whose first, empty line has more blanks than the text below it. Other
/// readers take them, so the blanks of such lines go; no line moves.
fn without_leading_blanks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut after_header = false;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let blank = content.trim_matches([' ', '\t']).is_empty();
        if !(after_header && blank) {
            after_header = is_block_header(content);
            out.push_str(line);
        } else if let Some(ending) = line.get(content.len()..) {
            out.push_str(ending);
        }
    }
    out
}

/// `key: |`, `- >-`, `key: |2 # why`.
fn is_block_header(line: &str) -> bool {
    let line = line.split(" #").next().unwrap_or_default().trim_end();
    let head = line.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'));
    let Some(head) = head.strip_suffix(['|', '>']) else { return false };
    let head = head.trim_end();
    head.ends_with(':') || head.ends_with('-')
}

/// A list or map that isn't closed yet.
struct Open {
    place: Place,
    flow: bool,
    anchor: usize,
    /// Values and text of the document when it was opened.
    size: Size,
    items: Items,
}

enum Items {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<(String, Place)> },
}

#[derive(Debug, Clone, Copy, Default)]
struct Size {
    nodes: usize,
    text: usize,
}

/// Builds the tree with a stack of its own, so that depth costs no call stack.
struct Builder {
    done: Vec<Document>,
    number: usize,
    line: u32,
    stack: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, (Node, Size)>,
    size: Size,
    problems: Vec<Problem>,
}

impl Builder {
    fn run(text: &str) -> Vec<Document> {
        let mut options = granit::options! { flow_nesting_limit: MAX_DEPTH, block_nesting_limit: MAX_DEPTH };
        options.set_emit_comments(false);
        let mut parser = Parser::new_from_str_with_options(text, options);
        let mut builder = Self {
            done: Vec::new(),
            number: 0,
            line: 1,
            stack: Vec::new(),
            root: None,
            anchors: HashMap::new(),
            size: Size::default(),
            problems: Vec::new(),
        };
        while let Some(event) = parser.next_event() {
            let failed = match event {
                Ok((event, span)) => builder.event(event, span),
                Err(error) => Err(explain(&error, text)),
            };
            if let Err(problem) = failed {
                builder.problems.push(problem);
                builder.finish();
                if !parser.proceed_next_document().unwrap_or(false) {
                    break;
                }
            }
        }
        builder.done
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Problem> {
        match event {
            Event::DocumentStart(..) => self.start(span),
            Event::DocumentEnd => self.finish(),
            Event::Alias(id) => self.alias(id, span)?,
            Event::Scalar(text, style, anchor, tag) => {
                let tagged_text = tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str"));
                let scalar = scalar(text.into_owned(), style, tagged_text);
                self.count(1, scalar.text.len(), span)?;
                let size = Size { nodes: 1, text: scalar.text.len() };
                self.close(Node { place: place(span), value: Value::Scalar(scalar) }, anchor, size)?;
            }
            Event::SequenceStart(style, anchor, _) => self.open(style, anchor, Items::List(Vec::new()), span)?,
            Event::MappingStart(style, anchor, _) => {
                self.open(style, anchor, Items::Map { entries: Vec::new(), key: None }, span)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span)?,
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, span: Span) {
        self.number += 1;
        self.line = small(span.start.line());
        self.size = Size::default();
    }

    /// Ends the document, whole or broken.
    fn finish(&mut self) {
        let root = self.root.take().filter(|root| !root.is_null());
        let problems = std::mem::take(&mut self.problems);
        // The line of the first value says more than the line of `---`.
        let line = root.as_ref().map_or(self.line, |root| root.place.line);
        let root = root.filter(|_| self.stack.is_empty());
        if root.is_some() || !problems.is_empty() {
            self.done.push(Document { number: self.number.max(1), line, root, problems });
        }
        self.stack.clear();
        self.anchors.clear();
    }

    fn count(&mut self, nodes: usize, text: usize, span: Span) -> Result<(), Problem> {
        self.size.nodes += nodes;
        self.size.text += text;
        if self.size.nodes <= MAX_NODES && self.size.text <= MAX_TEXT {
            return Ok(());
        }
        let message = format!("the document is too large here: {MAX_NODES} values or {MAX_TEXT} bytes are the most");
        Err(Problem::new(place(span), message).hint("aliases (`*name`) count as all that they stand for"))
    }

    fn alias(&mut self, id: usize, span: Span) -> Result<(), Problem> {
        let Some(size) = self.anchors.get(&id).map(|(_, size)| *size) else {
            return Err(Problem::new(place(span), "this alias stands inside of what it names"));
        };
        self.count(size.nodes, size.text, span)?;
        match self.anchors.get(&id) {
            Some((node, _)) => self.close(node.clone(), 0, size),
            None => Ok(()),
        }
    }

    fn open(&mut self, style: StructureStyle, anchor: usize, items: Items, span: Span) -> Result<(), Problem> {
        let size = self.size;
        self.count(1, 0, span)?;
        self.stack.push(Open { place: place(span), flow: style == StructureStyle::Flow, anchor, size, items });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), Problem> {
        let Some(open) = self.stack.pop() else { return Ok(()) };
        let mut place = open.place;
        if open.flow {
            (place.end_line, place.end_column) = point(span.end);
        }
        let value = match open.items {
            Items::List(nodes) => Value::List(nodes),
            Items::Map { entries, .. } => Value::Map(self.merged(entries)),
        };
        let size = Size { nodes: self.size.nodes - open.size.nodes, text: self.size.text - open.size.text };
        self.close(Node { place, value }, open.anchor, size)
    }

    /// Applies the merge key: `<<: *base` lends the keys that aren't there.
    fn merged(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        let (merges, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.key == "<<");
        for merge in merges {
            let place = merge.value.place;
            let bases = match merge.value.value {
                Value::List(nodes) => nodes,
                value => vec![Node { place, value }],
            };
            for base in bases {
                let Value::Map(lent) = base.value else {
                    self.problems.push(Problem::new(base.place, "`<<` takes a map, or a list of maps"));
                    continue;
                };
                let missing = lent.into_iter().filter(|entry| !own.iter().any(|o| o.key == entry.key));
                let missing: Vec<_> = missing.collect();
                own.extend(missing);
            }
        }
        own
    }

    /// Puts a whole value where it belongs.
    fn close(&mut self, node: Node, anchor: usize, size: Size) -> Result<(), Problem> {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let Some(open) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.items {
            Items::List(nodes) => nodes.push(node),
            Items::Map { entries, key } => match key.take() {
                None => *key = Some(key_of(&node)?),
                Some((name, key_place)) => {
                    if let Some(first) = entries.iter().find(|entry| entry.key == name) {
                        self.problems.push(twice(&name, key_place, first.key_place));
                    } else {
                        entries.push(Entry { key: name, key_place, value: node });
                    }
                }
            },
        }
        Ok(())
    }
}

fn twice(name: &str, place: Place, first: Place) -> Problem {
    let message =
        format!("`{}` stands twice: first in line {}, column {}", name.escape_debug(), first.line, first.column);
    Problem::new(place, message).hint("keep one of the two")
}

fn key_of(node: &Node) -> Result<(String, Place), Problem> {
    match &node.value {
        Value::Scalar(scalar) => Ok((scalar.text.clone(), node.place)),
        _ => Err(Problem::new(node.place, format!("{} can't be a key", node.kind()))
            .hint("put a text that begins with `{` or `[` in quotation marks")),
    }
}

fn scalar(text: String, style: ScalarStyle, tagged_text: bool) -> Scalar {
    let style = match style {
        ScalarStyle::Plain if !tagged_text => return Scalar::plain(text),
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    };
    Scalar { text, kind: ScalarKind::Text, style }
}

fn point(marker: Marker) -> (u32, u32) {
    (small(marker.line()), small(marker.col() + 1))
}

fn place(span: Span) -> Place {
    let (line, column) = point(span.start);
    let (end_line, end_column) = point(span.end);
    Place { line, column, end_line, end_column }
}

/// The parser's error, with the hint that people need most for it.
fn explain(error: &ScanError, text: &str) -> Problem {
    let (line, column) = point(*error.marker());
    let at = Place::in_line(line, column, column + 1);
    let quote = "put the text in quotation marks";
    match error.kind() {
        ErrorKind::UnexpectedCharacter { character } => {
            Problem::new(at, format!("a plain text can't begin with `{}`", character.escape_debug())).hint(quote)
        }
        ErrorKind::UnknownAnchor => {
            Problem::new(at, "a plain text that begins with `*` is an alias, and no anchor has that name").hint(quote)
        }
        ErrorKind::InvalidBlockScalarHeader => {
            Problem::new(at, "`|` and `>` begin a block, whose text stands on the next lines")
                .hint("put a text that begins with `|` or `>` in quotation marks")
        }
        ErrorKind::MappingValueNotAllowed => Problem::new(at, "a second `: ` stands in one line")
            .hint("put a text that holds `: ` in quotation marks, or begin the next key on a new line"),
        ErrorKind::SimpleKeyExpected => Problem::new(at, "a `:` is missing after this key"),
        ErrorKind::InvalidBlockScalarIndent => {
            Problem::new(at, BLOCK_INDENT).hint("indent every line of the block by as many blanks as its first line")
        }
        ErrorKind::RecursionLimitExceeded => {
            Problem::new(at, format!("lists and maps are nested deeper than {MAX_DEPTH}"))
        }
        _ if tab_before(text, line, column) => Problem::new(at, format!("the YAML breaks at a tab: {}", error.info()))
            .hint("indent with blanks: YAML takes no tabs there"),
        _ => Problem::new(at, format!("this is no YAML: {}", error.info())),
    }
}

/// Whether the line is indented with a tab up to the place, or the next line is.
fn tab_before(text: &str, line: u32, column: u32) -> bool {
    let mut lines = text.split('\n').skip(line.saturating_sub(1) as usize);
    let here = lines.next().unwrap_or_default();
    let before: String = here.chars().take(column as usize).collect();
    before.contains('\t') || lines.next().is_some_and(|next| next.trim_start_matches(' ').starts_with('\t'))
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
