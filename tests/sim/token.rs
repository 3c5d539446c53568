use crate::{GRAPH, GRAPH_SCOPE, OLDER, Tenant};

const GOOD: &str = "client_id=app&client_secret=right&grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default";

#[tokio::test]
async fn a_good_form_gets_a_token_that_ends_when_it_says() {
    let tenant = Tenant::start("").await;
    let answer = tenant.form(GOOD).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!((body["token_type"].as_str(), body["expires_in"].as_u64()), (Some("Bearer"), Some(600)));

    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    let mut client = tenant.client().await;
    let query = r#"{"Query":"Nope"}"#;
    tenant.advance(599_999);
    assert_eq!(client.call("POST", GRAPH, &[("authorization", &bearer)], query).await.status, 400, "still taken");
    tenant.advance(1);
    let late = client.call("POST", GRAPH, &[("authorization", &bearer)], query).await;
    assert_eq!(late.status, 401);
    assert_eq!(late.json()["error"]["code"], "InvalidAuthenticationToken");
    assert_eq!(late.json()["error"]["innerError"]["date"], "2026-01-02T00:10:00");
}

#[tokio::test]
async fn each_wrong_form_has_its_own_error() {
    let tenant = Tenant::start("").await;
    let cases = [
        (GOOD.replace("right", "wrong"), 401, "invalid_client", 7_000_215),
        (GOOD.replace("right", "old"), 401, "invalid_client", 7_000_222),
        (GOOD.replace("client_secret=right&", ""), 401, "invalid_client", 7_000_218),
        (GOOD.replace("=app", "=other"), 400, "unauthorized_client", 700_016),
        (GOOD.replace("client_credentials", "password"), 400, "unsupported_grant_type", 70003),
        (GOOD.replace("graph.microsoft.com", "graph.example"), 400, "invalid_scope", 70011),
        (GOOD.replace("client_id=app&", ""), 400, "invalid_request", 900_144),
    ];
    for (form, status, error, number) in cases {
        let answer = tenant.form(&form).await;
        let body = answer.json();
        assert_eq!((answer.status, body["error"].as_str()), (status, Some(error)), "{form}");
        assert_eq!(body["error_codes"][0], number);
        let description = body["error_description"].as_str().unwrap();
        assert!(description.starts_with(&format!("AADSTS{number}: ")), "{description}");
        assert!(description.ends_with("\r\nTimestamp: 2026-01-02 00:00:00Z"), "{description}");
    }
    let other = tenant.client().await.call("POST", "/t2/oauth2/v2.0/token", &[], GOOD).await;
    assert_eq!((other.status, &other.json()["error_codes"][0]), (400, &90002.into()));
    let domain = tenant.client().await.call("POST", "/T1.example/oauth2/v2.0/token", &[], GOOD).await;
    assert_eq!(domain.status, 200);
    assert_eq!((tenant.simulator.stats().tokens, tenant.simulator.stats().tokens_refused), (1, 8));
}

#[tokio::test]
async fn a_token_opens_only_its_own_api() {
    let tenant = Tenant::start("").await;
    let bearer = format!("Bearer {}", tenant.token(GRAPH_SCOPE).await);
    let answer = tenant.client().await.call("POST", OLDER, &[("Authorization", &bearer)], r#"{"Query":"T"}"#).await;
    assert_eq!(answer.status, 401);
    let error = &answer.json()["error"];
    assert_eq!(error["code"], "Unauthorized");
    assert_eq!(error["target"].as_str().unwrap().len(), 36);
    let none = tenant.client().await.call("POST", GRAPH, &[], r#"{"Query":"T"}"#).await;
    assert_eq!(none.status, 401);
}

#[tokio::test]
async fn a_missing_role_and_a_missing_licence_are_refused() {
    let tenant = Tenant::start("").await;
    tenant.simulator.set(|scenario| scenario.tenants[0].roles = vec!["Policy.Read.All".into(), "User.Read.All".into()]);
    let answer = tenant.ask(GRAPH, r#"{"Query":"T"}"#).await;
    assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (403, Some("Forbidden")));
    assert_eq!(
        answer.json()["error"]["message"],
        "Missing application roles. API required roles: ThreatHunting.Read.All, application roles: Policy.Read.All,User.Read.All."
    );
    tenant.simulator.set(|scenario| scenario.tenants[0].licensed = false);
    let answer = tenant.ask(OLDER, r#"{"Query":"T"}"#).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["error"]["message"], "Unauthorized request - reason of failure: Account mode is inactive");
}

#[tokio::test]
async fn tokens_can_end_early_and_be_taken_back() {
    let tenant = Tenant::start("").await;
    tenant.simulator.set(|scenario| scenario.tenants[0].expires_early.0 = std::time::Duration::from_mins(9));
    let bearer = format!("Bearer {}", tenant.token(GRAPH_SCOPE).await);
    let mut client = tenant.client().await;
    tenant.advance(59_999);
    assert_eq!(client.call("POST", GRAPH, &[("Authorization", &bearer)], r#"{"Query":"T"}"#).await.status, 400);
    tenant.advance(1);
    assert_eq!(client.call("POST", GRAPH, &[("Authorization", &bearer)], r#"{"Query":"T"}"#).await.status, 401);
    let bearer = format!("Bearer {}", tenant.token(GRAPH_SCOPE).await);
    tenant.simulator.revoke_tokens();
    assert_eq!(client.call("POST", GRAPH, &[("Authorization", &bearer)], r#"{"Query":"T"}"#).await.status, 401);
}
