//! `diff`: what came and went between two runs.

use crate::desk::{Desk, EVENTS, TENANT, TO_FILE, config, golden};

/// One event less, one with another command, one more.
fn moved() -> String {
    let moved = EVENTS.replace("-enc BB==", "-enc B2==\\e[31m\u{202e}").replace("{ReportId: 3,", "{ReportId: 4,");
    assert_ne!(moved, EVENTS);
    moved
}

fn answer(desk: &Desk, events: &str) {
    let scenario = huntd::sim::scenario::parse_scenario(&format!("{TENANT}{events}")).unwrap();
    desk.simulator.set(|now| *now = scenario);
}

/// A desk after a run, one that failed, and one that found other things.
fn after_three_runs() -> Desk {
    let desk = Desk::usual();
    desk.huntd(&["run", "enc", "--no-notify"]).expect(0);
    desk.site.write("hunts/enc.yaml", crate::desk::HUNT.replace("key: [Timestamp", "key: [Nope, Timestamp"));
    desk.huntd(&["run", "enc", "--no-notify"]).expect(4);
    desk.site.write("hunts/enc.yaml", crate::desk::HUNT);
    answer(&desk, &moved());
    desk.huntd(&["run", "enc", "--no-notify"]).expect(0);
    desk
}

#[test]
fn the_last_two_results_are_laid_side_by_side() {
    let desk = after_three_runs();
    golden("diff-last-two", &desk.shown(&["diff", "enc"]));
    let objects = desk.huntd(&["diff", "enc", "--json"]).expect(0).objects();
    let kinds: Vec<_> = objects.iter().map(|object| object["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["changed", "gone", "new"]);
    assert_eq!(objects[0]["changed"], serde_json::json!(["Command"]));
    assert_eq!(objects[0]["before"]["Command"], "powershell -enc BB==");
    assert_eq!(objects[0]["row"]["Command"], "powershell -enc B2==\u{1b}[31m\u{202e}");
    assert_eq!((&objects[1]["row"], &objects[2]["before"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    assert_eq!(objects[1]["before"]["ReportId"], 3);
    assert!(objects.iter().all(|object| object["expired"] == false && object["hit"].as_str().unwrap().len() == 40));
}

#[test]
fn any_two_runs_are_compared_either_way() {
    let desk = after_three_runs();
    let runs = desk.huntd(&["runs", "--json"]).expect(0).objects();
    let id = |at: usize| runs[at]["run"].as_str().unwrap();
    let (last, failed, first) = (id(0), id(1), id(2));
    let kinds = |from: &str, to: &str| {
        let objects = desk.huntd(&["diff", "enc", from, to, "--json"]).expect(0).objects();
        objects.iter().map(|object| object["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(first, last), ["changed", "gone", "new"]);
    assert_eq!(kinds(last, first), ["changed", "new", "gone"]);
    assert_eq!(kinds(last, last), Vec::<String>::new());
    golden("diff-same", &desk.shown(&["diff", "enc", last, last]));
    golden("diff-failed-run", &desk.shown(&["diff", "enc", failed, last]));
    golden("diff-unknown-run", &desk.shown(&["diff", "enc", "nope", last]));
    golden("diff-one-run", &desk.shown(&["diff", "enc", last]));
    golden("diff-unknown-hunt", &desk.shown(&["diff", "end"]));
    golden("diff-unknown-tenant", &desk.shown(&["diff", "enc", "--tenant", "fabrikam"]));
}

#[test]
fn one_result_is_not_enough() {
    let desk = Desk::usual();
    golden("diff-no-history", &desk.shown(&["diff", "enc"]));
    desk.huntd(&["run", "enc", "--no-notify"]).expect(0);
    golden("diff-one-result", &desk.shown(&["diff", "enc"]));
}

#[test]
fn of_several_tenants_one_is_named() {
    let desk = Desk::usual();
    let one = config(&desk.simulator.url(), "");
    let second = one.split("tenants:\n").nth(1).unwrap().replace("contoso", "fabrikam");
    desk.site.write("huntd.yaml", format!("{one}{second}{TO_FILE}"));
    for _ in 0..2 {
        desk.huntd(&["run", "enc", "--no-notify"]).expect(0);
    }
    golden("diff-two-tenants", &desk.shown(&["diff", "enc"]));
    let chosen = desk.huntd(&["diff", "enc", "--tenant", "fabrikam"]).expect(0);
    assert!(chosen.stderr.contains("enc on fabrikam") && chosen.stderr.contains("hold the same"), "{}", chosen.stderr);
}
