//! Answers as the service gives them: a seeded generator of process events, in either dialect.
//!
//! Each row is made of the seed and its own number alone, so two answers that share numbers share rows. Nothing is read
//! and no clock is asked: the same call gives the same bytes on every machine. The rows have the columns of
//! `DeviceProcessEvents` that hunts keep, some 660 bytes each, and repeat themselves about as much as real ones do: few
//! programs, some thousand devices and users, command lines that are half template and half chance.

#![allow(dead_code, reason = "each bench uses its part")]

use std::io::Write as _;
use std::ops::Range;

use fastrand::Rng;

/// The columns, with the types that the schema gives them.
pub(crate) const COLUMNS: [(&str, &str); 12] = [
    ("Timestamp", "DateTime"),
    ("DeviceId", "String"),
    ("DeviceName", "String"),
    ("ActionType", "String"),
    ("FileName", "String"),
    ("FolderPath", "String"),
    ("SHA256", "String"),
    ("ProcessCommandLine", "String"),
    ("AccountName", "String"),
    ("InitiatingProcessFileName", "String"),
    ("ReportId", "Int64"),
    ("AdditionalFields", "Object"),
];

/// The columns by which a hunt over these events knows a row again.
pub(crate) const KEY: [&str; 3] = ["Timestamp", "DeviceId", "ReportId"];

/// Which API writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `schema`, `results`; 64-bit numbers and bags carry their types.
    Graph,
    /// `Stats`, `Schema`, `Results`; bags are texts.
    Defender,
}

impl Dialect {
    /// As huntd's config names it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Graph => "graph",
            Self::Defender => "defender",
        }
    }
}

/// Which rows an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content {
    /// The number of the first. Moved on, an answer loses its oldest rows and has as many new ones at the end.
    pub(crate) first: u64,
    /// How many there are.
    pub(crate) rows: u64,
    /// Of so many rows one has another value under the same key; zero: none has.
    pub(crate) changed: u64,
}

/// An answer's body.
#[derive(Debug)]
pub(crate) struct Answer {
    /// One JSON object.
    pub(crate) body: Vec<u8>,
    /// Where its rows stand in it, in order.
    pub(crate) rows: Vec<Range<usize>>,
}

impl Answer {
    /// The rows' bytes, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.rows.iter().map(|at| self.body.get(at.clone()).unwrap_or_default())
    }
}

/// Makes an answer.
pub(crate) fn answer(dialect: Dialect, content: Content) -> Answer {
    let mut body = Vec::with_capacity(usize::try_from(content.rows).unwrap_or(0) * 700 + 4096);
    body.extend_from_slice(&opening(dialect, content.rows));
    let mut rows = Vec::new();
    for number in content.first..content.first + content.rows {
        if number > content.first {
            body.push(b',');
        }
        let start = body.len();
        let changed = content.changed > 0 && number.is_multiple_of(content.changed);
        Event::of(number, changed).write(dialect, &mut body);
        rows.push(start..body.len());
    }
    body.extend_from_slice(b"]}");
    Answer { body, rows }
}

/// What stands before the first row.
fn opening(dialect: Dialect, rows: u64) -> Vec<u8> {
    let (name, kind, key) = match dialect {
        Dialect::Graph => ("name", "type", "schema"),
        Dialect::Defender => ("Name", "Type", "Schema"),
    };
    let columns: Vec<String> =
        COLUMNS.iter().map(|(column, of)| format!(r#"{{"{name}":"{column}","{kind}":"{of}"}}"#)).collect();
    let schema = format!(r#""{key}":[{}]"#, columns.join(","));
    let text = match dialect {
        Dialect::Graph => format!(
            r#"{{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.security.huntingQueryResults",{schema},"results":["#
        ),
        Dialect::Defender => format!(
            r#"{{"Stats":{{"ExecutionTime":1.5,"resource_usage":{{"cache":{{"memory":{{"hits":12,"misses":3,"total":15}},"disk":{{"hits":0,"misses":0,"total":0}}}},"cpu":{{"user":"00:00:01.2031250","kernel":"00:00:00","total cpu":"00:00:01.2031250"}},"memory":{{"peak_per_node":236822432}}}},"dataset_statistics":[{{"table_row_count":{rows},"table_size":{}}}]}},{schema},"Results":["#,
            rows * 660
        ),
    };
    text.into_bytes()
}

/// The programs that events are of, with the folder of each.
const PROGRAMS: [(&str, &str); 8] = [
    ("powershell.exe", "C:\\Windows\\System32"),
    ("cmd.exe", "C:\\Windows\\System32"),
    ("rundll32.exe", "C:\\Windows\\System32"),
    ("svchost.exe", "C:\\Windows\\System32"),
    ("wscript.exe", "C:\\Windows\\SysWOW64"),
    ("mshta.exe", "C:\\Windows\\System32"),
    ("regsvr32.exe", "C:\\Windows\\SysWOW64"),
    ("msbuild.exe", "C:\\Windows\\SysWOW64"),
];
const DEVICES: u64 = 2000;
const USERS: u64 = 3000;
/// Files that most events are of; the others have hashes that come once.
const KNOWN_FILES: u64 = 500;
/// 2024-01-01T00:00:00Z: before any window of a run that is made now, so that no row that an answer lacks is gone.
const BEGINNING: u64 = 1_704_067_200;
/// Milliseconds from one event to the next.
const STEP: u64 = 250;

/// One event, before it is written.
struct Event {
    number: u64,
    rng: Rng,
    changed: bool,
}

impl Event {
    fn of(number: u64, changed: bool) -> Self {
        // Spread, so that neighbours don't begin alike.
        Self { number, rng: Rng::with_seed(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x6875_6e74), changed }
    }

    fn write(mut self, dialect: Dialect, out: &mut Vec<u8>) {
        let device = self.rng.u64(..DEVICES);
        let (file, folder) = self.program();
        let (time, hash, command) = (self.time(), self.hash(), self.command(file));
        let account = self.rng.u64(..USERS);
        let account = if self.changed { USERS + account } else { account };
        let (parent, _) = self.program();
        let level = self.rng.choice(["High", "Medium", "System"]).unwrap_or_default();
        let folder = escaped(&format!("{folder}\\{file}"));
        let (sidecar, bag) = match dialect {
            Dialect::Graph => (
                r##""ReportId@odata.type":"#Int64","##,
                format!(r##"{{"@odata.type":"#microsoft.graph.security.dynamicColumnValue","Integrity":"{level}"}}"##),
            ),
            Dialect::Defender => {
                let text = format!(r#"{{"Integrity":"{level}"}}"#);
                ("", format!("\"{}\"", escaped(&text)))
            }
        };
        let row = format!(
            r#"{{"Timestamp":"{time}","DeviceId":"{:040x}","DeviceName":"srv-{device:04}.corp.example","ActionType":"ProcessCreated","FileName":"{file}","FolderPath":"{folder}","SHA256":"{hash}","ProcessCommandLine":"{}","AccountName":"user{account}","InitiatingProcessFileName":"{parent}",{sidecar}"ReportId":{},"AdditionalFields":{bag}}}"#,
            u128::from(device + 1) * 0x001f_3a5b_7c9d_0e2f_4a6b_8c9d,
            escaped(&command),
            self.number,
        );
        out.extend_from_slice(row.as_bytes());
    }

    fn program(&mut self) -> (&'static str, &'static str) {
        self.rng.choice(PROGRAMS).unwrap_or_default()
    }

    /// Event time: it rises with the number, as a tenant's does.
    fn time(&mut self) -> String {
        let ticks = (BEGINNING * 1000 + self.number * STEP) * 10_000 + self.rng.u64(..STEP * 10_000);
        let seconds = i64::try_from(ticks / 10_000_000).unwrap_or_default();
        let at = chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default();
        format!("{}.{:07}Z", at.format("%Y-%m-%dT%H:%M:%S"), ticks % 10_000_000)
    }

    /// Three in ten are of a file that nobody saw before.
    fn hash(&mut self) -> String {
        let rare = self.rng.u8(..10) < 3;
        let mut of = if rare { self.rng.fork() } else { Rng::with_seed(self.rng.u64(..KNOWN_FILES)) };
        format!("{:032x}{:032x}", of.u128(..), of.u128(..))
    }

    fn command(&mut self, file: &str) -> String {
        let mut command = format!(
            r#""C:\Windows\System32\{file}" -NoProfile -File "C:\ProgramData\Agent\task_{}.ps1" -Arg "#,
            self.rng.u16(..5000)
        )
        .into_bytes();
        command.extend(std::iter::repeat_with(|| self.rng.alphanumeric() as u8).take(32));
        // A Vec takes every byte.
        write!(command, " --session {:08x}", self.rng.u32(..)).unwrap_or_default();
        String::from_utf8(command).unwrap_or_default()
    }
}

/// A text inside a JSON string. There are no control characters here.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
