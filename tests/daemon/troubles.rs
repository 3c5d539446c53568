//! What the daemon tells of itself: a hunt that is broken, changes that aren't taken over, a tenant on which more is due
//! than fits, and a monitor's question.

use std::process::Command;
use std::time::Duration;

use sqlx::{ConnectOptions, Connection};

use crate::mime::Part;
use crate::stage::Stage;
use crate::support::wait_for;

/// Long enough for a machine with much else to do.
const LIMIT: Duration = Duration::from_mins(1);

/// Whom each warning went to, and what it says.
fn warnings(stage: &Stage) -> Vec<(String, String, String)> {
    let of = |mail: &crate::smtp::Mail| {
        let part = Part::parse(&mail.data);
        let subject = part.header("subject").unwrap().to_owned();
        subject.starts_with('[').then(|| (mail.to.join(" "), subject, part.leaves()[0].text()))
    };
    stage.mail.mails().iter().filter_map(of).filter(|(_, subject, _)| !subject.contains("new")).collect()
}

fn wait_for_warnings(stage: &Stage, many: usize) -> Vec<(String, String, String)> {
    wait_for(&format!("{many} warnings"), LIMIT, || warnings(stage).len() >= many);
    let all = warnings(stage);
    assert_eq!(all.len(), many, "{all:#?}");
    all
}

#[test]
fn a_broken_hunt_is_told_to_its_owner_once_and_when_it_is_mended() {
    let stage = Stage::calm(1, "@daily");
    let config = std::fs::read_to_string(stage.site.file("huntd.yaml")).unwrap();
    stage.site.write("huntd.yaml", format!("{config}failures: {{to: [soc], after: 3, every: 24h}}\n"));
    let good = "query: DeviceInfo\nschedule: \"@daily\"\nowner: blue@contoso.example\n";
    stage.site.write("hunts/own.yaml", good);
    let git = |arguments: &[&str]| {
        let folder = stage.site.file("hunts");
        let said = Command::new("git").arg("-C").arg(folder).args(arguments).output().unwrap();
        assert!(said.status.success(), "{said:?}");
    };
    let ann = ["-c", "user.name=Ann", "-c", "user.email=ann@contoso.example"];
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&[&ann[..], &["commit", "-qm", "hunts"]].concat());
    let daemon = stage.daemon();
    wait_for("the daemon", LIMIT, || stage.log().contains("huntd runs"));
    let said = stage.site.huntd(&["list", "--check"]).expect(0).stdout;
    assert!(said.starts_with("HUNTD OK - all is well, 2 hunts"), "{said}");

    stage.site.write("hunts/own.yaml", format!("{good}lookbak: 1h\n"));
    git(&[&ann[..], &["commit", "-qam", "a longer look"]].concat());
    let told = wait_for_warnings(&stage, 2);
    let of = |to: &str| told.iter().find(|(address, ..)| address == to).unwrap();
    let (_, subject, text) = of("blue@contoso.example");
    assert_eq!(subject, "[trouble] own no longer loads: its last good version runs on");
    assert!(text.contains("own.yaml:4:1: H002") && text.contains("lookbak"), "{text}");
    assert!(text.contains("last changed by Ann <ann@contoso.example>, commit "), "{text}");
    assert_eq!(of("soc@contoso.example").2, *text);
    let said = stage.site.huntd(&["list", "--check"]).expect(1).stdout;
    assert!(said.starts_with("HUNTD WARNING - 1 problem") && said.contains("broken=1"), "{said}");

    // A new file that never loaded has no version to run on with, and no owner.
    stage.site.write("hunts/fresh.yaml", "query: [");
    let told = wait_for_warnings(&stage, 3);
    assert_eq!(told[2].1, "[trouble] fresh.yaml doesn't load: what it holds isn't hunted");
    std::fs::remove_file(stage.site.file("hunts/fresh.yaml")).unwrap();
    assert!(wait_for_warnings(&stage, 4)[3].1.starts_with("[over] fresh.yaml"));

    // The same fault again is no news, nor after a restart.
    stage.site.write("hunts/own.yaml", format!("# a comment\n{good}lookbak: 1h\n"));
    wait_for("two loads", LIMIT, || stage.log().matches("the hunts are loaded again").count() >= 4);
    assert!(daemon.stop().success(), "{}", stage.log());
    let daemon = stage.daemon();
    wait_for("the daemon again", LIMIT, || stage.log().contains("huntd runs"));
    stage.site.write("hunts/own.yaml", good);
    let told = wait_for_warnings(&stage, 6);
    assert!(told[4..].iter().all(|(_, subject, _)| subject.starts_with("[over] own no longer loads")), "{told:#?}");
    assert!(daemon.stop().success(), "{}", stage.log());
}

#[test]
fn changes_that_are_not_taken_over_are_told() {
    let stage = Stage::calm(1, "@daily");
    let config = std::fs::read_to_string(stage.site.file("huntd.yaml")).unwrap();
    let good = format!("{config}failures: {{to: [soc], after: 3, every: 24h}}\n");
    stage.site.write("huntd.yaml", &good);
    let daemon = stage.daemon();
    wait_for("the daemon", LIMIT, || stage.log().contains("huntd runs"));
    stage.site.write("huntd.yaml", format!("{good}nonsense: 1\n"));
    let hang_up = || {
        assert!(Command::new("kill").args(["-s", "HUP", &daemon.id().to_string()]).status().unwrap().success());
    };
    hang_up();
    let told = wait_for_warnings(&stage, 1);
    assert_eq!(told[0].1, "[trouble] changes are not loaded: what ran before runs on");
    assert!(told[0].2.contains("huntd.yaml has errors") && told[0].2.contains("huntd check"), "{}", told[0].2);
    stage.site.write("huntd.yaml", &good);
    hang_up();
    assert!(wait_for_warnings(&stage, 2)[1].1.starts_with("[over] changes are not loaded"));
    assert!(daemon.stop().success(), "{}", stage.log());
}

#[test]
fn a_certificate_that_ends_soon_is_told() {
    let stage = Stage::ending(1, "@daily", Duration::from_hours(10 * 24));
    let config = std::fs::read_to_string(stage.site.file("huntd.yaml")).unwrap();
    stage.site.write("huntd.yaml", format!("{config}failures: {{to: [soc], after: 3, every: 24h}}\n"));
    let daemon = stage.daemon();
    let told = wait_for_warnings(&stage, 1);
    let subject = format!("[trouble] a certificate of localhost:{} ends within 21 days", stage.mail.port);
    assert_eq!(told[0].1, subject);
    assert!(told[0].2.contains("renews it in time"), "{}", told[0].2);
    assert!(daemon.stop().success(), "{}", stage.log());
}

/// Has the hunts loaded again and again, upon which the daemon looks at once, until there are so many warnings.
fn poke_until_warned(stage: &Stage, hunt: &str, many: usize) -> Vec<(String, String, String)> {
    let mut polls = 0;
    wait_for(&format!("{many} warnings"), LIMIT, || {
        polls += 1;
        // A load waits until the folder is at rest.
        if polls % 20 == 0 {
            stage.site.write("hunts/a.yaml", format!("{hunt}description: the {polls}th\n"));
        }
        warnings(stage).len() >= many
    });
    warnings(stage)
}

/// As if so much time had gone by since the last late run.
fn long_ago(stage: &Stage, ago: Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let changed = runtime.block_on(async {
        let path = stage.site.file("huntd.db");
        let mut conn = sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await.unwrap();
        let nanos = i64::try_from(ago.as_nanos()).unwrap();
        let update = sqlx::query("UPDATE overload SET since = since - ?1, last = last - ?1").bind(nanos);
        let changed = update.execute(&mut conn).await.unwrap().rows_affected();
        conn.close().await.unwrap();
        changed
    });
    assert_eq!(changed, 1, "runs of one tenant were late");
}

#[test]
fn a_tenant_on_which_more_is_due_than_fits_is_told_until_it_fits() {
    let stage = Stage::slow(1, "* * * * * *");
    let hunt = std::fs::read_to_string(stage.site.file("hunts/stream.yaml")).unwrap();
    for name in ["a", "b", "c", "d"] {
        stage.site.write(&format!("hunts/{name}.yaml"), &hunt);
    }
    let config = std::fs::read_to_string(stage.site.file("huntd.yaml")).unwrap();
    let begin = |concurrent: u32, every: &str| {
        let hour = "calls_per_hour: 1000000";
        assert!(config.contains(hour), "{config}");
        let config = config.replace(hour, &format!("{hour}, concurrent: {concurrent}"));
        stage.site.write("huntd.yaml", format!("{config}failures: {{to: [soc], after: 8, every: {every}}}\n"));
        stage.daemon()
    };

    let daemon = begin(1, "24h");
    let all = poke_until_warned(&stage, &hunt, 1);
    let (to, subject, text) = &all[0];
    assert_eq!(to, "soc@contoso.example");
    let headline = "more is due on contoso than its quota lets through: ";
    assert!(subject.starts_with(&format!("[trouble] {headline}")) && subject.ends_with(" hunts run late"), "{subject}");
    for part in ["full of the quota: ", " late runs", "late runs since ", "huntd plan", " late, by "] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let said = stage.site.huntd(&["list", "--check"]).expect(1).stdout;
    assert!(said.starts_with("HUNTD WARNING - 1 problem") && said.contains(headline), "{said}");
    assert!(daemon.stop().success(), "{}", stage.log());
    assert_eq!(warnings(&stage).len(), 1, "once");

    // It lasts, and a reminder is due: also after a restart.
    let daemon = begin(1, "1s");
    let all = poke_until_warned(&stage, &hunt, 2);
    assert!(all[1].1.starts_with(&format!("[still trouble] {headline}")), "{all:#?}");
    assert!(daemon.stop().success(), "{}", stage.log());

    // The quota lets all through, and an hour goes by.
    long_ago(&stage, Duration::from_mins(61));
    let daemon = begin(100, "24h");
    let over = |(_, subject, _): &(String, String, String)| subject.starts_with(&format!("[over] {headline}"));
    wait_for("the end", LIMIT, || warnings(&stage).iter().any(over));
    let said = stage.site.huntd(&["list", "--check"]).expect(0).stdout;
    assert!(said.starts_with("HUNTD OK"), "{said}");
    assert!(daemon.stop().success(), "{}", stage.log());
    let all = warnings(&stage);
    let again = all.iter().filter(|(_, subject, _)| subject.starts_with("[still trouble] ")).count();
    assert_eq!((all.iter().filter(|told| over(told)).count(), all.len()), (1, again + 2), "{all:#?}");
}
