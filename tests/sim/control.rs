use huntd::model::time::Timestamp;
use huntd::sim::scenario::{demo_scenario, stress_scenario};

use crate::{GRAPH, GRAPH_SCOPE, START, Tenant};

#[tokio::test]
async fn events_that_have_arrived_are_listed_for_other_processes() {
    let tenant = Tenant::with(stress_scenario(), 3).await;
    tenant.advance(100_000);
    let mut client = tenant.client().await;
    let listed = client.call("GET", "/_sim/events?hunt=stream&until=2026-01-02T00:01:00Z", &[], "").await.text();
    let events: Vec<serde_json::Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!((40..=61).contains(&events.len()), "a second each, up to 20 of them late: {}", events.len());
    for event in &events {
        let time = |key: &str| Timestamp::parse(event[key].as_str().unwrap()).unwrap();
        assert!(time("at") <= time("arrived") && time("arrived") <= Timestamp::from_seconds(START + 60));
        assert_eq!(event["row"]["EventId"], format!("event-{}", event["row"]["ReportId"]));
    }
    let all = client.call("GET", "/_sim/events?from=30s", &[], "").await.text();
    assert!((50..=71).contains(&all.lines().count()));
    let wrong = client.call("GET", "/_sim/events?until=soon", &[], "").await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn stats_and_journal_are_there_and_the_scenario_can_be_replaced() {
    let tenant = Tenant::start("").await;
    assert_eq!(tenant.ask(GRAPH, r#"{"Query":"T"}"#).await.status, 400);
    let mut client = tenant.client().await;
    let stats = client.call("GET", "/_sim/stats", &[], "").await.json();
    assert_eq!(
        (stats["calls"].as_u64(), stats["answered_4xx"].as_u64(), stats["tokens"].as_u64()),
        (Some(1), Some(1), Some(1))
    );
    let journal = client.call("GET", "/_sim/journal", &[], "").await.json();
    assert_eq!(
        (journal["query"].as_str(), journal["dialect"].as_str(), journal["tenant"].as_str()),
        (Some("T"), Some("graph"), Some("t1"))
    );
    let wrong = client.call("POST", "/_sim/scenario", &[], "tenants: []").await;
    assert!(wrong.status == 400 && wrong.text().contains("no tenant"));
    let scenario =
        "tenants: [{id: t1, client_id: app, secret: right}]\nhunts: [{name: t, match: {table: T}, columns: {N: long}}]";
    assert_eq!(client.call("POST", "/_sim/scenario", &[], scenario).await.status, 200);
    assert_eq!(tenant.ask(GRAPH, r#"{"Query":"T"}"#).await.status, 200);
    let bearer = format!("Bearer {}", tenant.token(GRAPH_SCOPE).await);
    assert_eq!(client.call("POST", "/_sim/tokens/revoke", &[], "").await.status, 200);
    assert_eq!(client.call("POST", GRAPH, &[("Authorization", &bearer)], r#"{"Query":"T"}"#).await.status, 401);
    assert_eq!(client.call("GET", "/_sim/nothing", &[], "").await.status, 404);
}

#[tokio::test]
async fn it_stops_and_can_be_stopped_twice() {
    let tenant = Tenant::with(demo_scenario(), 1).await;
    let mut client = tenant.client().await;
    assert_eq!(client.call("GET", "/_sim/stats", &[], "").await.status, 200);
    tenant.simulator.stop().await;
    tenant.simulator.stop().await;
    assert!(client.closed().await);
    assert!(tokio::net::TcpStream::connect(tenant.simulator.address()).await.is_err());
}
