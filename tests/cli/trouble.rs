//! What fails is told: one mail a cause, and one when it is over.

use crate::desk::{Desk, EVENTS, HUNT, SECRET};
use crate::mime::Part;

/// Mails as files, after two failures in a row.
const TOLD: &str = "channels:
  soc: {email: {server: 'file:MAILS', from: huntd@contoso.example, to: [soc@contoso.example]}}
routes: [{to: [soc]}]
failures: {to: [soc], after: 2, every: 24h}
";

fn desk() -> Desk {
    let desk = Desk::new(EVENTS, "");
    let mails = desk.site.file("mails");
    let config = std::fs::read_to_string(desk.site.file("huntd.yaml")).unwrap();
    let told = TOLD.replace("file:MAILS", &format!("file://{}", mails.display()));
    desk.site.write("huntd.yaml", format!("{config}{told}"));
    desk
}

/// The subject of each mail, and whom it is for, in order.
fn mails(desk: &Desk) -> Vec<String> {
    let files = std::fs::read_dir(desk.site.file("mails")).map(Iterator::collect::<Vec<_>>).unwrap_or_default();
    let paths = files.into_iter().map(|file| file.unwrap().path());
    let mut said: Vec<String> = paths
        .filter(|path| path.extension().is_some_and(|kind| kind == "eml"))
        .map(|path| {
            let mail = Part::parse(&std::fs::read_to_string(path).unwrap());
            format!("{} {}", mail.header("to").unwrap(), mail.header("subject").unwrap())
        })
        .collect();
    said.sort();
    said
}

#[test]
fn a_tenant_that_is_down_is_one_mail_and_one_when_it_is_over() {
    let desk = desk();
    for name in ["b", "c"] {
        desk.site.write(&format!("hunts/{name}.yaml"), format!("{HUNT}owner: {name}@contoso.example\n"));
    }
    desk.site.write("secret", "wrong");
    desk.huntd(&["run", "*"]).expect(4);
    assert_eq!(mails(&desk), [""; 0], "once is chance");
    for _ in 0..2 {
        desk.huntd(&["run", "*"]).expect(4);
    }
    let down = "soc@contoso.example [trouble] huntd can't sign in to contoso: 3 hunts fail";
    assert_eq!(mails(&desk), [down]);
    desk.site.write("secret", format!("{SECRET}\n"));
    desk.huntd(&["run", "*", "--no-notify"]).expect(0);
    assert_eq!(mails(&desk), [down]);
    desk.huntd(&["run", "*"]).expect(0);
    let over = "soc@contoso.example [over] huntd can't sign in to contoso: 3 hunts fail";
    let all = mails(&desk);
    assert_eq!(all, [over, down]);
    let deliveries = desk.huntd(&["--json", "deliveries"]).expect(0).objects();
    assert!(deliveries.iter().all(|one| one["state"] == "sent"), "{deliveries:?}");
}

#[test]
fn an_owner_is_told_of_a_hunt_that_fails() {
    let desk = desk();
    desk.site.write("hunts/own.yaml", "query: NoSuchTable\nowner: Blue <blue@contoso.example>\n");
    for _ in 0..3 {
        desk.huntd(&["run", "own"]).expect(4);
    }
    let said = "[trouble] own keeps failing on contoso";
    assert_eq!(mails(&desk), [format!("Blue <blue@contoso.example> {said}"), format!("soc@contoso.example {said}")]);
}

#[test]
fn the_canary_proves_the_whole_way_once_a_day() {
    let desk = desk();
    let config = std::fs::read_to_string(desk.site.file("huntd.yaml")).unwrap();
    desk.site.write(
        "huntd.yaml",
        config.replace("    tenant_id:", "    canary: true\n    secret_expires: 2031-01-31\n    tenant_id:"),
    );
    let run = |expected: u64| {
        let runs = desk.huntd(&["--json", "run", "huntd-canary"]).expect(0).objects();
        // A day may end between the two.
        assert!(runs[0]["new"] == expected || expected == 0, "{runs:?}");
    };
    run(1);
    assert_eq!(mails(&desk), ["soc@contoso.example [informational] 1 new: huntd's canary (contoso)"]);
    run(0);
}

#[test]
fn a_monitor_is_told_in_short() {
    let desk = desk();
    let said = desk.huntd(&["list", "--check"]).expect(1).stdout;
    assert!(said.starts_with("HUNTD CRITICAL - 1 problem, 0 hunts") && said.contains("no daemon runs"), "{said}");
    desk.site.write("hunts/own.yaml", "query: NoSuchTable\n");
    desk.huntd(&["run", "own"]).expect(4);
    let said = desk.huntd(&["list", "--check"]).expect(1).stdout;
    assert!(said.contains("hunts=2 failing=1 broken=0 overdue=0"), "{said}");
    assert!(said.contains("own keeps failing on contoso"), "{said}");
}
