//! Which event time is asked for.

use std::time::Duration;

use huntd::engine::runner::{Asking, Order};
use huntd::model::run::Trigger;
use huntd::model::time::{Timestamp, Window};
use huntd::rules::kql::schema::Schema;

use crate::stage::{HOUR, MINUTE, START, STREAM, Stage, hunt, parse};

fn window(from: Timestamp, to: Timestamp) -> Window {
    Window { from, to }
}

#[tokio::test]
async fn after_downtime_the_window_reaches_back_to_what_was_covered() {
    let stage = Stage::new(STREAM).await;
    let hunt = hunt("h", "");
    stage.run(&hunt).await;
    stage.clock.manual.advance(MINUTE * 10);
    stage.run(&hunt).await;
    stage.clock.manual.advance(HOUR * 7);
    // A run that fails moves nothing.
    stage.faults("[{does: syntax_error, on: {first: 1}}]");
    stage.run(&hunt).await;
    let last = stage.run(&hunt).await.run;

    let (second, now) = (START.plus(MINUTE * 10), START.plus(MINUTE * 10 + HOUR * 7));
    let late = MINUTE * 30;
    let expected = [
        window(START.minus(HOUR + late), START),
        window(second.minus(HOUR + late), second),
        window(second.minus(late), now),
        window(second.minus(late), now),
    ];
    let asked: Vec<String> = stage.simulator.journal().iter().map(|call| call.timespan.clone().unwrap()).collect();
    assert_eq!(asked, expected.map(|window| window.timespan()));
    assert_eq!((last.window, stage.track(&hunt).await.watermark), (Some(expected[3]), Some(now)));
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
async fn what_is_beyond_the_apis_reach_or_was_covered_by_a_wrong_clock_is_known() {
    let stage = Stage::new(STREAM).await;
    let hunt = hunt("h", "");
    stage.run(&hunt).await;
    let (order, track) = (stage.order(&hunt), stage.track(&hunt).await);
    let days = |days: u32| Duration::from_hours(24) * days;
    let asking = Asking::of(&order, &track, Schema::defender(), START.plus(days(35)));
    assert_eq!(asking.lost, Some(window(START, START.plus(days(5)))));
    let asking = Asking::of(&order, &track, Schema::defender(), START.minus(HOUR * 3));
    assert_eq!((asking.lost, asking.clock_was_ahead), (None, Some(HOUR * 3)));
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
