//! Tokens and secrets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use huntd::adapters::api::client_with;
use huntd::model::config::{ApiKind, Auth, Tenant};
use huntd::model::failure::{ApiFailure, FailureClass};
use huntd::model::secret::SecretSource;
use huntd::ports::clock::ManualClock;

use crate::server::{Reply, Request, Server};
use crate::support::{SECRET, ask, client, clock, limited, options, tenant, token_reply};

const EMPTY: &str = r#"{"schema":[],"results":[]}"#;

fn with_life(life: u64) -> impl Fn(&Request) -> Reply {
    move |request| if request.is_for_a_token() { token_reply(life) } else { Reply::json(EMPTY) }
}

fn tokens(server: &Server) -> usize {
    server.count(Request::is_for_a_token)
}

async fn refused(reply: Reply) -> ApiFailure {
    let server = Server::start(move |_| reply.clone()).await;
    let failure = client(&server, ApiKind::Graph).sign_in().await.unwrap_err();
    let said = format!("{failure} {failure:?}");
    assert!(!said.contains("hush"), "{said}");
    failure
}

#[tokio::test]
async fn a_token_is_renewed_five_minutes_early_or_at_half_its_life() {
    for (life, renewed) in [(3600, 3300), (660, 360), (600, 300), (60, 30)] {
        let server = Server::start(with_life(life)).await;
        let clock = clock();
        let client =
            client_with(&tenant(&server, ApiKind::Graph), Arc::<ManualClock>::clone(&clock), options()).unwrap();
        client.sign_in().await.unwrap();
        clock.advance(Duration::from_secs(renewed - 1));
        client.sign_in().await.unwrap();
        ask(client.as_ref()).await.unwrap();
        assert_eq!(tokens(&server), 1, "life {life}");
        clock.advance(Duration::from_secs(1));
        client.sign_in().await.unwrap();
        assert_eq!(tokens(&server), 2, "life {life}");
    }
}

#[tokio::test]
async fn a_wall_clock_set_back_does_not_keep_a_token_alive() {
    let server = Server::start(with_life(3600)).await;
    let clock = clock();
    let client = client_with(&tenant(&server, ApiKind::Graph), Arc::<ManualClock>::clone(&clock), options()).unwrap();
    client.sign_in().await.unwrap();
    clock.advance(Duration::from_mins(55));
    clock.set_wall(huntd::model::time::Timestamp::EPOCH);
    client.sign_in().await.unwrap();
    assert_eq!(tokens(&server), 2);
}

#[tokio::test]
async fn a_forgotten_token_is_asked_for_anew() {
    let server = Server::start(with_life(3600)).await;
    let client = client(&server, ApiKind::Graph);
    client.sign_in().await.unwrap();
    client.forget_token().await;
    client.sign_in().await.unwrap();
    client.sign_in().await.unwrap();
    assert_eq!(tokens(&server), 2);
}

#[tokio::test]
async fn many_at_a_time_make_one_request_well_or_badly() {
    for status in [200, 401] {
        let server =
            Server::start(move |_| if status == 200 { token_reply(3600) } else { Reply::of(status, "", b"{}") }).await;
        let client = client(&server, ApiKind::Graph);
        let made = futures_util::future::join_all((0..20).map(|_| client.sign_in())).await;
        assert!(made.iter().all(|made| made.is_ok() == (status == 200)));
        assert_eq!(tokens(&server), 1, "{status}");
        // A failure is shared by those who waited, and remembered by nobody.
        assert_eq!(client.sign_in().await.is_ok(), status == 200);
        assert_eq!(tokens(&server), if status == 200 { 1 } else { 2 });
    }
}

#[tokio::test]
async fn a_wrong_secret_says_so() {
    let body = format!(
        "{{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app 'the-app'.\\r\\nTrace ID: 6a1f\\r\\nCorrelation ID: 9b2e {SECRET}\\r\\nTimestamp: 2026-11-24 02:02:12Z\",\"error_codes\":[7000215],\"timestamp\":\"2026-11-24 02:02:12Z\",\"trace_id\":\"6a1f\",\"correlation_id\":\"9b2e\"}}"
    );
    let server = Server::start(move |_| Reply::of(401, "", body.as_bytes())).await;
    let failure = client(&server, ApiKind::Graph).sign_in().await.unwrap_err();
    let host = format!("127.0.0.1:{}", server.url.port().unwrap());
    assert_eq!(
        failure,
        ApiFailure {
            class: FailureClass::SignIn,
            status: Some(401),
            message: format!(
                "no token from {host}: AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app 'the-app'."
            ),
            hint: Some("the secret is wrong: give the secret's value, not its id, of this very app".to_owned()),
            wait: None,
            request_id: Some("6a1f".to_owned()),
        }
    );
}

#[tokio::test]
async fn a_sign_in_that_fails_makes_no_call() {
    let server =
        Server::start(|_| Reply::of(400, "", br#"{"error":"unauthorized_client","error_codes":[700016]}"#)).await;
    let failure = ask(client(&server, ApiKind::Graph).as_ref()).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::SignIn);
    assert!(failure.hint.unwrap().contains("client_id"));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn faults_of_the_sign_in_service_pass() {
    let throttled = refused(Reply::of(429, "Retry-After: 7\r\n", b"")).await;
    assert_eq!((throttled.class, throttled.wait), (FailureClass::Service, Some(Duration::from_secs(7))));
    for reply in [
        Reply::of(500, "", b""),
        Reply::of(503, "", b"<html>busy</html>"),
        Reply::of(200, "", b"<html>hotel</html>"),
        Reply::of(200, "", br#"{"token_type":"Bearer","access_"#),
        Reply::raw(""),
    ] {
        assert_eq!(refused(reply).await.class, FailureClass::Service);
    }
    assert_eq!(refused(Reply::of(302, "Location: https://x.example\r\n", b"")).await.class, FailureClass::Request);
}

#[tokio::test]
async fn a_secret_that_is_echoed_is_hidden() {
    let server = Server::start(|request| {
        let body = serde_json::json!({"error": "x", "error_description": format!("{} and {SECRET}", request.body), "trace_id": SECRET});
        Reply::of(400, "", body.to_string().as_bytes())
    })
    .await;
    let failure = client(&server, ApiKind::Graph).sign_in().await.unwrap_err();
    let said = format!("{failure} {failure:?}");
    assert!(!said.contains("hush") && !said.contains("very"), "{said}");
    assert!(failure.message.ends_with("client_secret=*** and ***"), "{failure}");
}

#[tokio::test]
async fn a_slow_sign_in_has_an_end() {
    let server = Server::start(|_| Reply::raw("").held()).await;
    let options = limited(|limits| limits.sign_in = Duration::from_millis(50));
    let failure = client_with(&tenant(&server, ApiKind::Graph), clock(), options).unwrap().sign_in().await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Service);
    assert!(failure.message.ends_with("gave no token within 50ms"), "{failure}");
}

#[tokio::test]
async fn a_changed_secret_file_is_read_at_the_next_token_request() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let server = Server::start(with_life(3600)).await;
    let auth = Auth::ClientSecret(SecretSource::File(path.clone()));
    let tenant = Tenant { auth, ..tenant(&server, ApiKind::Graph) };
    let client = client_with(&tenant, clock(), options()).unwrap();
    let failure = client.sign_in().await.unwrap_err();
    assert_eq!(
        (failure.class, failure.message),
        (FailureClass::Secret, format!("file {} isn't there", path.display()))
    );
    assert_eq!(tokens(&server), 0);
    for secret in ["first", "second"] {
        std::fs::write(&path, format!("{secret}\n")).unwrap();
        client.forget_token().await;
        client.sign_in().await.unwrap();
        assert!(server.requests().last().unwrap().body.ends_with(&format!("client_secret={secret}")));
    }
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_by_the_caller() {
    let status = Arc::new(AtomicU16::new(401));
    let says = Arc::clone(&status);
    let server = Server::start(move |request| {
        if request.is_for_a_token() {
            return token_reply(3600);
        }
        match says.load(Ordering::SeqCst) {
            401 => Reply::of(401, "", br#"{"error":{"code":"InvalidAuthenticationToken","message":"Access token has expired or is not yet valid."}}"#),
            _ => Reply::json(EMPTY),
        }
    })
    .await;
    let client = client(&server, ApiKind::Graph);
    assert_eq!(ask(client.as_ref()).await.unwrap_err().class, FailureClass::Unauthorized);
    status.store(200, Ordering::SeqCst);
    client.forget_token().await;
    ask(client.as_ref()).await.unwrap();
    assert_eq!((tokens(&server), server.requests().len()), (2, 4));
}
