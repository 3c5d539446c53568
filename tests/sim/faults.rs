use crate::{GRAPH, GRAPH_SCOPE, OLDER, Tenant};

const QUERY: &str = r#"{"Query":"T"}"#;
const HUNT: &str = "hunts: [{name: t, match: {table: T}, columns: {N: long}, rows: [{row: {N: 1}}]}]\n";

async fn with(faults: &str) -> Tenant {
    Tenant::start(&format!("{HUNT}faults: {faults}")).await
}

#[tokio::test]
async fn whole_answers_are_the_services_own() {
    let cases = [
        ("unknown_error", 500, r#""code":"UnknownError","message":"""#, r#""code":"InternalServerError","message":"""#),
        ("bad_gateway", 502, "<h1>502 Bad Gateway</h1>", "<h1>502 Bad Gateway</h1>"),
        ("unavailable", 503, "<h1>503 Service Unavailable</h1>", "<h1>503"),
        ("gateway_timeout", 504, r#""code":"UnknownError","message":"""#, r#""message":"""#),
        ("limits_exceeded", 400, "exceeded the allowed limits", "exceeded the allowed limits"),
        ("result_size", 400, "exceeded the allowed result size", "exceeded the allowed result size"),
        (
            "syntax_error",
            400,
            "Query operator expected.. Fix syntax errors",
            "A recognition error occurred.. Fix syntax errors",
        ),
        ("semantic_error", 400, "Fix semantic errors in your query.", "Fix semantic errors in your query."),
        ("throttled_minute", 429, "per 00:01:00", "per 00:01:00"),
        ("throttled_hour", 429, "per 01:00:00", "per 01:00:00"),
        ("throttled_cpu", 429, "again in 00:12:34.", "again in 00:12:34."),
        ("{throttled_gateway: 10s}", 429, "TooManyRequests", "TooManyRequests"),
        ("unauthorized", 401, "InvalidAuthenticationToken", r#""code":"Unauthorized""#),
        ("unlicensed", 401, "Account mode is inactive", "Account mode is inactive"),
        ("forbidden", 403, "Missing application roles.", "Missing application roles."),
        ("{answer: {status: 418, body: tea, content_type: text/plain, retry_after: soon}}", 418, "tea", "tea"),
    ];
    for (fault, status, graph, older) in cases {
        let tenant = with(&format!("[{{does: {fault}}}]")).await;
        for (path, expected) in [(GRAPH, graph), (OLDER, older)] {
            let answer = tenant.ask(path, QUERY).await;
            assert_eq!(answer.status, status, "{fault}");
            assert!(answer.text().contains(expected), "{fault}: {}", answer.text());
        }
    }
    let tenant = with("[{does: {throttled_gateway: 10s}}]").await;
    assert_eq!(tenant.ask(GRAPH, QUERY).await.header("retry-after"), Some("10"));
}

#[tokio::test]
async fn faults_strike_the_calls_they_name() {
    let tenant = with("[{does: bad_gateway, on: {calls: [2, 4]}}, {does: unavailable, on: {first: 1}}]").await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(tenant.ask(GRAPH, QUERY).await.status);
    }
    assert_eq!(statuses, [503, 502, 200, 502, 200]);

    let tenant = with("[{does: bad_gateway, on: {hunt: t, from: 1m, to: 2m}}]").await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(tenant.ask(GRAPH, QUERY).await.status);
        tenant.advance(60_000);
    }
    assert_eq!(statuses, [200, 502, 200]);
    tenant.advance(-90_000);
    assert_eq!(tenant.ask(GRAPH, r#"{"Query":"Nope"}"#).await.status, 400, "another hunt");
}

#[tokio::test]
async fn chance_follows_the_seed() {
    let draw = async |seed| {
        let tenant = Tenant::with(
            crate::scenario(&format!("{HUNT}faults: [{{does: bad_gateway, on: {{probability: 0.5}}}}]")),
            seed,
        )
        .await;
        let mut statuses = Vec::new();
        for _ in 0..20 {
            statuses.push(tenant.ask(GRAPH, QUERY).await.status);
        }
        statuses
    };
    let (first, again, other) = (draw(1).await, draw(1).await, draw(2).await);
    assert_eq!(first, again);
    assert_ne!(first, other);
    assert!(first.contains(&200) && first.contains(&502));
}

#[tokio::test]
async fn bodies_break_off_and_lie() {
    let framings = ["chunked", "length", "close"];
    for framing in framings {
        let tenant =
            Tenant::start(&format!("{HUNT}wire: {{framing: {framing}}}\nfaults: [{{does: {{cut_body: 50}}}}]")).await;
        let answer = tenant.ask(GRAPH, QUERY).await;
        assert_eq!((answer.status, answer.body.len()), (200, 50), "{framing}");
        assert_eq!(
            answer.whole,
            framing == "close",
            "only the JSON shows it where the end of the connection is the end"
        );
        let stats = tenant.simulator.stats();
        assert_eq!((stats.answered_ok, stats.damaged), (0, 1));
    }
    let short = with("[{does: {wrong_length: 7}}]").await.ask(GRAPH, QUERY).await;
    assert!(!short.whole, "more was promised than came");
    let long = with("[{does: {wrong_length: -7}}]").await.ask(GRAPH, QUERY).await;
    assert!(long.whole && serde_json::from_slice::<serde_json::Value>(&long.body).is_err());

    let tenant = with("[{does: hangup}]").await;
    let bearer = format!("Bearer {}", tenant.token(GRAPH_SCOPE).await);
    let mut client = tenant.client().await;
    client.send("POST", GRAPH, &[("Authorization", &bearer)], QUERY.as_bytes()).await;
    assert!(client.closed().await);
}

#[tokio::test]
async fn a_200_can_hold_an_error_or_nothing() {
    let member = with("[{does: error_member}]").await.ask(GRAPH, QUERY).await.json();
    assert_eq!((member["results"][0]["N"].as_i64(), member["error"]["code"].as_str()), (Some(1), Some("PartialError")));
    let page = with("[{does: not_json}]").await.ask(GRAPH, QUERY).await;
    assert!(page.status == 200 && page.text().starts_with("<html>"));
    let empty = with("[{does: empty}]").await.ask(GRAPH, QUERY).await;
    assert!(empty.status == 200 && empty.whole && empty.body.is_empty());
}

#[tokio::test]
async fn slow_answers_arrive_whole() {
    let faults = "[{does: {slow_first_byte: 5ms}}, {does: {slow_body: {bytes: 40, every: 1ms}}}]";
    let answer = with(faults).await.ask(GRAPH, QUERY).await;
    assert_eq!(answer.json()["results"][0]["N"], 1);
}

#[tokio::test]
async fn the_token_endpoint_has_faults_of_its_own() {
    let tenant = with("[{does: unavailable, on: {token: true, first: 1}}]").await;
    assert_eq!(tenant.form("").await.status, 503);
    assert_eq!(tenant.ask(GRAPH, QUERY).await.status, 200);
}

#[tokio::test]
async fn damage_can_be_mended_while_it_runs() {
    let tenant = with("[{does: bad_gateway}]").await;
    assert_eq!(tenant.ask(GRAPH, QUERY).await.status, 502);
    tenant.simulator.set(|scenario| scenario.faults.clear());
    assert_eq!(tenant.ask(GRAPH, QUERY).await.status, 200);
}
