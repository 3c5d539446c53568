//! Good answers, in every form in which they come.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use huntd::model::config::ApiKind;
use huntd::model::row::{Column, ColumnType};
use huntd::model::time::{Timestamp, Window};
use huntd::ports::api::QueryRequest;

use crate::server::Reply;
use crate::support::{TOKEN, ask, ask_for, client, request, serving};

const ROWS: [&str; 3] = [
    r##"{"CveId":"CVE-2026-33829","IsExploitAvailable@odata.type":"#SByte","IsExploitAvailable":1,"Id@odata.type":"#Int64","Id":9223372036854775807}"##,
    r##"{"CveId":"\"Results\":[{","Nul":"a\u0000b\ud800c","When":{}, "Bag":{"@odata.type":"#microsoft.graph.security.dynamicColumnValue"}}"##,
    r#"{ "CveId" : "ключ ]}" }"#,
];

fn graph_body() -> String {
    let schema = r#"[{"name":"CveId","type":"String"},{"name":"IsExploitAvailable","type":"SByte"}]"#;
    format!(r#"{{"@odata.context":"https://graph/$metadata#x","schema":{schema},"results":[{}]}}"#, ROWS.join(","))
}

fn columns() -> Vec<Column> {
    let column = |name: &str, kind| Column { name: name.to_owned(), kind };
    vec![column("CveId", ColumnType::String), column("IsExploitAvailable", ColumnType::Bool)]
}

#[tokio::test]
async fn graph_is_asked_and_answers() {
    let server = serving(|_| Reply::json(&graph_body())).await;
    let client = client(&server, ApiKind::Graph);
    assert!(client.takes_timespan());
    assert_eq!(client.endpoint(), format!("{}v1.0/security/runHuntingQuery", server.url));
    let window = Window { from: Timestamp::from_seconds(0), to: Timestamp::from_seconds(3600) };
    let wanted = QueryRequest { query: "T | where X == \"é\"".to_owned(), timespan: Some(window), ..request() };
    let answer = ask_for(client.as_ref(), &wanted).await.unwrap();
    assert_eq!(answer.rows, ROWS.map(|row| row.as_bytes().to_vec()));
    assert_eq!(answer.schemas.len(), 1);
    assert_eq!(answer.schemas[0].columns, columns());
    assert_eq!((answer.end.rows, answer.end.bytes), (3, graph_body().len() as u64));
    assert_eq!((answer.end.cpu, answer.end.request_id.as_deref()), (None, Some("from-header")));

    let [token, query] = server.requests().try_into().unwrap();
    assert_eq!((&*token.method, &*token.path), ("POST", "/contoso.example/oauth2/v2.0/token"));
    assert_eq!(token.header("content-type"), "application/x-www-form-urlencoded");
    let form = "client_id=the-app&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&grant_type=client_credentials&client_secret=hush%7E4%2Fvery%2Bsecret";
    assert_eq!(token.body, form);
    assert_eq!((&*query.method, &*query.path), ("POST", "/v1.0/security/runHuntingQuery"));
    assert_eq!(query.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(query.header("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(query.header("accept-encoding"), "gzip, deflate");
    assert_eq!(query.header("client-request-id").len(), 36);
    assert_eq!(
        query.body,
        r#"{"Query":"T | where X == \"é\"","Timespan":"1970-01-01T00:00:00Z/1970-01-01T01:00:00Z"}"#
    );
}

#[tokio::test]
async fn the_older_api_is_asked_and_answers() {
    let body = r#"{"Stats":{"resource_usage":{"cpu":{"total cpu":"00:00:19.0625000"}}},
        "Schema":[{"Name":"Timestamp","Type":"DateTime"}],"Results":[{"Timestamp":"2024-02-28T04:45:11Z"}]}"#;
    let server = serving(move |_| Reply::json(body)).await;
    let client = client(&server, ApiKind::Defender);
    assert!(!client.takes_timespan());
    let window = Window { from: Timestamp::from_seconds(0), to: Timestamp::from_seconds(3600) };
    let answer = ask_for(client.as_ref(), &QueryRequest { timespan: Some(window), ..request() }).await.unwrap();
    assert_eq!(answer.rows, [br#"{"Timestamp":"2024-02-28T04:45:11Z"}"#]);
    assert_eq!(answer.schemas[0].columns[0].kind, ColumnType::DateTime);
    assert_eq!(answer.end.cpu, Some(Duration::from_micros(19_062_500)));
    let [token, query] = server.requests().try_into().unwrap();
    assert!(token.body.contains("scope=https%3A%2F%2Fapi.security.microsoft.com%2F.default"));
    assert_eq!((&*query.path, &*query.body), ("/api/advancedhunting/run", r#"{"Query":"DeviceInfo | take 1"}"#));
}

#[tokio::test]
async fn each_call_has_its_own_id_and_shares_the_token() {
    let server = serving(|_| Reply::json(&graph_body())).await;
    let client = client(&server, ApiKind::Graph);
    for _ in 0..3 {
        ask(client.as_ref()).await.unwrap();
    }
    let ids: std::collections::HashSet<String> =
        server.requests().iter().map(|request| request.header("client-request-id").to_owned()).collect();
    assert_eq!((server.requests().len(), ids.len()), (4, 4));
}

#[tokio::test]
async fn packed_bodies_are_unpacked_whole_or_chunked() {
    let body = graph_body();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(body.as_bytes()).unwrap();
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    zlib.write_all(body.as_bytes()).unwrap();
    let mut raw = DeflateEncoder::new(Vec::new(), Compression::best());
    raw.write_all(body.as_bytes()).unwrap();
    let packed = [
        ("gzip", gzip.finish().unwrap()),
        ("deflate", zlib.finish().unwrap()),
        ("deflate", raw.finish().unwrap()),
        ("identity", body.clone().into_bytes()),
    ];
    for (encoding, bytes) in packed {
        let headers = format!("Content-Encoding: {encoding}\r\n");
        for reply in [
            Reply::of(200, &headers, &bytes),
            Reply::chunked(&headers, &bytes, 1, true),
            Reply::chunked(&headers, &bytes, 100, true),
            Reply::raw([format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{headers}\r\n").as_bytes(), &bytes].concat()),
        ] {
            let server = serving(move |_| reply.clone()).await;
            let answer = ask(client(&server, ApiKind::Graph).as_ref()).await.unwrap();
            assert_eq!(answer.rows, ROWS.map(|row| row.as_bytes().to_vec()), "{encoding}");
            assert_eq!(answer.end.bytes, body.len() as u64);
        }
    }
}

#[tokio::test]
async fn members_come_in_any_order_and_either_case() {
    for (schema, results) in [("schema", "results"), ("Schema", "Results"), ("schema", "Results")] {
        for name in ["name", "Name"] {
            let kind = if name == "name" { "type" } else { "Type" };
            let rows = ROWS.join(",");
            let body = format!(
                r#"{{"{results}":[{rows}],"x":{{"results":[1]}},"{schema}":[{{"{name}":"CveId","{kind}":"String"}}]}}"#
            );
            let server = serving(move |_| Reply::json(&body)).await;
            let answer = ask(client(&server, ApiKind::Graph).as_ref()).await.unwrap();
            assert_eq!((answer.rows.len(), answer.schemas[0].columns[0].name.as_str()), (3, "CveId"));
        }
    }
}

#[tokio::test]
async fn an_empty_result_is_a_result_also_beside_an_error_that_is_null() {
    for tail in ["", r#","error":null"#] {
        let body = format!(r#"{{"schema":[{{"name":"A","type":"String"}}],"results":[]{tail}}}"#);
        let server = serving(move |_| Reply::json(&body)).await;
        let answer = ask(client(&server, ApiKind::Graph).as_ref()).await.unwrap();
        assert_eq!((answer.rows.len(), answer.schemas.len(), answer.end.rows), (0, 1, 0));
    }
}

#[tokio::test]
async fn many_rows_and_one_of_ten_megabytes_pass_a_narrow_channel() {
    let long = format!(r#"{{"A":"{}"}}"#, "x".repeat(10_000_000));
    let rows = [vec![r#"{"A":"short"}"#.to_owned(); 5000], vec![long.clone()], vec!["{}".to_owned(); 5000]].concat();
    let body = format!(r#"{{"schema":[{{"name":"A","type":"String"}}],"results":[{}]}}"#, rows.join(","));
    let length = body.len() as u64;
    let server = serving(move |_| Reply::json(&body)).await;
    let answer = ask(client(&server, ApiKind::Graph).as_ref()).await.unwrap();
    assert_eq!((answer.end.rows, answer.rows.len(), answer.end.bytes), (10_001, 10_001, length));
    assert!(answer.rows[5000] == long.as_bytes());
}
