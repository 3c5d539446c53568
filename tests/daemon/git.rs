//! A daemon that keeps its own checkout of the hunts: pushes take effect, and what must not be taken isn't, and is told.

use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::mime::Part;
use crate::stage::Stage;
use crate::support::{Running, wait_for};

/// Long enough for a machine with much else to do.
const LIMIT: Duration = Duration::from_mins(1);

/// A site that follows the branch `main` of a repository beside it.
struct Followed {
    stage: Stage,
}

impl Followed {
    /// With more of `git:`, and the work of a person in `work`, which pushes to `origin.git`.
    fn with(more: &str) -> Self {
        let followed = Self { stage: Stage::calm(1, "@daily") };
        let site = &followed.stage.site;
        let config = fs::read_to_string(site.file("huntd.yaml")).unwrap();
        let git = format!("git: {{url: origin.git, folder: hunts, every: 1s{more}}}\n");
        site.write("huntd.yaml", format!("{git}{config}failures: {{to: [soc], after: 1, every: 24h}}\n"));
        let folder = site.file("");
        run(Command::new("git").arg("-C").arg(&folder).args(["init", "-q", "--bare", "-b", "main", "origin.git"]));
        run(Command::new("git").arg("-C").arg(&folder).args(["init", "-q", "-b", "main", "work"]));
        followed.git(&["remote", "add", "origin", "../origin.git"]);
        followed
    }

    fn git(&self, arguments: &[&str]) -> String {
        let ann = ["-c", "user.name=Ann", "-c", "user.email=ann@contoso.example"];
        run(Command::new("git").arg("-C").arg(self.stage.site.file("work")).args(ann).args(arguments))
    }

    /// Writes hunts and pushes them; gives the commit.
    fn push(&self, hunts: &[(&str, &str)], sign: &str) -> String {
        for (name, text) in hunts {
            self.stage.site.write(&format!("work/hunts/{name}.yaml"), text);
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "-qm", "hunts", sign]);
        self.git(&["push", "-qf", "origin", "main"]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn start(&self) -> Running {
        let daemon = self.stage.daemon();
        wait_for("the daemon", LIMIT, || self.stage.log().contains("huntd runs"));
        daemon
    }

    fn runs(&self, hunt: &str) -> Vec<Value> {
        self.stage.site.huntd(&["--json", "runs", hunt]).expect(0).objects()
    }

    fn wait_for_commit(&self, hunt: &str, commit: &str) {
        wait_for(&format!("a run of {hunt} of {commit}"), LIMIT, || {
            self.runs(hunt).first().is_some_and(|run| run["commit"] == commit)
        });
    }

    /// The subjects and texts of the warnings that were mailed, in order.
    fn warnings(&self) -> Vec<(String, String)> {
        let of = |mail: &crate::smtp::Mail| {
            let part = Part::parse(&mail.data);
            let subject = part.header("subject").unwrap().to_owned();
            (subject.starts_with("[trouble]") || subject.starts_with("[over]"))
                .then(|| (subject, part.leaves()[0].text()))
        };
        self.stage.mail.mails().iter().filter_map(of).collect()
    }

    fn wait_for_warning(&self, subject: &str) -> String {
        let find = || self.warnings().into_iter().find(|(one, _)| one == subject);
        wait_for(subject, LIMIT, || find().is_some());
        find().unwrap().1
    }
}

fn run(command: &mut Command) -> String {
    let said = command.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
    assert!(said.status.success(), "{command:?}: {said:?}");
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

/// A hunt of every second.
fn hunt(marker: &str) -> String {
    format!(
        "query: DeviceInfo | where DeviceName == '{marker}'\nschedule: \"* * * * * *\"\nlookback: 1m\nsplay: 0\nowner: blue@contoso.example\n"
    )
}

const REFUSED: &str = "[trouble] the hunts' branch is not taken: the commit from before runs on";
const BACK: &str = "[over] the hunts' branch is not taken: the commit from before runs on";

#[test]
fn pushes_take_effect_and_what_is_broken_or_rewritten_does_not() {
    let followed = Followed::with("");
    let first = followed.push(&[("a", &hunt("one")), ("b", &hunt("one"))], "--no-gpg-sign");
    let daemon = followed.start();
    followed.wait_for_commit("a", &first);
    let second = followed.push(&[("a", &hunt("two"))], "--no-gpg-sign");
    followed.wait_for_commit("a", &second);
    followed.wait_for_commit("b", &second);

    // A broken hunt keeps its last good version; the others are of the new commit.
    let third = followed.push(&[("a", "query: DeviceInfo\nlookbak: 1h\n")], "--no-gpg-sign");
    followed.wait_for_commit("b", &third);
    let text = followed.wait_for_warning("[trouble] a no longer loads: its last good version runs on");
    assert!(text.contains(&format!("last changed by Ann <ann@contoso.example>, commit {}", &third[..12])), "{text}");
    assert_eq!(followed.runs("a")[0]["commit"], *second);

    // No hunt is left: the tree isn't even put to use.
    followed.git(&["rm", "-rq", "hunts"]);
    let none = followed.push(&[("readme", "")], "--no-gpg-sign");
    let text = followed.wait_for_warning(REFUSED);
    assert!(text.contains(&none[..12]) && text.contains("no hunt"), "{text}");
    followed.git(&["revert", "--no-edit", "HEAD"]);
    let fourth = followed.push(&[("a", &hunt("four"))], "--no-gpg-sign");
    followed.wait_for_commit("a", &fourth);
    followed.wait_for_warning(BACK);

    // A history that was rewritten.
    followed.git(&["reset", "-q", "--hard", &first]);
    let other = followed.push(&[("a", &hunt("other"))], "--no-gpg-sign");
    wait_for("the refusal", LIMIT, || followed.warnings().iter().filter(|(one, _)| one == REFUSED).count() == 2);
    let (_, text) = followed.warnings().into_iter().rfind(|(one, _)| one == REFUSED).unwrap();
    assert!(text.contains("its history was rewritten") && text.contains(&other[..12]), "{text}");
    followed.wait_for_commit("a", &fourth);
    assert!(daemon.stop().success(), "{}", followed.stage.log());

    // Nobody answers: the last checkout is used, and the history is there for `plan`.
    fs::rename(followed.stage.site.file("origin.git"), followed.stage.site.file("away.git")).unwrap();
    let before = followed.runs("b").len();
    let daemon = followed.start();
    wait_for("a run without the repository", LIMIT, || followed.runs("b").len() > before);
    assert_eq!(followed.runs("b")[0]["commit"], *fourth);
    followed.wait_for_warning("[trouble] the hunts' repository can't be seen: the commit from before runs on");
    let said = followed.stage.site.huntd(&["plan", "--against", &first]).stdout;
    assert!(said.contains(&format!("Since {}", &first[..12])) && said.contains("re-queried"), "{said}");

    // Back, as it was meant: the file is deleted as the hint says.
    fs::rename(followed.stage.site.file("away.git"), followed.stage.site.file("origin.git")).unwrap();
    followed.wait_for_warning("[over] the hunts' repository can't be seen: the commit from before runs on");
    fs::remove_file(followed.stage.site.file("huntd.db.hunts/source")).unwrap();
    assert!(Command::new("kill").args(["-s", "HUP", &daemon.id().to_string()]).status().unwrap().success());
    followed.wait_for_commit("a", &other);
    assert!(daemon.stop().success(), "{}", followed.stage.log());
}

#[test]
fn a_running_daemon_goes_over_to_a_repository_without_an_alarm() {
    let followed = Followed::with("");
    let site = &followed.stage.site;
    let with_git = fs::read_to_string(site.file("huntd.yaml")).unwrap();
    site.write("huntd.yaml", with_git.split_once('\n').unwrap().1).write("hunts/a.yaml", hunt("folder"));
    let daemon = followed.start();
    wait_for("a run from the folder", LIMIT, || !followed.runs("a").is_empty());
    let first = followed.push(&[("a", &hunt("one"))], "--no-gpg-sign");
    site.write("huntd.yaml", with_git);
    // As the docs have it: `huntd check && systemctl reload huntd`.
    let checked = site.huntd(&["check"]).expect(0);
    assert!(checked.stderr.contains("weren't fetched yet"), "{}", checked.stderr);
    assert!(Command::new("kill").args(["-s", "HUP", &daemon.id().to_string()]).status().unwrap().success());
    followed.wait_for_commit("a", &first);
    assert!(daemon.stop().success(), "{}", followed.stage.log());
    let log = followed.stage.log();
    assert!(log.contains("still to be fetched"), "{log}");
    assert!(!log.contains("not loaded again") && !log.contains("can't be heard"), "{log}");
    // The tenant doesn't know the hunt's table, which is no matter here.
    let told = followed.warnings();
    assert!(told.iter().all(|(subject, _)| subject.starts_with("[trouble] a keeps failing")), "{told:?}");
}

#[test]
fn only_what_an_allowed_key_has_signed_is_taken() {
    let followed = Followed::with(", allowed_signers: signers");
    let site = &followed.stage.site;
    let key = site.file("key");
    run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "ann", "-f"]).arg(&key));
    let public = fs::read_to_string(site.file("key.pub")).unwrap();
    site.write("signers", format!("ann@contoso.example namespaces=\"git\" {public}"));
    followed.git(&["config", "gpg.format", "ssh"]);
    followed.git(&["config", "user.signingkey", key.to_str().unwrap()]);

    // None is there to run with.
    let unsigned = followed.push(&[("a", &hunt("none"))], "--no-gpg-sign");
    let said = site.huntd(&["daemon"]).expect(2).error();
    assert!(
        said.contains("there are no hunts") && said.contains(&format!("{} isn't signed", &unsigned[..12])),
        "{said}"
    );

    let first = followed.push(&[("a", &hunt("one"))], "-S");
    let daemon = followed.start();
    followed.wait_for_commit("a", &first);
    let second = followed.push(&[("a", &hunt("two"))], "--no-gpg-sign");
    let text = followed.wait_for_warning(REFUSED);
    assert!(text.contains(&format!("commit {} isn't signed", &second[..12])), "{text}");
    assert!(text.contains("allowed_signers"), "{text}");
    // A signed one on top doesn't vouch for it.
    let third = followed.push(&[("a", &hunt("three"))], "-S");
    wait_for("the next refusal", LIMIT, || followed.stage.log().contains(&format!("at {}", &third[..12])));
    assert_eq!(followed.runs("a")[0]["commit"], *first);
    followed.git(&["reset", "-q", "--hard", &first]);
    let good = followed.push(&[("a", &hunt("good"))], "-S");
    followed.wait_for_commit("a", &good);
    followed.wait_for_warning(BACK);
    assert!(daemon.stop().success(), "{}", followed.stage.log());
}

#[test]
fn a_first_start_that_gets_no_hunts_says_why() {
    let followed = Followed::with("");
    let site = &followed.stage.site;
    // Nothing was pushed yet.
    let said = site.huntd(&["daemon"]).expect(2).error();
    assert!(said.contains("couldn't find remote ref refs/heads/main") && said.contains("`branch`"), "{said}");
    followed.push(&[("readme", "# nothing\n")], "--no-gpg-sign");
    let said = site.huntd(&["daemon"]).expect(2).error();
    assert!(said.contains("no hunt loads from its folder hunts"), "{said}");
    let said = site.huntd(&["list"]).expect(2).error();
    assert!(said.contains("the daemon takes them from the repository"), "{said}");
    // Once it is mended, the next start looks again.
    let good = followed.push(&[("a", &hunt("one"))], "--no-gpg-sign");
    let daemon = followed.start();
    followed.wait_for_commit("a", &good);
    assert!(daemon.stop().success(), "{}", followed.stage.log());
}
