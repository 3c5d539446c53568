//! What reaches a channel: threshold, suppression, baseline, routes.

use huntd::model::hit::HitKind;
use huntd::model::run::RunStatus;
use huntd::rules::route::Verdict;

use crate::stage::{HOUR, Stage, THREE, hunt, parse};

#[tokio::test]
async fn below_the_threshold_hits_are_held_and_told_once_it_is_met() {
    let stage = Stage::new(THREE).await;
    stage.simulator.set(|scenario| drop(scenario.hunts[0].rows.remove(2)));
    let hunt = hunt("h", "threshold: '>= 3'");
    let first = stage.run(&hunt).await;
    assert_eq!((first.run.new, first.verdict), (2, Some(Verdict::BelowThreshold)));
    assert_eq!((stage.drain().await, stage.track(&hunt).await.held.len()), (0, 2));
    stage.simulator.set(|scenario| {
        let mut row = scenario.hunts[0].rows[1].clone();
        row.row.insert("N".to_owned(), 7.into());
        scenario.hunts[0].rows.push(row);
    });
    let second = stage.run(&hunt).await;
    assert_eq!((second.run.new, second.verdict), (1, Some(Verdict::NewHits)));
    stage.drain().await;
    let mut told = stage.soc.numbers();
    told.sort_unstable();
    assert_eq!(told, [1, 2, 7]);
    assert!(stage.track(&hunt).await.held.is_empty());
    stage.run(&hunt).await;
    assert_eq!(stage.drain().await, 0, "and not again");
}

#[tokio::test]
async fn a_suppressed_group_is_stored_and_told_again_when_its_time_is_over() {
    let stage = Stage::new(THREE).await;
    let add = |number: i64, name: &'static str, minutes: &str| {
        let at = minutes.to_owned();
        stage.simulator.set(move |scenario| {
            let mut row = scenario.hunts[0].rows[0].clone();
            row.row.insert("N".to_owned(), number.into());
            row.row.insert("Name".to_owned(), name.into());
            row.at = serde_json::from_value(at.into()).unwrap();
            scenario.hunts[0].rows.push(row);
        });
    };
    let hunt = hunt("h", "suppress: {for: 2h, by: [Name]}");
    stage.run(&hunt).await;
    stage.drain().await;
    assert_eq!(stage.soc.numbers(), [1, 2, 3]);

    add(4, "a", "-5m");
    add(5, "d", "-5m");
    let finished = stage.run(&hunt).await;
    assert_eq!(finished.run.new, 2, "stored all the same");
    stage.drain().await;
    assert_eq!(stage.soc.numbers(), [1, 2, 3, 5], "`a` is suppressed, `d` isn't");

    stage.clock.manual.advance(HOUR * 2);
    add(6, "a", "90m");
    stage.run(&hunt).await;
    stage.drain().await;
    assert_eq!(stage.soc.numbers(), [1, 2, 3, 5, 6]);
}

#[tokio::test]
async fn a_suppression_from_a_clock_that_stood_ahead_holds_nothing_back() {
    let stage = Stage::new(THREE).await;
    let hunt = hunt("h", "suppress: {for: 2h}");
    let now = crate::stage::START;
    stage.clock.manual.set_wall(now.plus(HOUR * 24));
    let early = parse("id: h\nquery: DeviceProcessEvents\nlookback: 2d\nkey: [N]\nsuppress: {for: 2h}\n");
    assert_eq!(stage.run(&early).await.run.new, 3);
    stage.drain().await;
    stage.clock.manual.set_wall(now);
    stage.simulator.set(|scenario| {
        let mut row = scenario.hunts[0].rows[1].clone();
        row.row.insert("N".to_owned(), 7.into());
        scenario.hunts[0].rows.push(row);
    });
    assert_eq!(stage.run(&hunt).await.verdict, Some(Verdict::NewHits));
}

#[tokio::test]
async fn a_baseline_run_tells_nothing_and_the_next_tells_what_is_new() {
    let stage = Stage::new(THREE).await;
    let hunt = hunt("h", "first_run: baseline");
    stage.faults("[{does: syntax_error, on: {first: 1}}]");
    assert_eq!(stage.run(&hunt).await.run.status, RunStatus::Failed, "which is no baseline");
    let first = stage.run(&hunt).await;
    assert_eq!((first.run.new, first.verdict), (3, Some(Verdict::Baseline)));
    stage.faults("[]");
    stage.simulator.set(|scenario| {
        let mut row = scenario.hunts[0].rows[1].clone();
        row.row.insert("N".to_owned(), 7.into());
        scenario.hunts[0].rows.push(row);
    });
    stage.run(&hunt).await;
    stage.drain().await;
    assert_eq!(stage.soc.numbers(), [7]);
}

#[tokio::test]
async fn gone_and_back_of_an_inventory() {
    let scenario = "
hunts:
  - name: h
    match: {table: DeviceTvmSoftwareInventory}
    columns: {N: long, Name: string}
    rows:
      - {arrives: -1h, row: {N: 1, Name: a}}
      - {arrives: -1h, row: {N: 2, Name: b}}
";
    let stage = Stage::new(scenario).await;
    let hunt = parse("id: h\nquery: DeviceTvmSoftwareInventory\nkey: [N]\nreport: [new, gone, returned]\n");
    stage.run(&hunt).await;
    let kept = std::sync::Mutex::new(None);
    stage.simulator.set(|scenario| *kept.lock().unwrap() = Some(scenario.hunts[0].rows.remove(0)));
    assert_eq!(stage.run(&hunt).await.run.gone, 1);
    assert_eq!(stage.run(&hunt).await.run.gone, 0, "gone once");
    let back = kept.lock().unwrap().take().unwrap();
    stage.simulator.set(|scenario| scenario.hunts[0].rows.push(back));
    assert_eq!(stage.run(&hunt).await.run.returned, 1);
    stage.drain().await;
    let kinds: Vec<(HitKind, String)> = stage
        .soc
        .got()
        .iter()
        .flat_map(|notice| {
            notice.hits.iter().map(Result::unwrap).map(|hit| (hit.kind, hit.hit.to_string())).collect::<Vec<_>>()
        })
        .collect();
    let kinds_only: Vec<HitKind> = kinds.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds_only, [HitKind::New, HitKind::New, HitKind::Gone, HitKind::Returned]);
    assert_eq!(kinds[2].1, kinds[3].1, "the same hit");
}
