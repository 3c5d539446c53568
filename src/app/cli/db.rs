//! `huntd db`: check the database, copy it, take away what is past its retention.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::app::args::{DbAction, DbArguments};
use crate::app::exit::{AppError, Exit};
use crate::app::output::Output;
use crate::app::progress::Progress;
use crate::app::{retention, setup};
use crate::model::config::Config;
use crate::model::time::format_duration;
use crate::ports::clock::{Clock, SystemClock};
use crate::ports::store::error::StoreError;
use crate::ports::store::{Checked, Complaint, Pruning, Step, Store};
use crate::rules::render::bytes::size;
use crate::rules::render::counted::counted;
use crate::rules::render::terminal::terminal_safe;

/// Of a file of an earlier version.
const TO_PRUNE_A_COPY: &str = "this database was made by a huntd that couldn't give room back: what goes makes room \
     within the file alone. To shorten it once: stop huntd, `huntd db backup NEW`, move NEW to its place, start huntd";

/// `huntd db`.
pub async fn run(path: &Path, arguments: &DbArguments, quiet: bool, output: Output) -> Result<Exit, AppError> {
    let (config, _) = setup::config(path, output)?;
    match &arguments.action {
        DbAction::Check => check(&config, quiet, output).await,
        DbAction::Backup { file } => {
            setup::history(&config, async |store| backup(store, file, output).await).await?;
            Ok(Exit::Done)
        }
        DbAction::Prune => {
            setup::history(&config, async |store| prune(store, &config, quiet, output).await).await?;
            Ok(Exit::Done)
        }
    }
}

/// A complaint, as `db check --json` prints it.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    complaint: &'a str,
    mend: &'a str,
}

async fn check(config: &Config, quiet: bool, output: Output) -> Result<Exit, AppError> {
    if config.database.exists()
        && let Err(StoreError::Damaged { why, .. }) = opened(config).await
    {
        let mend = "stop huntd and restore a backup, or move the file away: huntd then starts with an empty history";
        say(&Complaint { what: format!("the file can't be opened: {why}"), mend }, output)?;
        return Ok(Exit::Findings);
    }
    let found = setup::history(config, async |store| {
        let (mut progress, mut found, mut printed) = (Progress::new(quiet), 0_u64, Ok(()));
        let mut tell = |told: Checked| match told {
            Checked::Complaint(complaint) => {
                found += 1;
                progress.clear();
                if printed.is_ok() {
                    printed = say(&complaint, output);
                }
            }
            Checked::Progress { what, done, of } => progress.show(&format!("checking {what}: {done} of {of}")),
        };
        store.check_each(&mut tell).await?;
        progress.clear();
        printed.map(|()| found)
    });
    let found = found.await?;
    if found > 0 {
        output.note(&counted(found, "complaint"))?;
        return Ok(Exit::Findings);
    }
    output.note("the database is sound")?;
    Ok(Exit::Done)
}

/// Whether the database can be opened.
async fn opened(config: &Config) -> Result<(), StoreError> {
    Store::open_existing(&config.database).await?.close().await
}

fn say(complaint: &Complaint, output: Output) -> Result<(), AppError> {
    let Complaint { what, mend } = complaint;
    if output.json {
        return output.object(&Listed { complaint: what, mend });
    }
    output.line(&terminal_safe(&format!("{what} ({mend})")))
}

async fn backup(store: &Store, file: &Path, output: Output) -> Result<(), AppError> {
    if file.exists() {
        return Err(AppError::new(
            format!("{} is there already", file.display()),
            "name another file: a backup never overwrites",
        ));
    }
    let clock = SystemClock::new();
    let bytes = store.backup(file).await?;
    let took = clock.steady();
    if output.json {
        let file = file.display().to_string();
        return output.object(&serde_json::json!({"file": file, "bytes": bytes, "took_ms": took.as_millis()}));
    }
    output.line(&format!("{}: {}, in {}", file.display(), size(bytes), format_duration(rounded(took))))
}

async fn prune(store: &Store, config: &Config, quiet: bool, output: Output) -> Result<(), AppError> {
    let now = retention::moment(store, SystemClock::new().now()).await?;
    let mut pruning = Pruning::new(now, config.retention.rows, config.retention.runs);
    let mut progress = Progress::new(quiet);
    while store.prune_step(&mut pruning).await? != Step::Done {
        let (pruned, freed) = (pruning.pruned, pruning.space.freed);
        progress.show(&format!("{} blocks and {} runs gone, {} back", pruned.blocks, pruned.runs, size(freed)));
    }
    progress.clear();
    let (pruned, space) = (pruning.pruned, pruning.space);
    if output.json {
        output.object(&serde_json::json!({
            "blocks": pruned.blocks, "runs": pruned.runs, "versions": pruned.versions,
            "freed_bytes": space.freed, "free_bytes": space.free, "gives_back": space.gives,
        }))?;
    } else {
        output.line(&format!(
            "gone: {}, {}, {}",
            count(pruned.blocks, "block of rows", "blocks of rows"),
            count(pruned.runs, "run", "runs"),
            count(pruned.versions, "old version of a hunt", "old versions of hunts"),
        ))?;
        output.line(&format!(
            "given back to the file system: {}; free in the file: {}",
            size(space.freed),
            size(space.free)
        ))?;
    }
    if space.gives { Ok(()) } else { output.note(TO_PRUNE_A_COPY) }
}

fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// To the millisecond where it is short, else to the second.
fn rounded(took: Duration) -> Duration {
    if took < Duration::from_secs(10) {
        Duration::from_millis(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
    } else {
        Duration::from_secs(took.as_secs())
    }
}
