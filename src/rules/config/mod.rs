//! `huntd.yaml` to [`crate::model::config::Config`].
//!
//! What it promises: every problem is found at once, each with its place; what this version doesn't
//! serve yet is said, never taken in silence; a secret that stands in the file is refused and never
//! printed.
//!
//! # Beyond the reference
//!
//! - Every relative path is relative to the folder of the config.
//! - `email` takes `ca: {file: PATH}`: PEM certificates that are trusted besides the system's.
//!   `server` may be `smtp://host:587?tls=required`, the same with `tls=none`, `smtps://host:465`,
//!   or `file:///folder`, which writes each mail as a file.
//!
//! # Codes
//!
//! | code | level | says |
//! |---|---|---|
//! | C001 | error | it is no YAML, is over a limit, or is no single map |
//! | C002 | error | a key isn't known |
//! | C003 | error | a key is missing |
//! | C004 | error | a value has the wrong type or form |
//! | C005 | error | a secret stands in the file, or where it is kept can't be read |
//! | C006 | error | this version doesn't serve it yet |
//! | C007 | error | no channel has that name |
//! | C008 | warning | this version reads it, and doesn't act on it yet |
//! | C009 | error | no tenant has that name |
//! | C010 | error | an address can't be used |
//! | C011 | error | it is no mail address |
//! | C012 | error | the time zone isn't known |
//! | C013 | error | the schedule can't be read, or never comes |
//! | C014 | warning | nothing is there: no tenant, no channel |
//! | C015 | error | a word isn't one of those that the key takes |
//! | C016 | error | a password would cross the network in the clear |
//! | C017 | error | a file of tables can't be read, or a line of it |
//! | C018 | error | two keys don't go together |
//! | C019 | warning | metrics and health are served beyond this machine |

mod address;
mod channel;
mod directories;
mod load;
mod quota;
mod route;
mod schema;
mod secret;
mod section;
mod tenant;
mod upstream;

pub use directories::Directories;
pub use load::{default_hunt_defaults, load};
pub use schema::{Tables, table_file, unread_table_file};

#[cfg(test)]
mod tests;
