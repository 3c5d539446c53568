//! Every literal refusal that docs/api.md names, and its class.

use super::*;
use crate::model::failure::ThrottleWindow;

const NOW: Timestamp = Timestamp::from_seconds(1_795_536_000);
const PERMISSION: &str = "ThreatHunting.Read.All";

fn of(status: u16, body: &str) -> ApiFailure {
    classify(&Refusal { status, permission: PERMISSION, body: body.as_bytes(), ..Refusal::default() }, NOW, Veil(&[]))
}

fn bad_request(message: &str) -> String {
    serde_json::json!({"error": {"code": "BadRequest", "message": message}}).to_string()
}

fn table(name: &str) -> FailureClass {
    FailureClass::TableMissing { table: name.to_owned() }
}

const PREEMPTED: &str = "Query execution has exceeded the allowed limits. The query execution was preempted. This could possibly be due to high CPU and/or memory resource consumption. Optimize your query by following best practices and try again.";

#[test]
fn refusals_of_the_query() {
    use FailureClass::{LimitsExceeded, ResultSize, Semantic, Syntax, Timeout};
    let cases = [
        ("A recognition error occurred.. Fix syntax errors in your query.", Syntax),
        ("Query operator expected.. Fix syntax errors in your query.", Syntax),
        ("The incomplete fragment is unexpected. Fix syntax errors in your query.", Syntax),
        ("Expected: ;. Fix syntax errors in your query.", Syntax),
        ("A recognition error occurred.", Syntax),
        ("The query contains syntax errors: The request had some invalid properties.", Syntax),
        (
            "'take' operator: Failed to resolve table or column expression named 'DeviceInfo'. Fix semantic errors in your query.",
            table("DeviceInfo"),
        ),
        (
            "'where' operator: Failed to resolve table or column expression named 'EmailAttachmentInfo'. Fix semantic errors in your query.",
            table("EmailAttachmentInfo"),
        ),
        ("FAILED TO RESOLVE TABLE OR COLUMN EXPRESSION NAMED 'X'", table("X")),
        (
            "'project' operator: Failed to resolve scalar expression named 'Nope'. Fix semantic errors in your query.",
            Semantic,
        ),
        (
            "'where' operator: Failed to resolve scalar expression named 'allowed limits'. Fix semantic errors in your query.",
            Semantic,
        ),
        ("The query has a semantic error: Unknown function: '_X'. Fix semantic errors in your query.", Semantic),
        ("Something that no page names.", Semantic),
        (PREEMPTED, LimitsExceeded),
        ("Query stopped due to excessive resource consumption.", LimitsExceeded),
        ("Query stopped. Adjust use of the join operator to avoid it.", LimitsExceeded),
        (
            "Query execution has exceeded the allowed result size. Optimize your query by limiting the number of results and try again.",
            ResultSize,
        ),
        (
            "Query execution has exceeded the allowed result size. Optimize your query by limiting the amount of results and try again",
            ResultSize,
        ),
        ("Result size limit exceeded. Use \"summarize\" to aggregate results.", ResultSize),
        ("Query exceeded the timeout period.", Timeout),
    ];
    for (message, wanted) in cases {
        let failure = of(400, &bad_request(message));
        assert_eq!(failure.class, wanted, "{message}");
        assert_eq!(failure.status, Some(400));
        assert_eq!(failure.message, message.replace(".. ", ". "));
        assert!(failure.hint.is_some(), "{message}");
    }
}

/// Whole bodies, as services and gateways were seen to send them.
const LITERALS: &[(u16, &str, FailureClass)] = {
    use FailureClass::{
        Forbidden, LimitsExceeded, Request, ResultSize, Service, ThrottledCalls, ThrottledCpu, Timeout, Unauthorized,
        Unlicensed,
    };
    use ThrottleWindow::{Hour, Minute, Unnamed};
    &[
        (
            400,
            r#"{"error":{"code":"BadRequest","message":"A recognition error occurred.. Fix syntax errors in your query.","target":"|1d25001e-48e8e09dbddde4f4."}}"#,
            FailureClass::Syntax,
        ),
        (
            400,
            r#"{"error":{"code":"InvalidRequestBody","message":"Request body is incorrect","target":"1fa66c0f-18bd-4133-b378-36d76f3a2ba0"}}"#,
            Request,
        ),
        (
            400,
            r#"{"error":{"code":"MissingRequiredParameter","message":"The required parameter Query was missing"}}"#,
            Request,
        ),
        (
            400,
            r#"{"error":{"code":"BadRequest","message":"Resource not found for the segment 'security.runHuntingQuery'."}}"#,
            Request,
        ),
        (400, "", Request),
        (401, r#"{"error":{"code":"Unauthorized","message":"Authorization header is invalid"}}"#, Unauthorized),
        (
            401,
            r#"{"error":{"code":"InvalidAuthenticationToken","message":"Access token has expired or is not yet valid."}}"#,
            Unauthorized,
        ),
        (401, "", Unauthorized),
        (
            401,
            r#"{"error":{"code":"Unauthorized","message":"Unauthorized request - reason of failure: Account mode is inactive"}}"#,
            Unlicensed,
        ),
        (
            401,
            r#"{"error":{"code":"Unauthorized","message":"Unauthorized request - reason of failure: No Tvm license"}}"#,
            Unlicensed,
        ),
        (
            403,
            r#"{"error":{"code":"Forbidden","message":"Unauthorized request - Account is not provisioned."}}"#,
            Unlicensed,
        ),
        (402, r#"{"error":{"code":"PaymentRequired","message":""}}"#, Unlicensed),
        (
            403,
            r#"{"error":{"code":"Forbidden","message":"Missing application roles. API required roles: ThreatHunting.Read.All, application roles: Policy.Read.All,User.Read.All."}}"#,
            Forbidden,
        ),
        (403, r#"{"error":{"code":"Forbidden","message":"Missing application scopes"}}"#, Forbidden),
        (
            403,
            r#"{"error":{"code":"Authentication_MSGraphPermissionMissing","message":"The principal does not have required Microsoft Graph permission(s): X"}}"#,
            Forbidden,
        ),
        (
            403,
            r#"{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges to complete the operation."}}"#,
            Forbidden,
        ),
        (403, r#"{"error":{"code":"DisabledFeature","message":"Tenant feature is not enabled"}}"#, Forbidden),
        (
            404,
            r#"{"error":{"code":"ResourceNotFound","message":"Machine 123123123 was not found","target":"43f4cb08-"}}"#,
            Request,
        ),
        (404, "<html><title>404</title></html>", Request),
        (413, "<html>413 Request Entity Too Large</html>", Request),
        (
            429,
            r#"{"error":{"code":"429","message":"API calls quota exceeded! maximum allowed 45 per 00:01:00","target":"xxxxxxxx-"}}"#,
            ThrottledCalls(Minute),
        ),
        (
            429,
            r#"{"error":{"code":"429","message":"API calls quota exceeded! maximum allowed 1500 per 01:00:00"}}"#,
            ThrottledCalls(Hour),
        ),
        (
            429,
            r#"{"error":{"code":"TooManyRequests","innerError":{"code":"429","date":"2020-08-18T12:51:51","message":"Please retry after","request-id":"94fb3b52-452a-4535-a601-69e0a90e3aa2","status":"429"},"message":"Please retry again later."}}"#,
            ThrottledCalls(Unnamed),
        ),
        (
            429,
            r#"{"error":{"code":"TooManyRequests","message":"You have exceeded processing resources allocated to this tenant. You can run queries again in 00:07:30."}}"#,
            ThrottledCpu,
        ),
        (429, "", ThrottledCalls(Unnamed)),
        (
            500,
            r#"{"error":{"code":"UnknownError","message":"","innerError":{"date":"2022-11-02T13:22:02","request-id":"1033a640-0000","client-request-id":"1033a640-0000"}}}"#,
            Service,
        ),
        (500, r#"{"error":{"code":"InternalServerError","message":"retry the operation"}}"#, Service),
        (500, "An unexpected error occurred during query execution. Please try again in a few minutes.", Service),
        (502, "<html>502 Bad Gateway</html>", ResultSize),
        (503, "", Service),
        (
            504,
            r#"{"error":{"code":"UnknownError","message":"","innerError":{"date":"2023-01-20T11:29:01","request-id":"r"}}}"#,
            Timeout,
        ),
        (408, "", Timeout),
        (
            200,
            r#"{"error":{"code":"PartialError","message":"There were some errors when processing your query."}}"#,
            FailureClass::BrokenBody,
        ),
        (
            200,
            r#"{"error":{"code":"BadRequest","message":"Query execution has exceeded the allowed limits."}}"#,
            LimitsExceeded,
        ),
        (204, "", FailureClass::BrokenBody),
        (302, "", Request),
        (405, "", Request),
        (600, "", Request),
    ]
};

#[test]
fn refusals_by_literal_body() {
    for (status, body, wanted) in LITERALS {
        let failure = of(*status, body);
        assert_eq!(failure.class, *wanted, "{status} {body}");
        assert!(!failure.message.is_empty(), "{status} {body}");
        assert!(failure.hint.is_some(), "{status} {body}");
    }
}

#[test]
fn the_portals_form_of_a_refusal() {
    let body = r#"{"ErrorCode":1,"ErrorMessage":"'project' operator: Failed to resolve scalar expression named 'CountryCode'","RecommendedAction":"Fix semantic errors in your query","Token":null,"requestId":"|dc78.7574"}"#;
    let failure = of(400, body);
    assert_eq!(failure.class, FailureClass::Semantic);
    assert_eq!(failure.request_id.as_deref(), Some("|dc78.7574"));
    assert!(failure.message.ends_with("'CountryCode'. Fix semantic errors in your query"));
}

#[test]
fn waits_come_from_the_header_or_else_from_the_text() {
    let cases = [
        (Some("10"), "", Some(10)),
        (Some(" 7 "), "again in 8 seconds.", Some(7)),
        (Some("86400"), "", Some(3600)),
        (Some("99999999999999999999999"), "", Some(3600)),
        (Some("Tue, 24 Nov 2026 16:02:00 GMT"), "", Some(120)),
        (Some("Tue, 24 Nov 2026 15:00:00 GMT"), "", Some(0)),
        (Some("soon"), "You can send requests again in 8 seconds.", Some(8)),
        (Some("-5"), "", None),
        (
            None,
            "Maximum allowed 30 per 00:01:00 for the key Destination+TenantID+AppID. You can send requests again in 8 seconds.",
            Some(8),
        ),
        (None, "You can run queries again in 00:12:34.", Some(754)),
        (None, "You can run queries again in 1 minute and 5 seconds.", Some(65)),
        (None, "You can run queries again in 12 minutes.", Some(720)),
        (None, "You can run queries again in 30s", Some(30)),
        (None, "You can run queries again in 2 hours", Some(3600)),
        (None, "You can run queries again in a while", None),
        (None, "You can run queries again in", None),
        (None, "Please retry again later.", None),
        (None, "again in 99999999999999999999 seconds", None),
    ];
    assert_eq!(NOW.to_string(), "2026-11-24T16:00:00Z");
    for (header, message, wanted) in cases {
        let body = serde_json::json!({"error": {"code": "429", "message": message}}).to_string();
        let refusal = Refusal { status: 429, retry_after: header, body: body.as_bytes(), ..Refusal::default() };
        let failure = classify(&refusal, NOW, Veil(&[]));
        assert_eq!(failure.wait, wanted.map(Duration::from_secs), "{header:?} {message}");
    }
    assert_eq!(of(400, &bad_request("run again in 8 seconds")).wait, None);
}

#[test]
fn ids_are_found_wherever_they_stand() {
    let header = |body: &str| {
        let refusal =
            Refusal { status: 400, request_id: Some("from-header"), body: body.as_bytes(), ..Refusal::default() };
        classify(&refusal, NOW, Veil(&[])).request_id
    };
    let cases = [
        (r#"{"error":{"innerError":{"request-id":"inner"},"target":"t"}}"#, "inner"),
        (r#"{"error":{"innererror":{"request-id":"inner"}}}"#, "inner"),
        (r#"{"error":{"target":"|1d25001e-48e8e09dbddde4f4."}}"#, "|1d25001e-48e8e09dbddde4f4."),
        (r#"{"error":{"target":"\u001b[31m\n"}}"#, "31m"),
        ("{}", "from-header"),
        ("<html>", "from-header"),
    ];
    for (body, wanted) in cases {
        assert_eq!(header(body).as_deref(), Some(wanted), "{body}");
    }
}

#[test]
fn the_hint_of_a_missing_role_names_what_is_there() {
    let hint = |message: &str| {
        of(403, &serde_json::json!({"error": {"code": "Forbidden", "message": message}}).to_string()).hint
    };
    assert_eq!(
        hint("Missing application roles. API required roles: AdvancedQuery.Read.All, application roles: Policy.Read.All,User.Read.All.").as_deref(),
        Some("grant the app the application permission AdvancedQuery.Read.All and give admin consent; its token holds Policy.Read.All,User.Read.All")
    );
    let wanted = "grant the app the application permission ThreatHunting.Read.All and give admin consent; a new permission counts from the next token on";
    assert_eq!(hint("Missing application scopes").as_deref(), Some(wanted));
}

#[test]
fn messages_say_what_there_is_to_say() {
    let cases = [
        (502, "<html>502 Bad Gateway</html>", "HTTP 502 with a web page: 502 Bad Gateway"),
        (503, " ", "HTTP 503 with an empty body"),
        (413, "Request Entity Too Large", "HTTP 413: Request Entity Too Large"),
        (
            500,
            r#"{"error":{"code":"UnknownError","message":" "}}"#,
            r#"HTTP 500 without a message: {"error":{"code":"UnknownError","message":" "}}"#,
        ),
        (400, r#"{"error":"just text"}"#, r#"HTTP 400 without a message: {"error":"just text"}"#),
    ];
    for (status, body, wanted) in cases {
        assert_eq!(of(status, body).message, wanted);
    }
    let refusal = Refusal { status: 302, location: Some("https://login.example/?token=hush"), ..Refusal::default() };
    let failure = classify(&refusal, NOW, Veil(&[]));
    assert_eq!(failure.message, "HTTP 302 leads to login.example, and huntd follows no redirection");
}

#[test]
fn what_a_service_echoes_is_veiled_and_cleaned() {
    let body = serde_json::json!({"error": {"code": "x", "message": format!("bearer to.k3n\u{1b}[2J {}", "y".repeat(900)), "target": "to.k3n"}});
    let body = body.to_string();
    let refusal = Refusal { status: 400, body: body.as_bytes(), ..Refusal::default() };
    let failure = classify(&refusal, NOW, Veil(&["to.k3n"]));
    assert!(!format!("{failure:?}").contains("k3n"));
    assert!(failure.message.starts_with("bearer ***[2J yyy"));
    assert_eq!(failure.message.chars().count(), 601);
}

#[test]
fn error_members_in_a_200() {
    let member = |error: Value| classify_member(&Refusal { status: 200, ..Refusal::default() }, &error, NOW, Veil(&[]));
    let partial =
        member(serde_json::json!({"code": "PartialError", "message": "some", "innerError": {"request-id": "r"}}));
    assert_eq!((partial.class, partial.request_id.as_deref()), (FailureClass::BrokenBody, Some("r")));
    assert_eq!(member(Value::Bool(true)).message, "true");
    assert_eq!(member(serde_json::json!({"code": "429"})).class, FailureClass::ThrottledCalls(ThrottleWindow::Unnamed));
    assert_eq!(
        member(serde_json::json!({"code": "BadRequest", "message": "Fix syntax errors in your query."})).class,
        FailureClass::Syntax
    );
}
