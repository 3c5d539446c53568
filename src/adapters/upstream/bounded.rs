//! A command that is ended after a while, with all that it started.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

/// How often it is looked whether it is to be ended.
const LOOK: Duration = Duration::from_millis(100);
/// How long what is asked to end may take to tidy up: git removes its locks then.
const TIDY: Duration = Duration::from_secs(2);

/// Why there is no output.
#[derive(Debug)]
pub(super) enum Cut {
    /// It can't be started, or be waited for.
    Io(io::Error),
    /// It took too long.
    Long,
    /// Somebody wanted it to end.
    Stopped,
}

/// Runs a command to its end, for `limit` at most and as long as nobody says `stop`.
pub(super) fn output(mut command: Command, limit: Duration, stop: &dyn Fn() -> bool) -> Result<Output, Cut> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let child = command.spawn().map_err(Cut::Io)?;
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (send, done) = mpsc::sync_channel(1);
    // It ends with the child; whoever no longer listens has ended that.
    let wait = move || drop(send.send(child.wait_with_output()));
    std::thread::Builder::new().name("git".to_owned()).spawn(wait).map_err(Cut::Io)?;
    // Waits are counted, as no clock is looked at here.
    for _ in 0..limit.as_millis() / LOOK.as_millis() {
        match done.recv_timeout(LOOK) {
            Ok(output) => return output.map_err(Cut::Io),
            Err(RecvTimeoutError::Disconnected) => return Err(Cut::Io(io::Error::other("nobody waits for it"))),
            Err(RecvTimeoutError::Timeout) if stop() => {
                end(group, &done);
                return Err(Cut::Stopped);
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
    end(group, &done);
    Err(Cut::Long)
}

fn end(group: Option<Pid>, done: &Receiver<io::Result<Output>>) {
    let Some(group) = group else { return };
    for signal in [Signal::TERM, Signal::KILL] {
        // Whoever is gone needs no signal.
        let _sent = kill_process_group(group, signal).is_ok();
        if done.recv_timeout(TIDY).is_ok() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(text: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", text]);
        command
    }

    #[test]
    fn what_ends_by_itself_is_heard() {
        let output = output(shell("echo out; echo err >&2; exit 3"), Duration::from_mins(1), &|| false).unwrap();
        assert_eq!(
            (output.status.code(), output.stdout.as_slice(), output.stderr.as_slice()),
            (Some(3), &b"out\n"[..], &b"err\n"[..])
        );
    }

    #[test]
    fn what_takes_too_long_is_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("pid");
        let text = format!("sleep 600 & echo $! > {}; wait", mark.display());
        let cut = output(shell(&text), Duration::from_millis(600), &|| false);
        assert!(matches!(cut, Err(Cut::Long)), "{cut:?}");
        let pid: i32 = std::fs::read_to_string(&mark).unwrap().trim().parse().unwrap();
        let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The signal has been sent; on a busy machine it may take a while until the process meets it.
        let lives = || !state().is_empty() && !state().contains(" Z ");
        for _ in 0..300 {
            if lives() {
                Command::new("sleep").arg("0.1").status().unwrap();
            }
        }
        assert!(!lives(), "{}", state());
        // One that hears no TERM.
        let cut = output(shell("trap '' TERM; sleep 600; sleep 600"), Duration::from_mins(10), &|| true);
        assert!(matches!(cut, Err(Cut::Stopped)), "{cut:?}");
    }

    #[test]
    fn what_is_not_there_is_said() {
        let cut = output(Command::new("/nowhere/git"), Duration::from_secs(1), &|| false);
        assert!(matches!(cut, Err(Cut::Io(_))), "{cut:?}");
    }
}
