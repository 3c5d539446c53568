//! Bad answers: none may pass for a result.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use huntd::adapters::api::{ClientOptions, client_with};
use huntd::model::config::ApiKind;
use huntd::model::failure::{FailureClass, ThrottleWindow};
use huntd::ports::api::{FirstByte, QueryRequest};
use tokio::sync::mpsc;

use crate::server::Reply;
use crate::support::{TOKEN, ask, ask_for, client, clock, failure_of, limited, options, request, serving, tenant};

const BODY: &str = r#"{"schema":[{"name":"A","type":"String"}],"results":[{"A":"one"},{"A":"two}]}"},{"A":"three"}]}"#;

#[tokio::test]
async fn a_body_cut_anywhere_is_never_a_result() {
    let mut random = fastrand::Rng::with_seed(7);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(BODY.as_bytes()).unwrap();
    let packed = gzip.finish().unwrap();
    for round in 0..50 {
        let cut = random.usize(..BODY.len());
        let part = &BODY.as_bytes()[..cut];
        let reply = match round % 5 {
            // The length tells the truth about the whole, and the connection ends early.
            0 => Reply::raw(
                [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", BODY.len()).as_bytes(), part].concat(),
            ),
            // No length at all: only the body itself shows that it is cut.
            1 => Reply::raw([b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", part].concat()),
            2 => Reply::chunked("", part, 7, false),
            // Well-formed HTTP, broken body.
            3 => Reply::chunked("", part, 7, true),
            _ => Reply::of(200, "Content-Encoding: gzip\r\n", &packed[..random.usize(..packed.len())]),
        };
        let failure = failure_of(reply).await;
        assert_eq!(failure.class, FailureClass::BrokenBody, "round {round}, cut at {cut}: {failure}");
        assert_eq!(failure.status, Some(200));
    }
}

#[tokio::test]
async fn a_length_that_lies() {
    let with = |length: usize| {
        Reply::raw(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{BODY}"))
    };
    for length in [BODY.len() - 1, BODY.len() / 2, 0, BODY.len() + 1, BODY.len() * 2] {
        assert_eq!(failure_of(with(length)).await.class, FailureClass::BrokenBody, "{length}");
    }
}

#[tokio::test]
async fn broken_chunks() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    for tail in
        [format!("{:x}\r\n{BODY}xx0\r\n\r\n", BODY.len()), format!("zz\r\n{BODY}\r\n0\r\n\r\n"), "0\r\n\r\n".to_owned()]
    {
        assert_eq!(failure_of(Reply::raw(format!("{head}{tail}"))).await.class, FailureClass::BrokenBody, "{tail}");
    }
}

#[tokio::test]
async fn what_is_no_answer_with_a_200() {
    let cases = [
        ("", "it ends after 0 bytes, inside the object"),
        (
            "<!DOCTYPE html><html><title>Sign in to Wi-Fi</title>",
            "gave a web page instead of an answer: Sign in to Wi-Fi",
        ),
        ("null", "byte 0 isn't the `{` of a JSON object"),
        ("{}", "it has no `schema`"),
        (r#"{"schema":[]}"#, "it has no `results`"),
        (r#"{"schema":[],"results":null}"#, "byte 23 isn't the `[` of the rows"),
        (r#"{"schema":[],"results":[]} {"schema":[],"results":[]}"#, "byte 27 isn't the end of the body"),
    ];
    for (body, said) in cases {
        let failure = failure_of(Reply::json(body)).await;
        assert_eq!(failure.class, FailureClass::BrokenBody);
        assert!(failure.message.contains(said), "{body} gave {failure}");
        assert_eq!(failure.request_id.as_deref(), Some("from-header"));
    }
    for encoding in ["br", "gzip", "deflate"] {
        let failure = failure_of(Reply::of(200, &format!("Content-Encoding: {encoding}\r\n"), BODY.as_bytes())).await;
        assert_eq!(failure.class, FailureClass::BrokenBody, "{encoding}");
    }
    assert_eq!(failure_of(Reply::of(206, "", BODY.as_bytes())).await.class, FailureClass::BrokenBody);
    assert_eq!(
        failure_of(Reply::raw("HTTP/1.1 204 No\r\nConnection: close\r\n\r\n")).await.class,
        FailureClass::BrokenBody
    );
}

#[tokio::test]
async fn an_error_beside_rows_is_the_failure_that_it_says() {
    let body = |error: &str| format!(r#"{{"schema":[],"results":[{{"A":1}}],"error":{error}}}"#);
    let cases = [
        (r#"{"code":"PartialError","message":"some shards failed"}"#, FailureClass::BrokenBody, "some shards failed"),
        (
            r#"{"code":"BadRequest","message":"Query execution has exceeded the allowed limits.."}"#,
            FailureClass::LimitsExceeded,
            "Query execution has exceeded the allowed limits.",
        ),
        ("true", FailureClass::BrokenBody, "true"),
    ];
    for (error, class, said) in cases {
        let failure = failure_of(Reply::json(&body(error))).await;
        assert_eq!((failure.class.clone(), &*failure.message, failure.status), (class, said, Some(200)));
    }
}

#[tokio::test]
async fn refusals_are_read_packed_or_not() {
    let body = br#"{"error":{"code":"429","message":"API calls quota exceeded! maximum allowed 45 per 00:01:00","target":"t-1"}}"#;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(body).unwrap();
    for (headers, bytes) in [("", body.to_vec()), ("Content-Encoding: gzip\r\n", gzip.finish().unwrap())] {
        let failure = failure_of(Reply::of(429, &format!("{headers}Retry-After: 12\r\n"), &bytes)).await;
        assert_eq!(failure.class, FailureClass::ThrottledCalls(ThrottleWindow::Minute));
        assert_eq!((failure.wait, failure.request_id.as_deref()), (Some(Duration::from_secs(12)), Some("t-1")));
        assert_eq!(failure.status, Some(429));
    }
    let page = failure_of(Reply::of(502, "", b"<html><title>502 Bad Gateway</title></html>")).await;
    assert_eq!((page.class, &*page.message), (FailureClass::ResultSize, "HTTP 502 with a web page: 502 Bad Gateway"));
    // A refusal whose body breaks off is that refusal still.
    let cut = failure_of(Reply::raw("HTTP/1.1 503 X\r\nContent-Length: 100\r\n\r\nbusy")).await;
    assert_eq!((cut.class, &*cut.message), (FailureClass::Service, "HTTP 503: busy"));
}

#[tokio::test]
async fn no_redirection_is_followed() {
    let server = serving(|_| Reply::of(307, "Location: http://127.0.0.1:1/elsewhere\r\n", b"")).await;
    let failure = ask(client(&server, ApiKind::Graph).as_ref()).await.unwrap_err();
    assert_eq!((failure.class.clone(), failure.status), (FailureClass::Request, Some(307)));
    assert!(failure.message.contains("leads to 127.0.0.1"), "{failure}");
    assert_eq!(server.count(|request| !request.is_for_a_token()), 1);
}

#[tokio::test]
async fn what_the_service_echoes_of_the_token_is_hidden() {
    let server = serving(|request| {
        let authorization = request.header("authorization").to_owned();
        let body = serde_json::json!({"error": {"code": "x", "message": format!("bad {authorization}\u{1b}[2J"), "target": authorization}});
        Reply::of(401, "", body.to_string().as_bytes())
    })
    .await;
    let failure = ask(client(&server, ApiKind::Graph).as_ref()).await.unwrap_err();
    assert_eq!((failure.class.clone(), &*failure.message), (FailureClass::Unauthorized, "bad Bearer ***[2J"));
    assert!(!format!("{failure:?}").contains(TOKEN));
}

#[tokio::test]
async fn one_query_is_one_call_whatever_comes_of_it() {
    for status in [400, 401, 403, 429, 500, 502, 503, 504] {
        let server = serving(move |_| Reply::of(status, "", b"")).await;
        let client = client(&server, ApiKind::Graph);
        ask(client.as_ref()).await.unwrap_err();
        assert_eq!(server.count(|request| !request.is_for_a_token()), 1, "{status}");
    }
    let server = serving(|_| Reply::raw("")).await;
    let failure = ask(client(&server, ApiKind::Graph).as_ref()).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Service, "{failure}");
    assert_eq!(failure.request_id.map(|id| id.len()), Some(36));
    assert_eq!(server.count(|request| !request.is_for_a_token()), 1);
}

#[tokio::test]
async fn a_host_that_is_not_there() {
    let server = serving(|_| Reply::raw("")).await;
    let mut tenant = tenant(&server, ApiKind::Graph);
    // Bound and given back: nobody listens there.
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    tenant.api_url = Some(url::Url::parse(&format!("http://{gone}")).unwrap());
    let failure = ask(client_with(&tenant, clock(), options()).unwrap().as_ref()).await.unwrap_err();
    assert_eq!((failure.class.clone(), failure.status), (FailureClass::Service, None));
    assert!(failure.message.starts_with(&format!("{gone} can't be reached: ")), "{failure}");
    assert!(failure.message.contains("refused"), "{failure}");
}

#[tokio::test]
async fn waiting_has_an_end_in_every_phase() {
    let short = Duration::from_millis(50);
    // No head.
    let server = serving(|_| Reply::raw("").held()).await;
    let head = client_with(&tenant(&server, ApiKind::Graph), clock(), limited(|limits| limits.head = short)).unwrap();
    let failure = ask(head.as_ref()).await.unwrap_err();
    assert_eq!((failure.class.clone(), failure.status), (FailureClass::Timeout, None));
    assert!(failure.message.ends_with("gave no answer within 50ms"), "{failure}");
    // A request's own, longer timeout wins.
    let longer = QueryRequest { timeout: Duration::from_millis(80), ..request() };
    assert!(ask_for(head.as_ref(), &longer).await.unwrap_err().message.ends_with("within 80ms"));
    // A body that stops.
    let server = serving(|_| Reply::chunked("", &BODY.as_bytes()[..60], 20, false).held()).await;
    let stops = client_with(&tenant(&server, ApiKind::Graph), clock(), limited(|limits| limits.idle = short)).unwrap();
    let failure = ask(stops.as_ref()).await.unwrap_err();
    assert_eq!((failure.class.clone(), failure.status), (FailureClass::Timeout, Some(200)));
    assert!(failure.message.ends_with("broke off after 60 bytes: nothing more came within 50ms"), "{failure}");
    // A body that goes on for ever: the whole has an end too.
    let all = limited(|limits| (limits.head, limits.body) = (short * 8, short));
    let ends = client_with(&tenant(&server, ApiKind::Graph), clock(), all).unwrap();
    let failure = ask(ends.as_ref()).await.unwrap_err();
    assert!(failure.message.ends_with("didn't end its answer within 450ms"), "{failure}");
}

#[tokio::test]
async fn a_body_over_the_cap_is_too_big_however_small_it_was_packed() {
    let body = format!(r#"{{"schema":[],"results":[{{"A":"{}"}}]}}"#, "x".repeat(5 << 20));
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(body.as_bytes()).unwrap();
    let packed = gzip.finish().unwrap();
    assert!(packed.len() < 10_000);
    let server = serving(move |_| Reply::of(200, "Content-Encoding: gzip\r\n", &packed)).await;
    for (cap, fits) in [(body.len() as u64, true), (3 << 20, false)] {
        let options = ClientOptions { body_cap: cap, ..options() };
        let made = ask(client_with(&tenant(&server, ApiKind::Graph), clock(), options).unwrap().as_ref()).await;
        let class = made.as_ref().err().map(|failure| failure.class.clone());
        assert_eq!(class, (!fits).then_some(FailureClass::ResultSize), "{made:?}");
        assert!(made.is_ok() || made.unwrap_err().message.ends_with("is longer than 3 MiB"));
    }
}

#[tokio::test]
async fn a_receiver_that_goes_ends_the_call() {
    let server = serving(|_| Reply::raw("").held()).await;
    let client = client(&server, ApiKind::Graph);
    client.sign_in().await.unwrap();
    let (sender, receiver) = mpsc::channel(1);
    drop(receiver);
    let failure = client.query(&request(), &FirstByte::default(), sender).await.unwrap_err();
    assert_eq!(failure.message, "the call was given up, as its rows were no longer taken");
}
