//! The log where stderr is the journal: entries with fields, and none that a value forged.

use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::time::Duration;

use crate::mounts;
use crate::stage::Stage;
use crate::support::Running;

/// Long enough for a machine with much else to do.
const LIMIT: Duration = Duration::from_mins(1);

/// Connects the daemon as systemd does: stderr is what `$JOURNAL_STREAM` says, and journald's socket is at its place.
const AS_A_SERVICE: &str = r"
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal
touch /run/systemd/journal/socket
mount --bind journal /run/systemd/journal/socket
exec 2>stderr.log
JOURNAL_STREAM=$(stat -c %d:%i stderr.log)
export JOURNAL_STREAM
exec $HUNTD daemon
";

/// An entry in journald's native protocol, each field with all its values.
fn entry(mut bytes: &[u8]) -> BTreeMap<String, Vec<String>> {
    let mut fields = BTreeMap::<String, Vec<String>>::new();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    while !bytes.is_empty() {
        let end = memchr::memchr(b'\n', bytes).unwrap();
        let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
        let (name, value) = if let Some(equals) = memchr::memchr(b'=', line) {
            bytes = rest;
            (text(&line[..equals]), text(&line[equals + 1..]))
        } else {
            let (length, rest) = rest.split_at(8);
            let length = usize::try_from(u64::from_le_bytes(length.try_into().unwrap())).unwrap();
            assert_eq!(rest[length], b'\n');
            bytes = &rest[length + 1..];
            (text(line), text(&rest[..length]))
        };
        fields.entry(name).or_default().push(value);
    }
    fields
}

#[test]
fn the_journal_has_fields_and_a_file_name_forges_none() {
    let stage = Stage::calm(1, "@daily");
    // Whoever pushes to the hunts chooses file names, and a line break may stand in one.
    stage.site.write(
        "hunts/x\nHUNTD_TENANT=forged\nPRIORITY=0\nMESSAGE=forged.yaml",
        "query: DeviceInfo\nschedul: \"@daily\"\n",
    );
    std::fs::create_dir(stage.site.file("disk")).unwrap();
    let journal = UnixDatagram::bind(stage.site.file("journal")).unwrap();
    journal.set_read_timeout(Some(LIMIT)).unwrap();
    let Some(mut command) = mounts::script(&stage.site, AS_A_SERVICE) else { return };
    let daemon = Running::of(command.env_remove("HUNTD_LOG_FORMAT").stdout(Stdio::null()).stderr(Stdio::null()));

    let mut entries = Vec::new();
    let mut bytes = vec![0; 1 << 20];
    while !entries.iter().any(|entry: &BTreeMap<_, Vec<String>>| entry["MESSAGE"][0].starts_with("huntd runs")) {
        let length = journal.recv(&mut bytes).unwrap();
        entries.push(entry(&bytes[..length]));
    }
    assert!(daemon.stop().success());

    for entry in &entries {
        assert!(entry.values().all(|values| values.len() == 1), "a field stands there twice: {entry:?}");
        assert!(!entry["MESSAGE"][0].contains(char::is_control), "{entry:?}");
        assert!(!entry.contains_key("HUNTD_TENANT"), "{entry:?}");
        assert_eq!(entry["SYSLOG_IDENTIFIER"], ["huntd"]);
    }
    let broken = entries.iter().find(|entry| entry.contains_key("HUNTD_FILE")).unwrap();
    assert!(broken["HUNTD_FILE"][0].contains("x\nHUNTD_TENANT=forged"), "the exact name: {broken:?}");
    assert_eq!(
        (broken["PRIORITY"][0].as_str(), broken["HUNTD_CODE"][0].as_str()),
        ("3", "H008"),
        "and no id of a hunt"
    );
    let runs = entries.last().unwrap();
    assert_eq!((runs["PRIORITY"][0].as_str(), runs["HUNTD_TENANTS"][0].as_str()), ("6", "1"));
    assert_eq!(runs["MESSAGE"], ["huntd runs hunts=1 tenants=1"]);
    assert_eq!(std::fs::read_to_string(stage.site.file("stderr.log")).unwrap(), "", "nothing is said twice");
}

#[test]
fn why_a_start_failed_is_an_error_in_the_journal() {
    let stage = Stage::calm(1, "@daily");
    stage.site.write("huntd.yaml", "timezone: Mars\n");
    std::fs::create_dir(stage.site.file("disk")).unwrap();
    let _journal = UnixDatagram::bind(stage.site.file("journal")).unwrap();
    let Some(mut command) = mounts::script(&stage.site, AS_A_SERVICE) else { return };
    let status = command.env_remove("HUNTD_LOG_FORMAT").stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(2));
    let said = std::fs::read_to_string(stage.site.file("stderr.log")).unwrap();
    let why = said.lines().find(|line| line.contains(" has an error")).unwrap();
    assert!(why.starts_with("<3>"), "{said}");
}
