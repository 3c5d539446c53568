//! A secret that is missing or wrong: the run fails, says how to mend it, and shows no secret.

use crate::desk::{Desk, SECRET, TO_FILE, golden};
use crate::support::{Printed, printed};

fn with_secret(source: &str) -> Desk {
    let desk = Desk::new(crate::desk::EVENTS, TO_FILE);
    let text = std::fs::read_to_string(desk.site.file("huntd.yaml")).unwrap().replace("{file: secret}", source);
    desk.site.write("huntd.yaml", text);
    desk
}

/// The one line on stdout that says why the run failed.
fn failed(desk: &Desk, printed: Printed) -> String {
    let printed = printed.expect(4);
    assert_eq!(desk.simulator.stats().calls, 0, "nothing is asked without a token");
    let (_, why) = printed.stdout.split_once("failed, ").unwrap();
    why.replace(&desk.site.path().display().to_string(), "SITE")
        .replace(&desk.simulator.url().replace("http://", ""), "SIMULATOR")
}

#[test]
fn the_secret_is_missing() {
    let desk = with_secret("{file: nowhere}");
    golden("secret-file-missing", &failed(&desk, desk.huntd(&["run", "enc"])));

    let desk = with_secret("{env: HUNTD_TEST_NOT_SET}");
    golden("secret-variable-missing", &failed(&desk, desk.huntd(&["run", "enc"])));

    let desk = with_secret("{credential: contoso}");
    golden("secret-no-credentials", &failed(&desk, desk.huntd(&["run", "enc"])));
    let mut command = desk.site.command(&["run", "enc"]);
    golden(
        "secret-credential-missing",
        &failed(&desk, printed(command.env("CREDENTIALS_DIRECTORY", desk.site.path()))),
    );
}

#[test]
fn the_secret_is_read_from_where_it_is_kept() {
    let desk = with_secret("{env: HUNTD_TEST_SECRET}");
    printed(desk.site.command(&["run", "enc"]).env("HUNTD_TEST_SECRET", SECRET)).expect(0);
    let desk = with_secret("{credential: secret}");
    printed(desk.site.command(&["run", "enc"]).env("CREDENTIALS_DIRECTORY", desk.site.path())).expect(0);
}

#[test]
fn the_secret_is_wrong() {
    const WRONG: &str = "wrong~9Z~battery.staple";
    let desk = Desk::usual();
    desk.site.write("secret", WRONG);
    let mut command = desk.site.command(&["-vv", "run", "enc"]);
    let ended = printed(&mut command);
    assert!(!ended.stderr.contains(WRONG) && !ended.stdout.contains(WRONG));
    let why = failed(&desk, ended);
    assert!(why.contains("AADSTS7000215"), "{why}");
    golden("secret-wrong", &why);
    for name in ["huntd.db", "huntd.db-wal"] {
        let bytes = std::fs::read(desk.site.file(name)).unwrap_or_default();
        assert!(memchr::memmem::find(&bytes, WRONG.as_bytes()).is_none(), "{name} holds the secret");
    }
    // Once it is mended, the same command goes on at once.
    desk.site.write("secret", SECRET);
    let printed = desk.huntd(&["run", "enc"]);
    assert!(printed.expect(0).stdout.contains("3 rows, 3 new"));
}
