//! What commands print: JSON lines or text on stdout, everything else for a person on stderr.

use std::io::{self, IsTerminal, Write};

use comfy_table::{Cell, Color, ContentArrangement, Table, presets};

use super::exit::AppError;

/// How good it is what a cell says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Neither.
    Plain,
    /// As it should be.
    Good,
    /// Worth a look.
    Doubtful,
    /// Wrong.
    Bad,
}

/// Where and how a command prints.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// JSON lines instead of text.
    pub json: bool,
    /// Colours and widths of a terminal.
    pub terminal: bool,
}

impl Output {
    /// As the arguments and the terminal ask for: `NO_COLOR`, a pipe and `--json` are respected.
    #[must_use]
    pub fn new(json: bool) -> Self {
        let terminal = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { json, terminal: terminal && !json }
    }

    /// How many characters a line of stdout has: `COLUMNS`, else the terminal's width; `elsewhere` where it goes to none.
    #[must_use]
    pub fn width(self, elsewhere: usize) -> usize {
        let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|width| *width > 0);
        let width = || if io::stdout().is_terminal() { Table::new().width() } else { None };
        said.or_else(|| width().map(usize::from)).unwrap_or(elsewhere)
    }

    /// Prints a line on stdout. A reader that went away (`| head`) ends the command quietly.
    pub fn line(self, text: &str) -> Result<(), AppError> {
        let mut out = io::stdout().lock();
        checked(out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")))
    }

    /// Prints one JSON object as a line on stdout.
    pub fn object(self, value: &impl serde::Serialize) -> Result<(), AppError> {
        let text = serde_json::to_string(value).map_err(|e| AppError::plain(format!("can't print JSON: {e}")))?;
        self.line(&text)
    }

    /// Prints a line for a person on stderr.
    pub fn note(self, text: &str) -> Result<(), AppError> {
        let mut out = io::stderr().lock();
        checked(out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")))
    }

    /// As [`table`](Self::table), with cells that say by their colour how good it is what they say.
    pub fn toned_table(self, head: &[&str], rows: Vec<Vec<(String, Tone)>>) -> Result<(), AppError> {
        if !self.terminal {
            let plain = |row: Vec<(String, Tone)>| row.into_iter().map(|(text, _)| text).collect();
            return self.table(head, rows.into_iter().map(plain).collect());
        }
        let mut table = Table::new();
        let cell = |(text, tone): (String, Tone)| match tone {
            Tone::Plain => Cell::new(text),
            Tone::Good => Cell::new(text).fg(Color::Green),
            Tone::Doubtful => Cell::new(text).fg(Color::Yellow),
            Tone::Bad => Cell::new(text).fg(Color::Red),
        };
        let rows = rows.into_iter().map(|row| row.into_iter().map(cell).collect::<Vec<_>>());
        table.load_style(presets::NOTHING).set_header(head.to_vec()).add_rows(rows);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        self.line(&table.trim_fmt())
    }

    /// Prints a table on stdout, as wide as the terminal. Cells must be safe for a terminal.
    pub fn table(self, head: &[&str], rows: Vec<Vec<String>>) -> Result<(), AppError> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(head.to_vec()).add_rows(rows);
        if self.terminal {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        }
        self.line(&table.trim_fmt())
    }
}

/// A reader of stdout that went away.
pub const READER_GONE: &str = "the reader of the output went away";

fn checked(written: io::Result<()>) -> Result<(), AppError> {
    written.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => AppError::plain(READER_GONE),
        _ => AppError::plain(format!("can't write the output: {error}")),
    })
}
