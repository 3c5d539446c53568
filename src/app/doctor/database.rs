//! The database and its disk.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use super::super::exit::AppError;
use super::files::{folder_of, writable};
use super::report::Report;
use super::system::Units;
use crate::model::config::Config;
use crate::ports::store::error::StoreError;
use crate::ports::store::{Checked, Store};
use crate::rules::doctor::{Check, State, Verdict, files, room};

/// How long the database is read for; what is larger is left to `db check`.
const LIMIT: Duration = Duration::from_secs(30);

/// The store, where there is one that can be used; and why the quota's ledger can't be had, where there is none.
pub enum Opened {
    /// It is there.
    Store(Store),
    /// There is none to count calls in.
    None(&'static str),
}

/// Whether the database is whole, and has room.
pub async fn checks(config: &Config, units: &Units, report: &mut Report) -> Result<Opened, AppError> {
    let path = &config.database;
    report.begin(Check::Database, &path.display().to_string());
    let (verdict, opened) = database(path, units, report).await;
    report.tell(Check::Database, "", verdict)?;
    report.tell(Check::Space, "", space(path))?;
    Ok(opened)
}

async fn database(path: &Path, units: &Units, report: &mut Report) -> (Verdict, Opened) {
    let folder = folder_of(path);
    if units.will_make(folder) {
        let verdict = Verdict::skipped(
            format!("{} isn't there yet", folder.display()),
            "nothing to mend before the first start: systemd makes it, and the daemon the database",
        );
        return (verdict, Opened::None("there is no database yet"));
    }
    if let Err(why) = writable(folder) {
        let verdict = Verdict::failed(
            format!("{} can't be written: {why}", folder.display()),
            "make the folder and give it to huntd's user, with mode 0700 (the unit's StateDirectory= does that for /var/lib/huntd), and see that its disk isn't mounted read-only",
        );
        return (verdict, Opened::None("the database can't be written"));
    }
    let Ok(meta) = std::fs::metadata(path) else {
        let verdict = Verdict::skipped(
            format!("{} doesn't exist yet", path.display()),
            "nothing to mend before the first start: the daemon and `huntd run` make it",
        );
        return (verdict, Opened::None("there is no database yet"));
    };
    let of_folder = std::fs::metadata(folder).map_or(meta.uid(), |folder| folder.uid());
    if let Some(verdict) = files::strange_owner(path, meta.uid(), of_folder) {
        return (verdict, Opened::None("the database isn't huntd's"));
    }
    match Store::open_existing(path).await {
        Ok(store) => {
            let verdict = whole(&store, path, report).await;
            let is_damaged = verdict.state == State::Failed;
            (verdict, if is_damaged { Opened::None("the database is damaged") } else { Opened::Store(store) })
        }
        Err(error) => (failed(&error), Opened::None("the database can't be opened")),
    }
}

/// Reads everything, as far as that goes in [`LIMIT`]; tells the first complaint, and counts them.
async fn whole(store: &Store, path: &Path, report: &mut Report) -> Verdict {
    let (mut first, mut count) = (None, 0_u64);
    let progress = report.progress();
    let mut tell = |told: Checked| match told {
        Checked::Complaint(complaint) => {
            count += 1;
            first.get_or_insert(complaint);
        }
        Checked::Progress { what, done, of } => progress.show(&format!("checking {what}: {done} of {of}")),
    };
    let checked = tokio::time::timeout(LIMIT, store.check_each(&mut tell)).await;
    if let Some(complaint) = first {
        let more = if count > 1 { format!(" (and {} more: see `huntd db check`)", count - 1) } else { String::new() };
        return Verdict::failed(format!("{}{more}", complaint.what), complaint.mend);
    }
    let name = path.display();
    match checked {
        Ok(Ok(())) => Verdict::ok(format!("{name} is sound")),
        Ok(Err(error)) => failed(&error),
        Err(_) => {
            Verdict::ok(format!("{name} is sound, as far as half a minute goes; `huntd db check` reads all of it"))
        }
    }
}

fn failed(error: &StoreError) -> Verdict {
    let hint = error.hint().unwrap_or("see `huntd db check`, and the kernel's log for the disk (`dmesg`)");
    Verdict::failed(error.to_string(), hint)
}

fn space(database: &Path) -> Verdict {
    // Where it isn't there yet, it will be on the disk of what is.
    let folder = folder_of(database);
    let folder = folder.ancestors().find(|above| above.is_dir()).unwrap_or(folder);
    let used = std::fs::metadata(database).map_or(0, |meta| meta.len());
    match rustix::fs::statvfs(folder) {
        Ok(disk) => room::judge(folder, disk.f_bavail.saturating_mul(disk.f_frsize), used),
        Err(error) => Verdict::failed(
            format!("can't ask for the space left in {}: {error}", folder.display()),
            "make the folder, and let huntd's user into it",
        ),
    }
}
