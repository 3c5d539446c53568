use crate::{GRAPH, GRAPH_SCOPE, OLDER, Tenant};

const KINDS: &str = r#"
hunts:
  - name: kinds
    match: {table: Kinds}
    columns: {Timestamp: datetime, S: string, L: long, I: int, R: real, B: bool, G: guid, D: dynamic, A: dynamic, Empty: dynamic, Gone: datetime}
    rows:
      - at: 2026-01-01T12:00:00.5Z
        row:
          S: "a\"<b>\u0000"
          L: 9007199254740993
          I: -5
          R: 4.3
          B: true
          G: 6f0b1c7a-52d4-4e0e-9a54-0d3b3f8a2c11
          D: {on: true, level: 0, tags: [], inner: {made: "2026-07-14T14:34:38Z"}, none: null}
          A: [x, {type: AadObjectId}]
          Empty: {}
      - {at: 2026-01-01T12:00:01Z, row: {B: false}}
"#;

#[tokio::test]
async fn graph_answers_literally() {
    let tenant = Tenant::start(KINDS).await;
    let answer = tenant.ask(GRAPH, r#"{"Query":"Kinds | take 5"}"#).await;
    assert_eq!(
        answer.text(),
        concat!(
            r##"{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.security.huntingQueryResults","##,
            r##""schema":[{"name":"Timestamp","type":"DateTime"},{"name":"S","type":"String"},{"name":"L","type":"Int64"},{"name":"I","type":"Int32"},"##,
            r##"{"name":"R","type":"Double"},{"name":"B","type":"SByte"},{"name":"G","type":"Guid"},{"name":"D","type":"Object"},{"name":"A","type":"Object"},"##,
            r##"{"name":"Empty","type":"Object"},{"name":"Gone","type":"DateTime"}],"results":["##,
            r##"{"Timestamp":"2026-01-01T12:00:00.5000000Z","S":"a\"<b>\u0000","L@odata.type":"#Int64","L":9007199254740993,"I":-5,"R":4.3,"##,
            r##""B@odata.type":"#SByte","B":1,"G@odata.type":"#Guid","G":"6f0b1c7a-52d4-4e0e-9a54-0d3b3f8a2c11","##,
            r##""D":{"@odata.type":"#microsoft.graph.security.dynamicColumnValue","on":true,"level@odata.type":"#Int64","level":0,"##,
            r##""tags@odata.type":"#Collection(String)","tags":[],"inner":{"@odata.type":"#microsoft.graph.security.dynamicColumnValue","##,
            r##""made":"2026-07-14T14:34:38.0000000Z"},"none":null},"A@odata.type":"#Collection(String)","A":["x","{\"type\":\"AadObjectId\"}"],"##,
            r##""Empty":{"@odata.type":"#microsoft.graph.security.dynamicColumnValue"},"Gone":{}},"##,
            r##"{"Timestamp":"2026-01-01T12:00:01Z","S":"","L":null,"I":null,"R":null,"B@odata.type":"#SByte","B":0,"G":null,"D":{},"A":{},"Empty":{},"Gone":{}}]}"##,
        )
    );
    assert!(answer.header("request-id").is_some() && answer.header("date").is_some());
    assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
}

#[tokio::test]
async fn the_older_api_answers_literally() {
    let tenant = Tenant::start(KINDS).await;
    let answer = tenant.ask(OLDER, r#"{"Query":"Kinds | take 5"}"#).await;
    let text = answer.text();
    let (stats, rest) = text.split_once(r#","Schema":"#).unwrap();
    assert!(
        stats.starts_with(r#"{"Stats":{"ExecutionTime":0.05,"#) && stats.contains(r#""total cpu":"00:00:00.0500000""#)
    );
    assert!(stats.ends_with(r#""dataset_statistics":[{"table_row_count":2,"table_size":102}]}"#), "{stats}");
    assert!(rest.starts_with(r#"[{"Name":"Timestamp","Type":"DateTime"},"#));
    assert_eq!(
        rest.split_once(r#""Results":"#).unwrap().1,
        concat!(
            r#"[{"Timestamp":"2026-01-01T12:00:00.5000000Z","S":"a\"<b>\u0000","L":9007199254740993,"I":-5,"R":4.3,"B":1,"#,
            r#""G":"6f0b1c7a-52d4-4e0e-9a54-0d3b3f8a2c11","D":{"on":true,"level":0,"tags":[],"inner":{"made":"2026-07-14T14:34:38Z"},"none":null},"#,
            r#""A":["x",{"type":"AadObjectId"}],"Empty":{},"Gone":null},"#,
            r#"{"Timestamp":"2026-01-01T12:00:01Z","S":"","L":null,"I":null,"R":null,"B":0,"G":null,"D":null,"A":null,"Empty":null,"Gone":null}]}"#,
        )
    );
    tenant.simulator.set(|scenario| {
        scenario.wire.older_bools = true;
        scenario.wire.older_text = true;
        scenario.wire.schema_last = true;
    });
    let text = tenant.ask(OLDER, r#"{"Query":"Kinds"}"#).await.text();
    assert!(text.contains(r#""B":true"#) && text.contains(r#""A":"[\"x\",{\"type\":\"AadObjectId\"}]""#), "{text}");
    assert!(text.find(r#""Results""#) < text.find(r#""Schema""#));
}

#[tokio::test]
async fn keys_of_the_body_are_taken_as_each_api_takes_them() {
    let tenant = Tenant::start(KINDS).await;
    assert_eq!(tenant.ask(GRAPH, r#"{"query":"Kinds","timespan":"P1D"}"#).await.status, 200);
    let older = tenant.ask(OLDER, r#"{"query":"Kinds"}"#).await;
    assert_eq!((older.status, older.json()["error"]["code"].as_str()), (400, Some("InvalidRequestBody")));
    assert_eq!(older.json()["error"]["message"], "Request body is incorrect");
    let graph = tenant.ask(GRAPH, "Kinds").await;
    assert_eq!((graph.status, graph.json()["error"]["code"].as_str()), (400, Some("BadRequest")));
}

#[tokio::test]
async fn an_unknown_query_is_an_unknown_table() {
    let tenant = Tenant::start(KINDS).await;
    let message = "'where' operator: Failed to resolve table or column expression named 'DeviceInfo'. Fix semantic errors in your query.";
    for path in [GRAPH, OLDER] {
        let answer = tenant.ask(path, r#"{"Query":"// all\nDeviceInfo | where 1 == 1"}"#).await;
        let error = &answer.json()["error"];
        assert_eq!(
            (answer.status, error["code"].as_str(), error["message"].as_str()),
            (400, Some("BadRequest"), Some(message))
        );
        assert_eq!(error["innerError"].is_object(), path == GRAPH);
        assert_eq!(
            error["target"].as_str().is_some_and(|target| target.starts_with('|') && target.ends_with('.')),
            path == OLDER
        );
    }
    let wrong = tenant.ask("/v1.0/security/security.runHuntingQuery", "{}").await;
    assert_eq!(wrong.json()["error"]["message"], "Resource not found for the segment 'security.runHuntingQuery'.");
}

#[tokio::test]
async fn bodies_are_packed_as_the_client_allows() {
    let tenant = Tenant::start(KINDS).await;
    let graph = format!("Bearer {}", tenant.token(GRAPH_SCOPE).await);
    let older = format!("Bearer {}", tenant.token(crate::OLDER_SCOPE).await);
    let cases = [
        (GRAPH, &graph, "gzip, deflate", Some("gzip")),
        (OLDER, &older, "gzip, deflate", Some("deflate")),
        (OLDER, &older, "gzip;q=1.0", Some("gzip")),
        (GRAPH, &graph, "identity", None),
    ];
    for (path, bearer, accepted, packing) in cases {
        let headers = [("Authorization", bearer.as_str()), ("Accept-Encoding", accepted)];
        let answer = tenant.client().await.call("POST", path, &headers, r#"{"Query":"Kinds"}"#).await;
        assert_eq!(answer.header("content-encoding"), packing, "{path} {accepted}");
        assert!(answer.json().is_object());
        let error = tenant.client().await.call("POST", path, &headers, r#"{"Query":"Nope"}"#).await;
        assert!(error.json()["error"].is_object());
    }
}

#[tokio::test]
async fn a_client_request_id_comes_back() {
    let tenant = Tenant::start("").await;
    let bearer = format!("Bearer {}", tenant.token(GRAPH_SCOPE).await);
    let headers = [("Authorization", bearer.as_str()), ("client-request-id", "mine")];
    let answer = tenant.client().await.call("POST", GRAPH, &headers, r#"{"Query":"Nope"}"#).await;
    assert_eq!(answer.header("client-request-id"), Some("mine"));
    assert_eq!(answer.json()["error"]["innerError"]["client-request-id"], "mine");
    assert_eq!(answer.json()["error"]["innerError"]["request-id"].as_str(), answer.header("request-id"));
}

#[tokio::test]
async fn one_connection_serves_many_requests_also_in_chunks() {
    let tenant = Tenant::start(KINDS).await;
    let bearer = format!("Bearer {}", tenant.token(GRAPH_SCOPE).await);
    let before = tenant.simulator.stats().connections;
    let mut client = tenant.client().await;
    for _ in 0..3 {
        let answer = client.call("POST", GRAPH, &[("Authorization", &bearer)], r#"{"Query":"Kinds"}"#).await;
        assert_eq!(answer.status, 200);
    }
    let chunked = format!(
        "POST {GRAPH} HTTP/1.1\r\nHost: sim\r\nAuthorization: {bearer}\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{{\"Query\"\r\n9;x=y\r\n:\"Kinds\"}}\r\n0\r\n\r\n"
    );
    client.send_raw(chunked.as_bytes()).await;
    assert_eq!(client.read().await.status, 200);
    let last = [("Authorization", bearer.as_str()), ("Connection", "close")];
    assert_eq!(client.call("POST", GRAPH, &last, r#"{"Query":"Kinds"}"#).await.status, 200);
    assert!(client.closed().await);
    assert_eq!(tenant.simulator.stats().connections, before + 1);
}

#[tokio::test]
async fn a_body_over_a_megabyte_meets_the_proxy() {
    let tenant = Tenant::start("").await;
    let body = vec![b' '; 1024 * 1024 + 1];
    let mut client = tenant.client().await;
    client.send("POST", GRAPH, &[], &body).await;
    let answer = client.read().await;
    assert_eq!((answer.status, answer.header("content-type")), (413, Some("text/html")));
    assert!(answer.text().contains("<h1>413 Request Entity Too Large</h1>"));
    assert_eq!(tenant.simulator.stats().calls, 0, "the service behind has seen nothing");
    let chunk = format!("96000\r\n{}\r\n", " ".repeat(0x96000));
    let mut chunked = tenant.client().await;
    chunked
        .send_raw(
            format!("POST {GRAPH} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n").as_bytes(),
        )
        .await;
    assert_eq!(chunked.read().await.status, 413, "1.2 MB in two chunks");
    let mut broken = tenant.client().await;
    broken.send_raw(b"no http at all\r\n\r\n").await;
    assert_eq!(broken.read().await.status, 400);
}

#[tokio::test]
async fn a_big_result_is_made_as_it_is_sent() {
    let tenant = Tenant::start(
        "row_limit: 50000\nhunts: [{name: big, match: {table: Big}, columns: {Timestamp: datetime, N: long}, streams: [{from: -1h, every: 0s, count: 60000, row: {N: '{n}'}}]}]",
    )
    .await;
    let found = tenant.numbers(r#"{"Query":"Big"}"#).await;
    assert_eq!(found.len(), 50_000, "cut without a word");
    assert_eq!((found[0], found[49_999]), (0, 49_999));
    let entry = tenant.simulator.journal().pop().unwrap();
    assert_eq!((entry.rows, entry.cut, entry.status), (50_000, true, 200));
    assert_eq!(tenant.simulator.stats().cut, 1);
}

/// The raw client would not notice what a common one stumbles over.
#[tokio::test]
async fn a_common_client_gets_on_with_it() {
    let tenant = Tenant::start(KINDS).await;
    let client = reqwest::Client::new();
    let bearer = tenant.token(GRAPH_SCOPE).await;
    for _ in 0..3 {
        let sent = client.post(format!("{}{GRAPH}", tenant.simulator.url())).bearer_auth(&bearer);
        let answer = sent.header("content-type", "application/json").body(r#"{"Query":"Kinds"}"#).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let body: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(body["results"].as_array().unwrap().len(), 2);
    }
    assert_eq!(tenant.simulator.stats().connections, 2, "one for the token, one kept alive");
}
