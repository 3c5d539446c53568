//! Disks of a test's own: a mount name space in which a small tmpfs stands at the site's folder `disk`.
//!
//! That needs user name spaces (`unshare -rm`, no privilege) or root with `CAP_SYS_ADMIN` (`unshare -m`). Where
//! neither is allowed, the tests fail and say so; `HUNTD_TEST_NO_MOUNTS=1` leaves them out.

use std::process::Command;

use crate::support::{Site, binary};

/// Set to `1`, it leaves out what needs a disk of its own.
const NO_MOUNTS: &str = "HUNTD_TEST_NO_MOUNTS";

/// Why `unshare` with these flags gives no name space where mounts are our own, if it doesn't.
fn refusal(site: &Site, flags: &str) -> Option<String> {
    let mut command = Command::new("unshare");
    command.args([flags, "mount", "-t", "tmpfs", "tmpfs", "disk"]).current_dir(site.path());
    let why = match command.output() {
        Ok(output) if output.status.success() => return None,
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    Some(format!("unshare {flags}: {why}"))
}

/// The flags with which `unshare` gives one.
fn own_mounts(site: &Site) -> &'static str {
    let (user, root) = ("-rm", "-m");
    let Some(one) = refusal(site, user) else { return user };
    let Some(two) = refusal(site, root) else { return root };
    panic!(
        "this test needs mounts of its own, and gets none:\n  {one}\n  {two}\nallow user name spaces (sysctl \
         kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0), or run it as root with \
         CAP_SYS_ADMIN (a container: --cap-add SYS_ADMIN --security-opt seccomp=unconfined), or leave the tests that \
         need them out with {NO_MOUNTS}=1"
    )
}

/// A script in a name space where mounts are its own, not yet started; `$HUNTD` is the binary with the site's
/// config, and the folder `disk` is there. `None` where the person who runs the tests wants that left out.
pub(crate) fn script(site: &Site, text: &str) -> Option<Command> {
    if std::env::var_os(NO_MOUNTS).is_some_and(|set| set == "1") {
        return None;
    }
    let mut command = Command::new("unshare");
    command.args([own_mounts(site), "sh", "-ec", text]).current_dir(site.path());
    command.env("HUNTD", format!("{} -c {}", binary().display(), site.file("huntd.yaml").display()));
    command.env("NO_COLOR", "1").env("TZ", "UTC").env_remove("HUNTD_CONFIG").env_remove("HUNTD_LOG");
    Some(command)
}
