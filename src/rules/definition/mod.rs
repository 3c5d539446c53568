//! YAML to hunts: layers, huntd's own shape, Sentinel's and Graph's, the place of every key.
//!
//! What it promises: every problem of every file is found at once, each with its place; a broken
//! file or document stops no other; nothing of a file in a foreign format is lost (what huntd
//! doesn't read is kept in `extra`); [`print()`] writes what [`load()`] reads.
//!
//! # Beyond the reference
//!
//! - The second and later documents of a file have the file's path and their number as default id:
//!   `folder/file#2`.
//! - `null` at a key undoes what a weaker layer says: the built-in default holds.
//! - Sentinel's near-real-time rules (`kind: NRT`), and Graph's rules of period `0`, run every five
//!   minutes over an hour: they name no frequency.
//! - Graph's periods cover four times as much as their frequency, and `24H` covers 30 days, as the
//!   service does it.
//! - `entities` (columns that come first in a notice) and `extra` (anything) are keys of huntd's
//!   own: `entityMappings` and what a foreign format has besides end up there.
//! - A `_defaults.yaml` gives no `id`, `name`, `query` or `tests`. Where one of its values is
//!   broken, the hunts that would take that value aren't loaded.
//!
//! # Codes
//!
//! | code | level | says |
//! |---|---|---|
//! | H001 | error | it is no YAML, or is over a limit |
//! | H002 | error | a key isn't known |
//! | H003 | error | a value has the wrong type or form |
//! | H004 | error | the query is missing or empty |
//! | H005 | error | the schedule can't be read, or never comes |
//! | H006 | error | the time zone isn't known |
//! | H008 | warning, error | the id can't be used, and the default id is taken; an error where that can't be used either |
//! | H009 | error | another hunt has the same id |
//! | H010 | error | a word isn't one of those that the key takes |
//! | H011 | warning | the severity isn't known, and medium is taken |
//! | H012 | warning | a single text, or nothing, stands where a list or an entry belongs |
//! | H013 | warning | a technique is no ATT&CK id |
//! | H014 | warning | a placeholder is left in the query |
//! | H015 | error, warning | key columns are missing, or are ignored as well |
//! | H016 | error | the threshold can't be read |
//! | H017 | error | `suppress` can't be read |
//! | H018 | error | a unit test has the wrong shape |
//! | H019 | error | an entry of `allow` can't be: no such code, no reason, or an error |
//! | H020 | error | the config has no tenant of that name |
//! | H021 | error | the config has no channel of that name |
//! | H022 | info | a key of a foreign format isn't known; it is kept |
//! | H023 | warning | a value of a foreign format can't be read; it is kept, and has no effect |
//! | H024 | error | a key can't stand in `_defaults.yaml` |
//! | H025 | error | a value comes from a `_defaults.yaml` in which it is broken |
//! | H026 | error, warning | a document is no map; a file holds no hunt |
//! | H027 | warning | the lookback is longer than the API's data reaches |
//! | H028 | error, warning | a file or folder can't be read |
//! | H029 | error | there are too many files |
//! | H030 | warning | `allow` silences a finding that isn't there (said by [`super::lint`]) |

mod custom_detection;
mod dialect;
mod file;
mod layers;
mod load;
mod names;
mod placeholder;
mod print;
mod read;
mod sentinel;
mod threshold;
mod values;

pub use file::{FileKind, HuntFile, file_kind};
pub use load::{HuntPlaces, LoadedHunts, Loading, Spot, load, load_each};
pub use names::check_names;
pub use print::{print, version};
pub use values::{schedule, zone};

#[cfg(test)]
mod tests;
