//! What queries are checked against: the schema of a config, with its files of tables.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::model::config::{Config, SchemaConfig};
use crate::model::place::Finding;
use crate::rules::config::{Tables, table_file, unread_table_file};
use crate::rules::lint::World;

/// The most bytes of a file of tables: the whole of a large workspace has under a megabyte.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The world of a config, and what of its files can't be read.
#[must_use]
pub fn world(config: &Config) -> (World, Vec<Finding>) {
    let (tables, findings) = read(&config.schema.files);
    (World::of(config, &tables), findings)
}

/// The world of a schema, without a config.
#[must_use]
pub fn world_without(schema: &SchemaConfig) -> (World, Vec<Finding>) {
    let (tables, findings) = read(&schema.files);
    (World::with(schema, &tables), findings)
}

fn read(files: &[PathBuf]) -> (Vec<Tables>, Vec<Finding>) {
    let (mut tables, mut findings) = (Vec::new(), Vec::new());
    for file in files {
        match bytes(file).map_or_else(|why| Err(unread_table_file(file, &why)), |bytes| table_file(file, &bytes)) {
            Ok(read) => tables.push(read),
            Err(found) => findings.extend(found),
        }
    }
    (tables, findings)
}

/// Only regular files are opened, as a pipe would be waited for.
fn bytes(file: &Path) -> Result<Vec<u8>, String> {
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is no file".to_owned());
    }
    if metadata.len() > MAX_BYTES {
        return Err(format!("it has {} bytes, and {MAX_BYTES} is the most", metadata.len()));
    }
    let mut bytes = Vec::new();
    let open = std::fs::File::open(file).map_err(|error| error.to_string())?;
    open.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}
