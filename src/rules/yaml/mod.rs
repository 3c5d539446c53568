//! YAML with places: text to a tree in which every key and value knows where it stands, and back.
//!
//! The one module that names a YAML library, so that another can take its place. What it promises:
//!
//! - a broken document spoils no other document of its file;
//! - a key that stands twice is refused, with both places;
//! - a file can't make huntd spend much: aliases, depth and size have limits with a clear message;
//! - what editors do to files (a byte order mark, Windows line ends, tabs, blanks on empty lines,
//!   no line end at the end) changes nothing.

mod node;
mod origin;
mod parse;
mod problem;
mod read;
mod write;

pub use node::{Entry, Node, Scalar, ScalarKind, Style, Value};
pub use origin::Origin;
pub use parse::{Document, MAX_BYTES, parse};
pub use problem::Problem;
pub use read::{Words, boolean, count, duration, map, text, word_list};
pub use write::{block_text, flow_json, quoted, word};
