//! Which event time is asked for.

use std::time::Duration;

use huntd::engine::runner::{Asking, Order};
use huntd::model::coverage::Fate;
use huntd::model::delivery::About;
use huntd::model::run::Trigger;
use huntd::model::time::{Timestamp, Window};
use huntd::rules::kql::schema::Schema;

use crate::stage::{HOUR, MINUTE, START, STREAM, Stage, hunt, parse};

fn window(from: Timestamp, to: Timestamp) -> Window {
    Window { from, to }
}

/// What was asked for, in order.
fn asked(stage: &Stage) -> Vec<String> {
    stage.simulator.journal().iter().filter_map(|call| call.timespan.clone()).collect()
}

#[tokio::test]
async fn a_live_run_takes_a_little_that_was_missed_along() {
    let stage = Stage::new(STREAM).await;
    let hunt = hunt("h", "");
    stage.run(&hunt).await;
    stage.clock.manual.advance(HOUR + MINUTE * 50);
    // A run that fails covers nothing.
    stage.faults("[{does: syntax_error, on: {first: 1}}]");
    stage.run(&hunt).await;
    let last = stage.run(&hunt).await.run;

    let (late, now) = (MINUTE * 30, START.plus(HOUR + MINUTE * 50));
    let missed = window(START.minus(late), now);
    let expected = [window(START.minus(HOUR + late), START), missed, missed];
    assert_eq!(asked(&stage), expected.map(|window| window.timespan()));
    assert_eq!((last.window, stage.track(&hunt).await.watermark), (Some(missed), Some(now)));
}

#[tokio::test]
async fn a_long_downtime_is_left_to_catching_up() {
    let stage = Stage::new(STREAM).await;
    let hunt = hunt("h", "");
    stage.run(&hunt).await;
    stage.clock.manual.advance(HOUR * 72);
    stage.run(&hunt).await;
    let (late, now) = (MINUTE * 30, START.plus(HOUR * 72));
    assert_eq!(asked(&stage)[1], window(now.minus(HOUR + late), now).timespan());
    let coverage = stage.track(&hunt).await.coverage;
    assert_eq!(coverage.gaps(window(START, now.minus(late))), [window(START, now.minus(HOUR + late))]);
}

#[tokio::test]
async fn a_run_by_hand_moves_the_watermark_only_where_it_leaves_no_gap() {
    let stage = Stage::new(STREAM).await;
    let hunt = hunt("h", "");
    stage.run(&hunt).await;
    stage.clock.manual.advance(HOUR * 10);
    let now = START.plus(HOUR * 10);
    stage.by_hand(&hunt).await;
    assert_eq!(stage.track(&hunt).await.watermark, Some(START), "its lookback leaves nine hours out");
    let order = Order { trigger: Trigger::Manual, window: Some(window(START, now)), ..stage.order(&hunt) };
    stage.runner.run(&order).await.unwrap();
    assert_eq!(stage.track(&hunt).await.watermark, Some(now));
}

#[tokio::test]
async fn what_was_covered_by_a_wrong_clock_is_known() {
    let stage = Stage::new(STREAM).await;
    let hunt = hunt("h", "");
    stage.run(&hunt).await;
    let (order, track) = (stage.order(&hunt), stage.track(&hunt).await);
    let asking = Asking::of(&order, &track, Schema::defender(), START.minus(HOUR * 3));
    // It was covered to half an hour before the start.
    assert_eq!(asking.clock_was_ahead, Some(HOUR * 2 + MINUTE * 30));
}

#[tokio::test]
async fn what_is_beyond_the_apis_reach_is_lost_and_told_once() {
    let stage = Stage::new(STREAM).await;
    let hunt = hunt("h", "");
    stage.run(&hunt).await;
    let days = |days: u32| Duration::from_hours(24) * days;
    stage.clock.manual.advance(days(35));
    let told = |finished: &huntd::engine::runner::Finished| {
        finished.deliveries.iter().filter(|delivery| delivery.channel.as_str() == "owners").count()
    };
    stage.faults("[{does: syntax_error, on: {first: 1}}]");
    assert_eq!(told(&stage.run(&hunt).await), 1, "a run that fails tells it too");
    assert_eq!(told(&stage.run(&hunt).await), 0, "and no other");
    let coverage = stage.track(&hunt).await.coverage;
    let lost: Vec<_> = coverage.stretches().iter().filter(|stretch| stretch.fate == Fate::Lost).collect();
    assert_eq!(lost.len(), 1);
    assert_eq!(lost[0].window, window(START.minus(MINUTE * 30), START.plus(days(5))));
    stage.drain().await;
    let notices = stage.owners.got();
    assert_eq!((notices.len(), notices[0].about), (1, About::Loss));
    assert_eq!(notices[0].losses.iter().map(|loss| loss.window).collect::<Vec<_>>(), [lost[0].window]);
}

#[tokio::test]
async fn what_a_query_asks_of_the_clock_is_asked_as_of_the_run() {
    let stage = Stage::new(STREAM).await;
    let hunt = parse(
        "id: own\nquery: |\n  // ago(2h), as a comment\n  DeviceProcessEvents | where Timestamp between (ago(1h) .. now()) and FileName != 'now()'\nschedule: '@hourly'\nkey: [N]\nsplay: 0s\n",
    );
    let run = stage.run(&hunt).await.run;
    let expected = format!(
        "// ago(2h), as a comment\nDeviceProcessEvents | where Timestamp between ((datetime({START}) - (1h)) .. datetime({START})) and FileName != 'now()'\n"
    );
    assert_eq!(run.query, expected, "what is stored with the run");
    let sent: Vec<String> = stage.simulator.journal().iter().map(|call| call.query.clone()).collect();
    assert_eq!(sent, [expected], "what was sent");
    // A past moment is asked again by its time.
    let order = Order { as_of: Some(START.minus(HOUR)), ..stage.order(&hunt) };
    let again = stage.runner.run(&order).await.unwrap().run;
    assert_eq!(again.query, run.query.replace(&START.to_string(), &START.minus(HOUR).to_string()));
}

#[tokio::test]
async fn a_query_that_isnt_understood_is_sent_as_it_stands() {
    let stage = Stage::new(STREAM).await;
    let hunt =
        parse("id: odd\nquery: 'DeviceProcessEvents | newoperator ago(1d) | where Timestamp > ago(1h)'\nkey: [N]\n");
    assert_eq!(stage.run(&hunt).await.run.query, hunt.query);
}
