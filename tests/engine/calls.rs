//! Calls that fail, and what a run makes of it.

use std::sync::Arc;
use std::time::Duration;

use huntd::engine::runner::Order;
use huntd::engine::tenant::Tenant;
use huntd::model::config::Quota;
use huntd::model::quota::BlockReason;
use huntd::model::run::{RunStatus, Trigger};
use huntd::model::trouble::{News, TroubleKind};
use huntd::ports::api::AnswerEnd;
use huntd::ports::clock::Clock;
use huntd::ports::store::{DeliveryFilter, Look};
use huntd::rules::trouble::{self, Channels};

use crate::clock::within;
use crate::recorder::Mood;
use crate::stage::{HOUR, MINUTE, QUOTA, START, Stage, THREE, hunt};
use crate::stub::Stub;

#[tokio::test]
async fn a_refused_token_is_replaced_and_costs_one_more_call() {
    let stage = Stage::new(THREE).await;
    let hunt = hunt("h", "");
    assert_eq!(stage.run(&hunt).await.run.calls, 1);
    stage.simulator.revoke_tokens();
    let run = stage.run(&hunt).await.run;
    assert_eq!((run.status, run.calls, run.rows), (RunStatus::Ok, 2, 3));
    assert_eq!((stage.simulator.stats().tokens, stage.simulator.stats().answered_401), (2, 1));
    assert_eq!(stage.runner.store.block(&stage.tenant.name).await.unwrap(), None);
}

#[tokio::test]
async fn a_token_that_ends_is_renewed_without_a_refusal() {
    let stage = Stage::new(THREE).await;
    let hunt = hunt("h", "");
    for _ in 0..4 {
        assert_eq!(stage.run(&hunt).await.run.calls, 1);
        stage.clock.manual.advance(Duration::from_mins(61));
    }
    assert_eq!((stage.simulator.stats().answered_401, stage.simulator.stats().tokens), (0, 4));
}

#[tokio::test]
async fn a_token_that_is_refused_again_blocks_the_tenant() {
    let stage = Stage::new(THREE).await;
    stage.faults("[{does: unauthorized}]");
    let run = stage.run(&hunt("h", "")).await.run;
    assert_eq!((run.status, run.calls), (RunStatus::Failed, 2));
    let block = stage.runner.store.block(&stage.tenant.name).await.unwrap().unwrap();
    assert_eq!(block.reason, BlockReason::Access);
}

#[tokio::test]
async fn a_wrong_secret_blocks_the_tenant_and_other_hunts_ask_for_nothing() {
    let stage = Stage::with(THREE, QUOTA, "wrong").await;
    let run = stage.run(&hunt("a", "")).await.run;
    assert_eq!((run.status, run.calls), (RunStatus::Failed, 0));
    let error = run.error.unwrap();
    assert!(error.contains("AADSTS7000215") && error.contains("secret's value, not its id"), "{error}");
    let block = stage.runner.store.block(&stage.tenant.name).await.unwrap().unwrap();
    assert_eq!((block.reason, block.until), (BlockReason::Access, START.plus(MINUTE * 15)));

    stage.clock.hold();
    let refused = stage.simulator.stats().tokens_refused;
    let (runner, order) = (stage.runner.clone(), stage.order(&hunt("b", "")));
    let other = tokio::spawn(async move { runner.run(&order).await.unwrap() });
    stage.clock.waited_by(1).await;
    assert_eq!(stage.simulator.stats().tokens_refused, refused, "it waits before it asks for a token");
    stage.clock.leap();
    stage.clock.manual.advance(MINUTE);
    assert_eq!(within(other).await.unwrap().run.status, RunStatus::Failed, "and tries once the block is over");
    assert!(stage.clock.now() >= block.until);
    assert_eq!(stage.simulator.stats().tokens_refused, refused + 1);
}

#[tokio::test]
async fn a_run_by_hand_heeds_no_block_for_want_of_access_and_ends_it() {
    let stage = Stage::new(THREE).await;
    stage.faults("[{does: forbidden, on: {first: 1}}]");
    let (a, b) = (hunt("a", ""), hunt("b", ""));
    assert_eq!(stage.run(&a).await.run.status, RunStatus::Failed);
    stage.clock.hold();
    let (runner, order) = (stage.runner.clone(), stage.order(&b));
    let scheduled = tokio::spawn(async move { runner.run(&order).await.unwrap() });
    stage.clock.waited_by(1).await;
    assert_eq!(stage.simulator.stats().calls, 1);

    assert_eq!(stage.by_hand(&a).await.run.status, RunStatus::Ok);
    assert_eq!(stage.runner.store.block(&stage.tenant.name).await.unwrap(), None);
    stage.clock.manual.advance(MINUTE);
    assert_eq!(
        within(scheduled).await.unwrap().run.status,
        RunStatus::Ok,
        "who waited sees within a minute that it is over"
    );
}

#[tokio::test]
async fn a_run_by_hand_heeds_the_quota() {
    let stage = Stage::new(THREE).await;
    stage.faults("[{does: throttled_minute, on: {first: 1}}]");
    let run = stage.by_hand(&hunt("a", "")).await.run;
    assert_eq!((run.status, run.calls), (RunStatus::Ok, 2));
    let block = stage.runner.store.block(&stage.tenant.name).await.unwrap().unwrap();
    assert_eq!(block.reason, BlockReason::CallsPerMinute, "a block for calls stays until it is over");
}

#[tokio::test]
async fn each_kind_of_429_is_waited_out() {
    let minute = BlockReason::CallsPerMinute;
    for (fault, reason, least, most) in [
        ("throttled_minute", minute, MINUTE, MINUTE * 2),
        ("throttled_hour", BlockReason::CallsPerHour, MINUTE * 10, MINUTE * 70),
        ("throttled_cpu", BlockReason::Cpu, MINUTE * 10, MINUTE * 16),
        ("{throttled_gateway: 10s}", BlockReason::Gateway, Duration::from_secs(10), Duration::from_secs(20)),
    ] {
        let stage = Stage::new(&format!("quota: {{wording: classic}}\n{THREE}")).await;
        stage.faults(&format!("[{{does: {fault}, on: {{first: 1}}}}]"));
        let run = stage.run(&hunt("h", "")).await.run;
        assert_eq!((run.status, run.calls, run.rows), (RunStatus::Ok, 2, 3), "{fault}");
        let waited = stage.clock.now().since(START);
        assert!((least..=most).contains(&waited), "{fault}: {waited:?}");
        let block = stage.runner.store.block(&stage.tenant.name).await.unwrap();
        // The call that showed that the CPU is free again has ended the block.
        let left = (reason != BlockReason::Cpu).then_some(reason);
        assert_eq!(block.map(|block| block.reason), left, "{fault}");
        assert!(run.api < least, "the time of the calls isn't the time of the waits: {:?}", run.api);
    }
}

#[tokio::test]
async fn a_tenant_with_less_than_we_were_told_is_waited_for() {
    let stage = Stage::new(&format!("quota: {{calls_per_minute: 2, calls_per_hour: 5}}\n{THREE}")).await;
    for number in 0..7 {
        let run = stage.run(&hunt(&format!("h{number}"), "")).await.run;
        assert_eq!(run.status, RunStatus::Ok, "{number}: {:?}", run.error);
    }
    assert!(stage.clock.now().since(START) >= MINUTE * 59, "{:?}", stage.clock.now().since(START));
    assert_eq!(stage.simulator.stats().answered_ok, 7);
}

#[tokio::test]
async fn what_lasts_ends_the_run_and_says_how_to_mend_it() {
    for (fault, calls, words) in [
        ("unknown_error", 4, "service, HTTP 500"),
        ("internal_error", 4, "service, HTTP 500"),
        ("unavailable", 4, "HTTP 503"),
        ("gateway_timeout", 10, "HTTP 504"),
        ("hangup", 4, "the connection ended before an answer"),
        ("{cut_body: 40}", 4, "broken_body"),
        ("{wrong_length: -5}", 4, "broken_body"),
        ("not_json", 4, "broken_body"),
        ("empty", 4, "broken_body"),
        ("result_size", 14, "`project` fewer columns"),
        ("limits_exceeded", 15, "filter earlier and on fewer columns"),
        ("syntax_error", 1, "huntd check"),
        ("semantic_error", 1, "semantic"),
        ("forbidden", 1, "ThreatHunting.Read.All"),
        ("unlicensed", 1, "licence"),
    ] {
        let stage = Stage::new(THREE).await;
        stage.faults(&format!("[{{does: {fault}}}]"));
        let hunt = hunt("h", "");
        let run = stage.run(&hunt).await.run;
        let error = run.error.clone().unwrap();
        assert_eq!((run.status, run.calls), (RunStatus::Failed, calls), "{fault}: {error}");
        assert!(error.contains(words), "{fault}: {error}");
        assert_eq!(stage.runs().await, [run], "{fault}: it is in the history");
        let track = stage.track(&hunt).await;
        assert_eq!((track.watermark, track.failures_in_row), (None, 1), "{fault}");
    }
}

#[tokio::test]
async fn what_passes_by_itself_does_not_fail_the_run() {
    for (fault, times) in [
        ("unknown_error", 3),
        ("unavailable", 2),
        ("hangup", 3),
        ("{cut_body: 40}", 2),
        ("limits_exceeded", 1),
        ("unauthorized", 1),
        ("error_member", 1),
    ] {
        let stage = Stage::new(THREE).await;
        stage.faults(&format!("[{{does: {fault}, on: {{first: {times}}}}}]"));
        let finished = stage.run(&hunt("h", "")).await;
        let run = finished.run;
        assert_eq!((run.status, run.rows, run.new), (RunStatus::Ok, 3, 3), "{fault}: {:?}", run.error);
        assert_eq!(run.calls, times + 1, "{fault}");
        stage.drain().await;
        assert_eq!(stage.soc.numbers().len(), 3, "{fault}: an answer that broke off left nothing");
    }
}

#[tokio::test]
async fn a_token_endpoint_that_is_unwell_costs_no_call() {
    let stage = Stage::new(THREE).await;
    stage.faults("[{does: unavailable, on: {token: true, first: 2}}]");
    let run = stage.run(&hunt("h", "")).await.run;
    assert_eq!((run.status, run.calls, stage.simulator.stats().calls), (RunStatus::Ok, 1, 1));
}

#[tokio::test]
async fn an_unknown_table_fails_at_once_with_a_hint() {
    let stage = Stage::new(THREE).await;
    let lost = crate::stage::parse("id: lost\nquery: CloudAppEvents | where X == 1\n");
    let run = stage.run(&lost).await.run;
    let error = run.error.unwrap();
    assert_eq!((run.status, run.calls), (RunStatus::Failed, 1));
    assert!(error.contains("CloudAppEvents") && error.contains("tenants:"), "{error}");
}

#[tokio::test]
async fn a_key_that_is_no_column_fails_with_the_nearest() {
    let stage = Stage::new(THREE).await;
    let run = stage.run(&hunt("h", "ignore: []").with_key("Nmae")).await.run;
    let error = run.error.unwrap();
    assert_eq!((run.status, run.calls), (RunStatus::Failed, 1));
    assert!(error.contains("Nmae") && error.contains("Name"), "{error}");
}

trait WithKey {
    fn with_key(&self, key: &str) -> Self;
}

impl WithKey for Arc<huntd::model::hunt::Hunt> {
    fn with_key(&self, key: &str) -> Self {
        Arc::new(huntd::model::hunt::Hunt { key: Some(vec![key.to_owned()]), ..(**self).clone() })
    }
}

#[tokio::test]
async fn a_cause_is_told_like_a_notice_and_kept_as_long_as_it_is_there() {
    let stage = Stage::new(THREE).await;
    stage.faults("[{does: syntax_error}]");
    let hunt = hunt("h", "");
    for _ in 0..3 {
        stage.run(&hunt).await;
    }
    let failing = stage.runner.store.failing().await.unwrap();
    assert_eq!((failing.len(), failing[0].row, failing[0].class.as_str()), (1, 3, "syntax"));
    let causes = trouble::failing(&failing, &std::collections::BTreeMap::new(), |_| None);
    let judged = TroubleKind::ALL.into_iter().collect();
    // A channel that is named twice is told once.
    let names = vec![crate::stage::channel("owners"), crate::stage::channel("owners")];
    let channels = Channels { operators: names, mail: None };
    let look = |at| Look { judged: &judged, failures: &stage.runner.failures, channels: &channels, at };
    let store = &stage.runner.store;
    let at = stage.clock.manual.now();
    assert_eq!(store.note_troubles(&causes, look(at)).await.unwrap().len(), 1);
    assert_eq!(store.note_troubles(&causes, look(at)).await.unwrap().len(), 0, "told");
    stage.owners.turn(Mood::Later);
    stage.drain().await;
    assert_eq!(
        store.deliveries(&DeliveryFilter::default()).await.unwrap()[0].attempts,
        1,
        "tried again like any other"
    );
    stage.owners.turn(Mood::Takes);
    stage.clock.manual.advance(HOUR);
    stage.drain().await;
    assert_eq!(stage.owners.warned()[0].trouble.kind, TroubleKind::HuntFails);
    assert!(stage.soc.got().is_empty());

    stage.faults("[]");
    stage.run(&hunt).await;
    assert_eq!(store.failing().await.unwrap(), []);
    assert_eq!(store.note_troubles(&[], look(stage.clock.manual.now())).await.unwrap()[0].news, News::Ends);
    assert_eq!(store.troubles().await.unwrap(), []);
    stage.drain().await;
    assert_eq!(stage.owners.warned().len(), 2);
    let later = stage.clock.manual.now().plus(HOUR * 24 * 500);
    store.prune(later, HOUR, HOUR).await.unwrap();
    let left = store.deliveries(&DeliveryFilter::default()).await.unwrap();
    assert!(left.iter().all(|delivery| delivery.hits > 0), "with its retention it goes: {left:?}");
}

#[tokio::test]
async fn exactly_as_many_rows_as_the_limit_are_no_whole_result() {
    // All in one second, so that no part of the window has fewer.
    let three = THREE.replace("-15m", "-20m").replace("-10m", "-20m");
    let stage = Stage::with(&three, Quota { row_limit: 3, ..QUOTA }, "right").await;
    let hunt = hunt("h", "report: [new, gone]");
    let run = stage.run(&hunt).await.run;
    assert_eq!((run.status, run.rows, run.new), (RunStatus::Partial, 3, 3));
    assert!(run.error.unwrap().contains("3 rows"));
    assert_eq!(stage.track(&hunt).await.watermark, None);
    stage.simulator.set(|scenario| drop(scenario.hunts[0].rows.remove(0)));
    let run = stage.run(&hunt).await.run;
    assert_eq!((run.status, run.gone), (RunStatus::Ok, 1), "only a whole result says what is gone");
}

#[tokio::test]
async fn a_limit_set_above_the_apis_own_hides_no_cut() {
    let stage = Stage::new(THREE).await;
    let hunt = hunt("h", "");
    for (rows, expected) in [(100_000, RunStatus::Partial), (99_999, RunStatus::Ok)] {
        let (quota, api) = (
            Quota { row_limit: 1_000_000, ..QUOTA },
            Arc::new(Stub(move || AnswerEnd { rows, ..AnswerEnd::default() })),
        );
        let tenant = Arc::new(Tenant { name: stage.tenant.name.clone(), quota, api });
        let run = stage.runner.run(&Order { tenant, ..stage.order(&hunt) }).await.unwrap().run;
        assert_eq!(run.status, expected, "{rows}");
    }
}

#[tokio::test]
async fn a_partial_result_takes_nothing_away() {
    // All in one second, so that no part of the window has fewer.
    let three = THREE.replace("-15m", "-20m").replace("-10m", "-20m");
    let stage = Stage::with(&three, Quota { row_limit: 3, ..QUOTA }, "right").await;
    let wide = stage.tenant(QUOTA, "right");
    let hunt = hunt("h", "report: [new, gone]");
    let whole = Order { tenant: wide, ..stage.order(&hunt) };
    stage.runner.run(&whole).await.unwrap();
    let mark = stage.track(&hunt).await.watermark;
    assert_eq!(mark, Some(START));
    stage.clock.manual.advance(MINUTE);
    stage.simulator.set(|scenario| {
        let mut row = scenario.hunts[0].rows[0].clone();
        row.row.insert("N".to_owned(), 9.into());
        scenario.hunts[0].rows[0] = row;
    });
    let run = stage.run(&hunt).await.run;
    assert_eq!((run.status, run.new, run.gone), (RunStatus::Partial, 1, 0));
    assert_eq!(stage.track(&hunt).await.watermark, mark);
}

#[tokio::test]
async fn a_run_by_hand_that_tells_nobody_leaves_what_is_held_and_begins_no_suppression() {
    let stage = Stage::new(THREE).await;
    let hunt = hunt("h", "suppress: {for: 24h}");
    let quiet = Order { trigger: Trigger::Manual, notify: false, ..stage.order(&hunt) };
    let finished = stage.runner.run(&quiet).await.unwrap();
    assert!(finished.deliveries.is_empty());
    assert_eq!(stage.track(&hunt).await.suppressions.len(), 0);
}
