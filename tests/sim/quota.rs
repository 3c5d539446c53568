use std::time::Duration;

use huntd::sim::moment::Span;
use huntd::sim::scenario::Wording;

use crate::{GRAPH, OLDER, Tenant};

const QUERY: &str = r#"{"Query":"T"}"#;
const HUNT: &str = "hunts: [{name: t, match: {table: T}, columns: {N: long}, rows: [{row: {N: 1}}], cpu: 4s}]\nquota: {calls_per_minute: 3, calls_per_hour: 5}\n";

#[tokio::test]
async fn a_rolling_minute_and_hour_are_kept() {
    let tenant = Tenant::start(HUNT).await;
    for _ in 0..3 {
        assert_eq!(tenant.ask(GRAPH, QUERY).await.status, 200);
        tenant.advance(10_000);
    }
    tenant.advance(29_999);
    let full = tenant.ask(OLDER, QUERY).await;
    assert_eq!(full.status, 429, "59.999 s after the first, and both APIs spend the same");
    let error = &full.json()["error"];
    assert_eq!(
        (error["code"].as_str(), error["message"].as_str()),
        (Some("429"), Some("API calls quota exceeded! maximum allowed 3 per 00:01:00"))
    );
    assert_eq!(full.header("retry-after"), None);
    tenant.advance(1);
    assert_eq!(tenant.ask(GRAPH, QUERY).await.status, 200, "the first is a minute old");
    tenant.advance(10_000);
    assert_eq!(tenant.ask(GRAPH, QUERY).await.status, 200);
    tenant.advance(60_000);
    let hour = tenant.ask(GRAPH, QUERY).await;
    assert_eq!(hour.json()["error"]["message"], "API calls quota exceeded! maximum allowed 5 per 01:00:00");
    let stats = tenant.simulator.stats();
    assert_eq!((stats.calls, stats.answered_429, stats.answered_ok, stats.peak_per_minute), (7, 2, 5, 4));
}

#[tokio::test]
async fn refusals_have_the_services_wordings() {
    let tenant = Tenant::start(HUNT).await;
    tenant.simulator.set(|scenario| {
        scenario.quota.calls_per_minute = 1;
        scenario.quota.wording = Wording::Newer;
        scenario.quota.retry_after = true;
    });
    assert_eq!(tenant.ask(GRAPH, QUERY).await.status, 200);
    tenant.advance(52_500);
    let newer = tenant.ask(GRAPH, QUERY).await;
    assert_eq!(
        newer.json()["error"]["message"],
        "API calls quota exceeded! Maximum allowed 1 per 00:01:00 for the key Destination+TenantID+AppID. You can send requests again in 8 seconds."
    );
    assert_eq!(newer.header("retry-after"), Some("8"));
    tenant.simulator.set(|scenario| scenario.quota.wording = Wording::Gateway);
    let gateway = tenant.ask(GRAPH, QUERY).await;
    assert_eq!(gateway.json()["error"]["code"], "TooManyRequests");
    assert_eq!(gateway.json()["error"]["message"], "Please retry again later.");
    assert_eq!(gateway.json()["error"]["innerError"]["code"], "429");
}

#[tokio::test]
async fn cpu_is_spent_until_the_next_quarter_hour() {
    let tenant = Tenant::start(HUNT).await;
    tenant.simulator.set(|scenario| scenario.quota.cpu_per_cycle = Some(Span(Duration::from_secs(8))));
    tenant.advance(146_000);
    assert_eq!(tenant.ask(GRAPH, QUERY).await.status, 200);
    assert_eq!(tenant.ask(GRAPH, QUERY).await.status, 200);
    let spent = tenant.ask(GRAPH, QUERY).await;
    assert_eq!(spent.status, 429);
    assert_eq!(
        spent.json()["error"]["message"],
        "You have exceeded processing resources allocated to this tenant. You can run queries again in 00:12:34."
    );
    tenant.advance(754_000);
    assert_eq!(tenant.ask(GRAPH, QUERY).await.status, 200);
}

#[tokio::test]
async fn a_long_window_costs_more_and_the_older_api_says_so() {
    let tenant =
        Tenant::start("hunts: [{name: t, match: {table: T}, columns: {N: long}, cpu: 500ms, cpu_per_hour: 2s}]\n")
            .await;
    let spent = async |query: &str| {
        let answer = tenant.ask(OLDER, query).await;
        assert_eq!(answer.status, 200);
        answer.json()["Stats"]["resource_usage"]["cpu"]["total cpu"].as_str().unwrap().to_owned()
    };
    let hours =
        r#"{"Query":"T | where Timestamp between (datetime(2020-01-01T00:00:00Z) .. datetime(2020-01-01T03:00:00Z))"}"#;
    let none = spent(hours).await;
    assert_eq!(none, "00:00:00.5000000", "older than all data: nothing is looked at");
    // Thirty days.
    assert_eq!(spent(QUERY).await, "00:24:00.5000000");
    let stats = tenant.simulator.stats();
    assert_eq!((stats.cpu_ms, stats.peak_cpu_ms), (1_441_000, 1_441_000));
    tenant.advance(900_000);
    spent(hours).await;
    let stats = tenant.simulator.stats();
    assert_eq!((stats.cpu_ms, stats.peak_cpu_ms), (1_441_500, 1_441_000));
}

#[tokio::test]
async fn others_spend_the_budget_too() {
    let tenant = Tenant::start(HUNT).await;
    tenant.simulator.set(|scenario| {
        scenario.quota.cpu_per_cycle = Some(Span(Duration::from_secs(8)));
        scenario.quota.cpu_of_others = Span(Duration::from_secs(9));
    });
    // Their nine seconds are the whole budget after 800 s, and with four of ours after 400 s.
    for (after, status) in [(0, 200), (399_000, 200), (1_000, 429), (500_000, 200), (390_000, 200)] {
        tenant.advance(after);
        let answer = tenant.ask(GRAPH, QUERY).await;
        assert_eq!(answer.status, status, "{after}");
    }
}
