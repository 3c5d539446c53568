//! Whether a disk has room for what comes.

use std::path::Path;

use super::line::Verdict;
use crate::rules::render::bytes::size;

/// Below this the next large run may find the disk full.
const LEAST: u64 = 100_000_000;
/// Below this a person should look while there is time.
const ENOUGH: u64 = 1_000_000_000;

/// The disk of `folder`, on which `free` bytes are left to huntd and the database takes `used`.
#[must_use]
pub fn judge(folder: &Path, free: u64, used: u64) -> Verdict {
    let (free_for_a_person, name) = (size(free), folder.display());
    let mend = "free some space, shorten `retention:` in the config, or move `database:` to a larger disk";
    if free < LEAST {
        return Verdict::failed(format!("{free_for_a_person} left in {name}: the next runs may not be stored"), mend);
    }
    if free < ENOUGH {
        return Verdict::warning(format!("{free_for_a_person} left in {name}"), mend);
    }
    if free < used {
        return Verdict::warning(
            format!("{free_for_a_person} left in {name}, less than the database has itself ({})", size(used)),
            format!("a backup beside it has no room: back up to another disk, or {mend}"),
        );
    }
    Verdict::ok(format!("{free_for_a_person} left in {name}, and the database takes {}", size(used)))
}

#[cfg(test)]
mod tests {
    use super::super::line::State;
    use super::*;

    #[test]
    fn room_runs_out_in_steps() {
        let cases = [
            (99_999_999, 0, State::Failed),
            (100_000_000, 0, State::Warning),
            (999_999_999, 0, State::Warning),
            (1_000_000_000, 0, State::Ok),
            (5_000_000_000, 5_000_000_000, State::Ok),
            (5_000_000_000, 5_000_000_001, State::Warning),
        ];
        for (free, used, state) in cases {
            let verdict = judge(Path::new("/var/lib/huntd"), free, used);
            assert_eq!(verdict.state, state, "{free} {used}: {}", verdict.message);
            assert_eq!(verdict.hint.is_none(), state == State::Ok);
        }
    }
}
