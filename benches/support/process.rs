//! One process, measured: what it and its own children used of CPU and memory.
//!
//! The kernel tells that of all children together once they ended, and of memory only the greatest peak. So each
//! measured process gets a parent of its own: this bench once more, started with [`MEASURE`], which has no other child.
//! That parent is small, which matters too: until a process is its own program, its peak counts its parent's pages.

use std::error::Error;
use std::ffi::OsString;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use nix::time::{ClockId, clock_gettime};

/// The argument that makes this bench the parent of what stands behind it.
pub(crate) const MEASURE: &str = "--measure-one";

/// What a process used.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Used {
    /// CPU of all its threads, user and system, in milliseconds.
    pub(crate) cpu: f64,
    /// From its start to its end, in milliseconds.
    pub(crate) wall: f64,
    /// The most memory that it held at once, in mebibytes.
    pub(crate) peak: f64,
}

/// Starts a command and waits for it. An error where it fails.
pub(crate) fn measured(command: &[OsString]) -> Result<(Used, String), Box<dyn Error>> {
    let mut parent = Command::new(std::env::current_exe()?);
    let output = parent.arg(MEASURE).args(command).stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8(output.stdout)?;
    let (figures, printed) = text.split_once('\n').unwrap_or_default();
    let figures: Vec<f64> = figures.split(' ').map(str::parse).collect::<Result<_, _>>().unwrap_or_default();
    let (true, [cpu, wall, peak]) = (output.status.success(), figures.as_slice()) else {
        return Err(format!("it failed: {command:?}\n{text}").into());
    };
    Ok((Used { cpu: *cpu, wall: *wall, peak: *peak }, printed.to_owned()))
}

/// The parent's part: runs the command, prints what it used and then what it said.
pub(crate) fn measure_one(mut command: impl Iterator<Item = OsString>) -> Result<(), Box<dyn Error>> {
    let program = command.next().ok_or("no command")?;
    let began = now();
    let output = Command::new(program).args(command).stdin(Stdio::null()).output()?;
    let wall = began.elapsed().as_secs_f64() * 1e3;
    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let mut out = std::io::stdout().lock();
    // Linux counts this in kibibytes.
    let peak = f64::from(i32::try_from(used.max_rss())?) / 1024.0;
    writeln!(out, "{} {wall} {peak}", cpu_of(&used))?;
    out.write_all(&output.stdout)?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)).into())
}

/// Milliseconds on one of the clocks that tell CPU time: to the microsecond, where `getrusage` of a thread that runs lags
/// by up to a tick.
pub(crate) fn cpu(clock: ClockId) -> Result<f64, Box<dyn Error>> {
    Ok(Duration::from(clock_gettime(clock)?).as_secs_f64() * 1e3)
}

/// User and system time, in milliseconds.
fn cpu_of(used: &Usage) -> f64 {
    let micros = used.user_time().num_microseconds() + used.system_time().num_microseconds();
    Duration::from_micros(u64::try_from(micros).unwrap_or_default()).as_secs_f64() * 1e3
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}
