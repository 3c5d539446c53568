//! Hits, printed one after the other in the form that is asked for.

use crate::app::args::HitsFormat;
use crate::app::exit::AppError;
use crate::app::output::Output;
use crate::model::hit::Hit;
use crate::rules::filter::{Column, Unmet};
use crate::rules::render::counted::counted;
use crate::rules::render::hit_table::HitTable;
use crate::rules::render::sheet::{Columns, MOST, Sheet};
use crate::rules::render::{json, record};

/// Prints hits.
pub(super) struct Printer {
    output: Output,
    form: Form,
    printed: u64,
    is_headed: bool,
}

enum Form {
    /// A line a hit, for a person.
    Lines,
    Json,
    Table(HitTable),
    /// CSV, before its first record.
    Columns(Columns),
    /// CSV; with all columns that were met, where those are the columns, and how many hits had others.
    Csv(Sheet, Option<Columns>, u64),
}

impl Printer {
    /// `None` for a line a hit; `columns` where they are asked for.
    pub(super) fn new(format: Option<HitsFormat>, columns: Option<Vec<Column>>, output: Output) -> Self {
        let form = match (format, columns) {
            (None, _) => Form::Lines,
            (Some(HitsFormat::Json), _) => Form::Json,
            // A pipe is as wide as it needs to be.
            (Some(HitsFormat::Table), columns) => Form::Table(HitTable::new(columns, output.width(usize::MAX))),
            (Some(HitsFormat::Csv), None) => Form::Columns(Columns::default()),
            (Some(HitsFormat::Csv), Some(columns)) => Form::Csv(Sheet::new(columns), None, 0),
        };
        Self { output, form, printed: 0, is_headed: false }
    }

    /// Whether it wants to meet all hits before it prints the first.
    pub(super) const fn wants_columns(&self) -> bool {
        matches!(self.form, Form::Columns(_))
    }

    /// Takes note of a hit's columns, where it wants to.
    pub(super) fn meet(&mut self, hit: &Hit) -> Result<(), AppError> {
        let Form::Columns(columns) = &mut self.form else { return Ok(()) };
        if columns.meet(hit) {
            return Ok(());
        }
        Err(AppError::new(
            format!("the hits have more than {MOST} different columns"),
            "choose some with `--columns`, or fewer hunts; `--json` prints each row as it is",
        ))
    }

    /// Prints a hit.
    pub(super) fn hit(&mut self, hit: &Hit) -> Result<(), AppError> {
        self.head()?;
        self.printed += 1;
        let text = match &mut self.form {
            Form::Lines | Form::Columns(_) => record::hit_line(hit) + "\n",
            Form::Json => json::line(hit, None) + "\n",
            Form::Table(table) => table.add(hit),
            Form::Csv(sheet, met, others) => {
                *others += u64::from(met.as_ref().is_some_and(|met| !met.has_all(hit)));
                sheet.record(hit)
            }
        };
        self.print(&text)
    }

    /// Prints what is left, and says what there is to say; gives the columns that were asked for and that no
    /// hit had.
    pub(super) fn end(mut self) -> Result<Vec<Unmet>, AppError> {
        self.head()?;
        let (rest, left_out) = if let Form::Table(table) = &mut self.form { table.end() } else { Default::default() };
        self.print(&rest)?;
        if let Form::Csv(_, _, others @ 1..) = self.form {
            let text = format!("{others} hits have columns that came while this was printed: print it again");
            self.output.note(&text)?;
        }
        if matches!(self.form, Form::Lines | Form::Table(_)) {
            let more = match left_out {
                0 => String::new(),
                1 => "; 1 more column: choose with `--columns`".to_owned(),
                more => format!("; {more} more columns: choose with `--columns`"),
            };
            self.output.note(&format!("{}{more}", counted(self.printed, "hit")))?;
        }
        Ok(match &self.form {
            Form::Table(table) => table.unmet(),
            Form::Csv(sheet, _, _) => sheet.unmet(),
            Form::Lines | Form::Json | Form::Columns(_) => Vec::new(),
        })
    }

    /// Prints the first record of a CSV, once.
    fn head(&mut self) -> Result<(), AppError> {
        if std::mem::replace(&mut self.is_headed, true) {
            return Ok(());
        }
        if let Form::Columns(columns) = &mut self.form {
            let columns = std::mem::take(columns);
            self.form = Form::Csv(Sheet::new(columns.all()), Some(columns), 0);
        }
        match &self.form {
            Form::Csv(sheet, _, _) => self.print(&sheet.heading()),
            _ => Ok(()),
        }
    }

    /// Prints whole lines.
    fn print(&self, lines: &str) -> Result<(), AppError> {
        match lines.strip_suffix('\n') {
            Some(lines) => self.output.line(lines),
            None => Ok(()),
        }
    }
}
