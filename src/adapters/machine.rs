//! What the system says of the disk and of this process.

use std::path::Path;
use std::time::Duration;

use rustix::time::ClockId;

use crate::model::time::Timestamp;
use crate::rules::metrics::{Process, Room};

/// Room for the database, as far as the system says.
#[must_use]
pub fn room(database: &Path) -> Room {
    let length = |path: &Path| std::fs::metadata(path).ok().map(|file| file.len());
    let mut wal = database.as_os_str().to_owned();
    wal.push("-wal");
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let disk = rustix::fs::statvfs(folder).ok();
    Room {
        database: length(database),
        wal: length(Path::new(&wal)),
        free: disk.as_ref().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
        size: disk.map(|disk| disk.f_blocks.saturating_mul(disk.f_frsize)),
    }
}

/// What this process takes, as far as the system says.
#[must_use]
pub fn process(started: Timestamp) -> Process {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse::<u64>().ok());
    // CPU time, and no time of day: the clock's port has no part in it.
    let cpu = rustix::time::clock_gettime(ClockId::ProcessCPUTime);
    let nanos = u32::try_from(cpu.tv_nsec).unwrap_or_default();
    Process {
        started: Some(started),
        cpu: Some(Duration::new(u64::try_from(cpu.tv_sec).unwrap_or_default(), nanos)),
        resident: kib.map(|kib| kib.saturating_mul(1024)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_tells() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("huntd.db");
        assert_eq!(room(&database).database, None);
        std::fs::write(&database, "12345").unwrap();
        let room = room(&database);
        assert_eq!((room.database, room.wal), (Some(5), None));
        assert!(room.free > Some(0) && room.free <= room.size, "{room:?}");
        assert_eq!(super::room(Path::new("/nowhere/at/all")).free, None);
        let process = process(Timestamp::EPOCH);
        assert!(process.resident > Some(1 << 20) && process.cpu > Some(Duration::ZERO), "{process:?}");
    }
}
