//! Who made a call: a process, told apart from a later one that bears the same number.

/// This process as text: `pid:start`, where `start` is the process's start in clock ticks since
/// boot; only `pid` where the system doesn't say.
#[must_use]
pub fn this_owner() -> String {
    let pid = std::process::id();
    match start_ticks(pid) {
        Some(ticks) => format!("{pid}:{ticks}"),
        None => pid.to_string(),
    }
}

/// Whether the process that [`this_owner`] named still runs. A text that names none is nobody.
#[must_use]
pub fn owner_is_alive(owner: &str) -> bool {
    let (pid, ticks) = owner.split_once(':').map_or((owner, None), |(pid, ticks)| (pid, Some(ticks)));
    let (Ok(pid), Some(ticks)) = (pid.parse::<u32>(), ticks) else {
        return owner.parse::<u32>().is_ok_and(|pid| std::fs::exists(format!("/proc/{pid}")).unwrap_or(true));
    };
    start_ticks(pid).is_some_and(|now| ticks.parse() == Ok(now))
}

/// Field 22 of `/proc/PID/stat` (`proc_pid_stat(5)`).
fn start_ticks(pid: u32) -> Option<u64> {
    parse_start(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The second field is the program's name in brackets and may hold blanks and brackets itself:
/// counted from the last bracket, the start is the 20th.
fn parse_start(stat: &str) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_its_namesake_does_not() {
        let me = this_owner();
        assert!(owner_is_alive(&me));
        let (pid, ticks) = me.split_once(':').unwrap();
        assert!(!owner_is_alive(&format!("{pid}:{}", ticks.parse::<u64>().unwrap() + 1)));
        assert!(!owner_is_alive("4294967295:1"));
        assert!(!owner_is_alive(""));
        assert!(!owner_is_alive("x:y"));
    }

    #[test]
    fn a_program_may_be_named_like_the_line() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 98765 1 1";
        assert_eq!(parse_start(stat), Some(98765));
        assert_eq!(parse_start("7 (a"), None);
    }
}
