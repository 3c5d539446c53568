//! A tenant whose hosts are a [`Server`], and an answer gathered.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use huntd::adapters::api::{ClientOptions, TimeLimits, client_with};
use huntd::model::config::{ApiKind, Auth, Cloud, Quota, Tenant};
use huntd::model::failure::ApiFailure;
use huntd::model::id::TenantName;
use huntd::model::row::Schema;
use huntd::model::secret::SecretSource;
use huntd::model::time::Timestamp;
use huntd::ports::api::{AnswerEnd, AnswerPiece, FirstByte, QueryRequest, TenantApi};
use huntd::ports::clock::ManualClock;
use tokio::sync::mpsc;

use crate::server::{Reply, Request, Server};

/// The secret that no message may hold.
pub(crate) const SECRET: &str = "hush~4/very+secret";
/// The token that no message may hold.
pub(crate) const TOKEN: &str = "eyJ0.tokentoken.sig";

pub(crate) fn token_reply(life: u64) -> Reply {
    Reply::json(&format!(r#"{{"token_type":"Bearer","expires_in":{life},"access_token":"{TOKEN}"}}"#))
}

pub(crate) fn tenant(server: &Server, api: ApiKind) -> Tenant {
    Tenant {
        name: TenantName::new("contoso").unwrap(),
        api,
        cloud: Cloud::Public,
        tenant_id: "contoso.example".to_owned(),
        client_id: "the-app".to_owned(),
        auth: Auth::ClientSecret(SecretSource::Env("SECRET".to_owned())),
        login_url: Some(server.url.clone()),
        api_url: Some(server.url.clone()),
        quota: Quota::DEFAULT,
        secret_expires: None,
        canary: false,
        enabled: true,
    }
}

/// Limits long enough for a busy machine: only the tests of time limits make them short.
pub(crate) fn options() -> ClientOptions {
    let env = |name: &str| (name == "SECRET").then(|| OsString::from(SECRET));
    ClientOptions { env: Arc::new(env), ..ClientOptions::default() }
}

/// The same with some limits changed.
pub(crate) fn limited(change: impl Fn(&mut TimeLimits)) -> ClientOptions {
    let mut options = options();
    change(&mut options.limits);
    options
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_seconds(1_795_536_000)))
}

pub(crate) fn client(server: &Server, api: ApiKind) -> Arc<dyn TenantApi> {
    client_with(&tenant(server, api), clock(), options()).unwrap()
}

/// A server that gives a token, and answers queries as `answer` says.
pub(crate) async fn serving(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |request| if request.is_for_a_token() { token_reply(3599) } else { answer(request) }).await
}

/// A whole answer.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) schemas: Vec<Schema>,
    pub(crate) rows: Vec<Vec<u8>>,
    pub(crate) end: AnswerEnd,
}

pub(crate) fn request() -> QueryRequest {
    QueryRequest { query: "DeviceInfo | take 1".to_owned(), timespan: None, timeout: Duration::from_millis(1) }
}

pub(crate) async fn ask(client: &dyn TenantApi) -> Result<Answer, ApiFailure> {
    ask_for(client, &request()).await
}

pub(crate) async fn ask_for(client: &dyn TenantApi, request: &QueryRequest) -> Result<Answer, ApiFailure> {
    let (sender, mut receiver) = mpsc::channel(2);
    let gather = async {
        let mut answer = Answer::default();
        while let Some(piece) = receiver.recv().await {
            match piece {
                AnswerPiece::Schema(schema) => answer.schemas.push(schema),
                AnswerPiece::Rows(rows) => answer.rows.extend(rows.iter().map(<[u8]>::to_vec)),
            }
        }
        answer
    };
    let first_byte = FirstByte::default();
    let (end, answer) = tokio::join!(client.query(request, &first_byte, sender), gather);
    let made = end.map(|end| Answer { end, ..answer });
    if let Err(failure) = &made {
        let said = format!("{failure} {failure:?}");
        assert!(!said.contains("hush") && !said.contains("tokentoken"), "{said}");
        assert!(!said.contains(|c: char| c.is_control()), "{said}");
    }
    made
}

/// A one-server failure, for replies that must never be taken for a result.
pub(crate) async fn failure_of(reply: Reply) -> ApiFailure {
    let server = serving(move |_| reply.clone()).await;
    ask(client(&server, ApiKind::Graph).as_ref()).await.unwrap_err()
}
