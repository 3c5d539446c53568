use crate::{GRAPH, OLDER, Tenant};

/// Events at -40 d, -2 h, -1 h, -1 min and now; one that comes an hour late; one of an inventory.
const EVENTS: &str = "
hunts:
  - name: events
    match: {contains: [Events]}
    columns: {Timestamp: datetime, N: long}
    rows:
      - {at: -40d, row: {N: 0}}
      - {at: -2h, row: {N: 1}}
      - {at: -1h, row: {N: 2}}
      - {at: -1m, row: {N: 3}}
      - {at: -30m, arrives: 1h, row: {N: 4}}
  - name: inventory
    match: {contains: [Inventory]}
    columns: {N: long}
    rows: [{row: {N: 1}}, {leaves: 1h, row: {N: 2}}, {arrives: 1h, row: {N: 3}}]
";

#[tokio::test]
async fn each_form_of_timespan_narrows() {
    let tenant = Tenant::start(EVENTS).await;
    let cases: [(&str, &[i64]); 7] = [
        ("2026-01-01T22:00:00Z/2026-01-01T23:00:00Z", &[1]),
        ("PT1H/2026-01-01T23:59:00Z", &[2]),
        ("2026-01-01T23:00:00Z/PT59M1S", &[2, 3]),
        ("PT30M", &[3]),
        ("2026-01-01T23:00:00Z", &[2, 3]),
        ("P90D", &[1, 2, 3]),
        ("2025-12-01T00:00:00Z/2026-01-01T00:00:00Z", &[]),
    ];
    for (timespan, expected) in cases {
        let body = format!(r#"{{"Query":"Events","Timespan":"{timespan}"}}"#);
        assert_eq!(tenant.numbers(&body).await, expected, "{timespan}");
    }
    assert_eq!(tenant.numbers(r#"{"Query":"Events"}"#).await, [1, 2, 3], "thirty days where nothing is said");
    let wrong = tenant.ask(GRAPH, r#"{"Query":"Events","Timespan":"1 day"}"#).await;
    assert_eq!((wrong.status, wrong.json()["error"]["code"].as_str()), (400, Some("BadRequest")));
    let journal = tenant.simulator.journal();
    assert_eq!(journal[0].timespan.as_deref(), Some("2026-01-01T22:00:00Z/2026-01-01T23:00:00Z"));
    assert_eq!((journal[0].hunt.as_deref(), journal[0].rows, journal[0].query.as_str()), (Some("events"), 1, "Events"));
}

#[tokio::test]
async fn the_older_api_takes_its_window_from_the_query() {
    let tenant = Tenant::start(EVENTS).await;
    let numbers = async |body: &str| -> Vec<i64> {
        let answer = tenant.ask(OLDER, body).await.json();
        answer["Results"].as_array().unwrap().iter().map(|row| row["N"].as_i64().unwrap()).collect()
    };
    let bound = r"| where Timestamp between (datetime(2026-01-01T22:00:00Z) .. datetime(2026-01-01T23:00:00Z))";
    assert_eq!(numbers(&format!(r#"{{"Query":"Events\n{bound}"}}"#)).await, [1, 2], "both ends are taken");
    assert_eq!(numbers(r#"{"Query":"Events","Timespan":"PT30M"}"#).await, [1, 2, 3], "it knows no Timespan");
}

#[tokio::test]
async fn what_a_client_writes_into_a_query_is_answered() {
    let stream = "row_limit: 50\nhunts: [{name: s, match: {query: 'S | where X == 1'}, columns: {Timestamp: datetime, N: long}, most_rows: 150, streams: [{from: -100s, every: 1s, row: {N: '{n}'}}]}]";
    let tenant = Tenant::start(stream).await;
    let counted = async |path: &str, query: &str| -> serde_json::Value {
        tenant.ask(path, &serde_json::json!({ "Query": query }).to_string()).await.json()
    };
    // 0 s to now, both taken; a count is cut by no limit.
    let answer = counted(GRAPH, "S | where X == 1\n| count").await;
    assert_eq!(answer["results"][0]["Count"], 101, "{answer}");
    assert_eq!(answer["results"].as_array().unwrap().len(), 1);
    assert_eq!(
        (answer["schema"][0]["name"].as_str(), answer["schema"][0]["type"].as_str()),
        (Some("Count"), Some("Int64"))
    );
    let answer = counted(OLDER, "S | where X == 1\n| count;").await;
    assert_eq!(answer["Results"][0]["Count"], 101, "{answer}");
    let window = "| where Timestamp >= datetime(2026-01-01T23:59:00Z) and Timestamp < datetime(2026-01-01T23:59:10.5Z)";
    let answer = counted(OLDER, &format!("S {window} | where X == 1\n| count")).await;
    assert_eq!(answer["Results"][0]["Count"], 11, "{answer}");
    // As of a time.
    let as_of = "S | where X == 1 | where Timestamp > (datetime(2026-01-01T23:59:50Z) - (10s))";
    let tenant_of = |query: &str| format!(r#"{{"Query":{}}}"#, serde_json::Value::from(query));
    assert_eq!(tenant.ask(GRAPH, &tenant_of(as_of)).await.status, 400, "another query");

    let mut all = Vec::new();
    for n in 0..3 {
        let part = format!("S | where X == 1\n| where hash(tostring(pack_all()), 3) == {n}");
        let rows = tenant.numbers(&tenant_of(&part)).await;
        let answer = counted(GRAPH, &format!("{part}\n| count")).await;
        assert_eq!(answer["results"][0]["Count"], rows.len(), "{answer}");
        all.extend(rows);
    }
    all.sort_unstable();
    assert_eq!(all, (0..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_query_as_of_a_time_is_bounded() {
    let tenant = Tenant::start(EVENTS).await;
    for (query, expected) in [
        ("Events | where Timestamp > (datetime(2026-01-02T00:00:00Z) - (90m))", &[2, 3][..]),
        (
            "let back = 90m; Events | where Timestamp between ((datetime(2026-01-01T23:30:00Z) - (back)) .. datetime(2026-01-01T23:30:00Z))",
            &[1, 2],
        ),
        ("Events | where Timestamp < datetime(2026-01-02T00:00:00Z) - 1h", &[1]),
    ] {
        let body = serde_json::json!({ "Query": query }).to_string();
        assert_eq!(tenant.numbers(&body).await, expected, "{query}");
    }
}

#[tokio::test]
async fn what_has_not_arrived_is_not_there() {
    let tenant = Tenant::start(EVENTS).await;
    let hour = r#"{"Query":"Events","Timespan":"2026-01-01T23:00:00Z/2026-01-02T00:00:00Z"}"#;
    assert_eq!(tenant.numbers(hour).await, [2, 3]);
    assert_eq!(tenant.numbers(r#"{"Query":"Inventory","Timespan":"PT1M"}"#).await, [1, 2]);
    tenant.advance(3_599_999);
    assert_eq!(tenant.numbers(hour).await, [2, 3]);
    tenant.advance(1);
    assert_eq!(tenant.numbers(hour).await, [2, 3, 4], "late, and found in the same window");
    assert_eq!(tenant.numbers(r#"{"Query":"Inventory"}"#).await, [1, 3], "one left, one came");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_answers_and_shuffles_them() {
    let stream = "shuffle: true\nhunts: [{name: s, match: {table: S}, columns: {Timestamp: datetime, N: long}, streams: [{from: -100s, every: 1s, late: {to: 20s}, row: {N: '{n}'}}]}]";
    let (a, b) = (Tenant::with(crate::scenario(stream), 5).await, Tenant::with(crate::scenario(stream), 5).await);
    let query = r#"{"Query":"S"}"#;
    let (first, second) = (a.numbers(query).await, a.numbers(query).await);
    assert_eq!(first, b.numbers(query).await);
    assert_ne!(first, second, "another order");
    let sorted = |mut all: Vec<i64>| {
        all.sort_unstable();
        all
    };
    assert_eq!(sorted(first), sorted(second), "of the same rows");
}

#[tokio::test]
async fn a_long_window_can_be_too_heavy_and_too_big() {
    let tenant = Tenant::start(
        "hunts: [{name: s, match: {table: S}, columns: {Timestamp: datetime, N: long}, longest_window: 6h, most_rows: 100, streams: [{from: -1d, every: 1m, row: {N: '{n}'}}]}]",
    )
    .await;
    let ask = async |timespan: &str| tenant.ask(GRAPH, &format!(r#"{{"Query":"S","Timespan":"{timespan}"}}"#)).await;
    let heavy = ask("PT6H1S").await;
    assert_eq!(heavy.status, 400);
    assert!(
        heavy.json()["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("Query execution has exceeded the allowed limits. The query execution was preempted.")
    );
    let big = ask("PT6H").await;
    assert_eq!(
        big.json()["error"]["message"],
        "Query execution has exceeded the allowed result size. Optimize your query by limiting the number of results and try again."
    );
    assert_eq!(ask("PT1H").await.status, 200);
}
