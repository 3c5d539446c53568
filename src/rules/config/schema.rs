//! `schema`: what hunts may name beside the tables that Defender itself has.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::section::{Context, Section};
use crate::model::config::SchemaConfig;
use crate::model::place::{Finding, Place};
use crate::rules::check::notes::Notes;
use crate::rules::kql::types::Type;
use crate::rules::yaml::{self, Entry, Node, Problem};

/// Tables, each with its columns and their types as KQL names them.
pub type Tables = BTreeMap<String, Vec<(String, String)>>;

const KEYS: [&str; 3] = ["workspace", "files", "tables"];
/// The types that a column may have.
const TYPES: [&str; 10] =
    ["bool", "int", "long", "real", "decimal", "string", "datetime", "timespan", "guid", "dynamic"];

pub(super) fn schema(context: &mut Context, node: &Node, what: &str) -> Option<SchemaConfig> {
    let section = Section::open(context, node, what, &KEYS)?;
    let workspace = section.read(context, "workspace", |context, node, what| context.keep(yaml::boolean(node, what)));
    Some(SchemaConfig {
        workspace: workspace.unwrap_or_default(),
        files: section.read(context, "files", files).unwrap_or_default(),
        tables: section.read(context, "tables", tables).unwrap_or_default(),
    })
}

fn files(context: &mut Context, node: &Node, what: &str) -> Option<Vec<PathBuf>> {
    let words = context.words(node, what)?;
    Some(words.into_iter().map(|(_, path)| context.path(&path)).collect())
}

fn tables(context: &mut Context, node: &Node, what: &str) -> Option<Tables> {
    let mut tables = BTreeMap::new();
    for entry in context.keep(yaml::map(node, what))? {
        name(context, &entry.key, entry.key_place, "table");
        let what = format!("{what}.{}", entry.key);
        let Some(columns) = context.keep(yaml::map(&entry.value, &what)) else { continue };
        let columns: Vec<_> = columns.iter().filter_map(|column| self::column(context, column, &what)).collect();
        tables.insert(entry.key.clone(), columns);
    }
    Some(tables)
}

fn column(context: &mut Context, entry: &Entry, table: &str) -> Option<(String, String)> {
    name(context, &entry.key, entry.key_place, "column");
    let word = context.text(&entry.value, &format!("{table}.{}", entry.key))?;
    let types = TYPES.map(|name| (name, name));
    // Other names of the same types are fine; what is none gets the error that names them all.
    if let Some(ty) = Type::named(&word.to_ascii_lowercase()) {
        return Some((entry.key.clone(), ty.name().to_owned()));
    }
    context.choice(&entry.value, &format!("{table}.{}", entry.key), &types).map(|ty| (entry.key.clone(), ty.to_owned()))
}

fn name(context: &mut Context, name: &str, place: Place, what: &str) {
    let sound = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' '));
    if !sound {
        let message = format!("`{}` can't be the name of a {what}", name.escape_debug());
        context.notes.error("C004", Problem::new(place, message));
    }
}

/// Reads a file of tables: a table, a column and a type a line, parted by tabs. Lines that are empty or
/// begin with `#` are left out, as is what stands after the type. `file` is its path as it was given.
pub fn table_file(file: &Path, bytes: &[u8]) -> Result<Tables, Vec<Finding>> {
    let mut notes = Notes::new(file);
    let mut tables = Tables::new();
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    for (number, line) in (1_u32..).zip(text.lines()) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        match row(line) {
            Ok((table, column, ty)) => {
                tables.entry(table.to_owned()).or_default().push((column.to_owned(), ty.name().to_owned()));
            }
            Err(message) => {
                let length = u32::try_from(line.chars().count()).unwrap_or(u32::MAX);
                let problem = Problem::new(Place::in_line(number, 1, length.saturating_add(1)), message);
                notes.error("C017", problem.hint("write a table, a column and a type, parted by tabs"));
            }
        }
    }
    if notes.has_errors() { Err(notes.into_findings()) } else { Ok(tables) }
}

/// The finding of a file of tables that can't be read at all.
#[must_use]
pub fn unread_table_file(file: &Path, why: &str) -> Vec<Finding> {
    let mut notes = Notes::new(file);
    let problem = Problem::new(Place::START, format!("the file of tables can't be read: {why}"));
    notes.error("C017", problem.hint("name a file that exists and that you may read"));
    notes.into_findings()
}

fn row(line: &str) -> Result<(&str, &str, Type), String> {
    let mut fields = line.split('\t').map(str::trim);
    let (table, column, ty) = (fields.next(), fields.next(), fields.next());
    let (Some(table), Some(column), Some(ty)) = (table, column, ty) else {
        return Err("a line has a table, a column and a type, and here is less".to_owned());
    };
    let ty = Type::named(&ty.to_ascii_lowercase())
        .ok_or_else(|| format!("`{}` is no type: one of {}", ty.escape_debug(), TYPES.join(", ")))?;
    if table.is_empty() || column.is_empty() {
        return Err("the name of a table or column is empty".to_owned());
    }
    Ok((table, column, ty))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::config::{Directories, load};

    fn read(text: &str) -> Result<SchemaConfig, Vec<String>> {
        let text = format!("tenants: {{}}\nschema: {text}\n");
        let line = |f: &Finding| format!("{} {}:{} {}", f.code, f.place.line, f.place.column, f.message);
        load(Path::new("etc/huntd.yaml"), text.as_bytes(), &Directories::default())
            .map(|(config, _)| config.schema)
            .map_err(|findings| findings.iter().filter(|f| f.code != "C014").map(line).collect())
    }

    #[test]
    fn a_schema_is_read() {
        let schema =
            read("{workspace: yes, files: [a.tsv], tables: {T_CL: {A: datetime, B b: int64, C: Bool}}}").unwrap();
        assert!(schema.workspace);
        assert_eq!(schema.files, [Path::new("etc/a.tsv")]);
        let columns = [("A", "datetime"), ("B b", "long"), ("C", "bool")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(schema.tables["T_CL"], columns);
        assert_eq!(read("{files: []}").unwrap(), SchemaConfig::default());
    }

    #[test]
    fn a_wrong_schema_is_named() {
        for (text, expected) in [
            ("{workspac: true}", "C002 2:10 `schema` has no key `workspac`"),
            ("{workspace: perhaps}", "C004 2:21 `schema.workspace` must be true or false, and here is a text"),
            ("{tables: {T: {A: strin}}}", "C015 2:26 `schema.tables.T.A` takes no `strin`"),
            ("{tables: {T: [A]}}", "C004 2:22 `schema.tables.T` must be a map, and here is a list"),
            ("{tables: {\"T|\": {A: int}}}", "C004 2:19 `T|` can't be the name of a table"),
        ] {
            assert_eq!(read(text).unwrap_err(), [expected], "{text}");
        }
    }

    #[test]
    fn a_file_of_tables_is_read_line_by_line() {
        let tables = table_file(Path::new("t.tsv"), b"# mine\n\nT_CL\tA\tstring\r\nT_CL\tB\tlong\tnote\n").unwrap();
        assert_eq!(tables["T_CL"].len(), 2);
        let found = table_file(Path::new("t.tsv"), b"T\tA\tstring\nT A string\nT\tB\ttext\n").unwrap_err();
        let lines: Vec<_> = found.iter().map(|finding| (finding.code, finding.place.line)).collect();
        assert_eq!(lines, [("C017", 2), ("C017", 3)]);
        assert_eq!(unread_table_file(Path::new("x"), "gone")[0].code, "C017");
    }
}
