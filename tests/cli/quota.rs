//! `quota`: what is used and left, until when a tenant is blocked, and what its hunts cost.

use std::time::Duration;

use huntd::model::time::Timestamp;
use huntd::ports::clock::{Clock, SystemClock};
use serde_json::{Value, json};
use sqlx::{ConnectOptions, Connection};

use crate::desk::{Desk, TO_FILE, config, golden, shown};
use crate::support::Site;

const MINUTE: Duration = Duration::from_mins(1);

/// A second tenant, which has a small quota and is off.
const OTHER: &str = "  fabrikam: {tenant_id: f.example, client_id: c, auth: {client_secret: {file: secret}}, quota: {calls_per_minute: 4}, enabled: false}\n";

/// A desk of two tenants whose database says what `insert` writes at `now`, and nothing of its own.
fn desk(insert: impl Fn(Timestamp) -> Vec<String>) -> Desk {
    let desk = Desk::usual();
    desk.huntd(&["run", "enc"]).expect(0);
    desk.site.write("huntd.yaml", config(&desk.simulator.url(), &format!("{OTHER}{TO_FILE}")));
    let now = SystemClock::new().now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let path = desk.site.file("huntd.db");
        let mut conn = sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await.unwrap();
        let clean = ["DELETE FROM spending", "DELETE FROM call", "DELETE FROM run_cpu"].map(str::to_owned);
        for statement in clean.into_iter().chain(insert(now)) {
            sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut conn).await.unwrap();
        }
        conn.close().await.unwrap();
    });
    desk
}

/// What a hunt spent in an hour so long ago: runs, calls, milliseconds of API and of CPU, rows.
fn spent(hunt: &str, hour: Timestamp, trigger: &str, of: (u32, u32, u32, Option<u32>, u32)) -> [String; 2] {
    let (runs, calls, api, cpu, rows) = of;
    let hour = hour.floor_to(MINUTE * 60).nanos();
    let cpu_runs = if cpu.is_some() { runs } else { 0 };
    [
        format!("INSERT INTO track (hunt, tenant) VALUES ('{hunt}', 'contoso') ON CONFLICT DO NOTHING"),
        format!(
            "INSERT INTO spending (hour, track, trigger, runs, calls, api_nanos, cpu_runs, cpu_nanos, rows) \
             SELECT {hour}, track, '{trigger}', {runs}, {calls}, {api}000000, {cpu_runs}, {}000000, {rows} \
             FROM track WHERE hunt = '{hunt}' AND tenant = 'contoso'",
            cpu.unwrap_or(0)
        ),
    ]
}

fn call(tenant: &str, sent: Timestamp, answered: Option<Timestamp>) -> String {
    let answered = answered.map_or("NULL".to_owned(), |at| at.nanos().to_string());
    format!("INSERT INTO call (tenant, sent, answered, owner) VALUES ('{tenant}', {}, {answered}, 'x')", sent.nanos())
}

/// A day: three calls in the last minute, one of them under way, and one more in the hour; blocked for CPU.
fn a_day(now: Timestamp) -> Vec<String> {
    let ago = |seconds| now.minus(Duration::from_secs(seconds));
    let mut all = vec![
        call("contoso", ago(1200), Some(ago(1190))),
        call("contoso", ago(20), Some(ago(19))),
        call("contoso", ago(15), Some(ago(14))),
        call("contoso", ago(1), None),
        call("fabrikam", ago(3), Some(ago(2))),
        // Ends after the next turn of the quarter hour, however soon that is.
        format!(
            "UPDATE call SET answered = {}, cpu = 72400000000 WHERE sent = {}",
            now.plus(MINUTE).nanos(),
            ago(15).nanos()
        ),
        format!(
            "INSERT INTO tenant_block (tenant, until, reason, said) VALUES ('contoso', {}, 'cpu', 'You have exceeded \
             processing resources allocated to this tenant.' || char(27) || '[31m You can run queries again in 00:07:30.')",
            now.plus(MINUTE * 30).nanos()
        ),
        format!(
            "INSERT INTO tenant_block (tenant, until, reason, said) VALUES ('fabrikam', {}, 'gateway', 'it is over')",
            ago(1).nanos()
        ),
    ];
    let hours = |hours: u32| now.minus(MINUTE * 60 * hours);
    all.extend(spent("enc", hours(2), "schedule", (10, 12, 24_000, Some(30_000), 90)));
    all.extend(spent("enc", hours(3), "catch_up", (1, 8, 36_000, Some(10_000), 500)));
    all.extend(spent("endpoint/slow", hours(1), "schedule", (20, 20, 3_900_000, Some(160_000), 0)));
    all.extend(spent("identity/many-calls", hours(23), "manual", (1, 160, 40_000, None, 7)));
    all.extend(spent("long-ago", hours(26), "schedule", (100, 100, 100_000, None, 0)));
    all
}

#[test]
fn what_is_used_and_left_blocked_and_dear() {
    let desk = desk(a_day);
    golden("quota", &desk.shown(&["quota"]));
    golden("quota-limit", &desk.shown(&["quota", "--tenant", "contoso", "--limit", "1"]));
    golden("quota-none-dear", &desk.shown(&["quota", "--tenant", "contoso", "--limit", "0", "--since", "7d"]));
}

#[test]
fn json_has_exactly_the_keys_of_the_reference() {
    let desk = desk(a_day);
    let lines = desk.huntd(&["quota", "--json"]).expect(0).objects();
    assert_eq!(lines.len(), 2);
    let contoso = &lines[0];
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(keys(contoso), "tenant enabled at windows blocked since spent hunts dearest");
    assert_eq!(keys(&contoso["windows"][0]), "window unit used limit left free_at learnt reserve");
    assert_eq!(keys(&contoso["blocked"]), "until reason said");
    assert_eq!(keys(&contoso["spent"]), "runs calls api_ms cpu_ms rows");
    let dear = "hunt runs calls api_ms cpu_ms rows calls_share api_share cpu_share";
    assert_eq!(keys(&contoso["dearest"][0]), dear);

    let windows: Vec<Value> = contoso["windows"].as_array().unwrap().clone();
    let told: Vec<Value> =
        windows.iter().map(|one| json!([one["window"], one["unit"], one["used"], one["limit"], one["left"]])).collect();
    let expected = json!([
        ["calls_per_minute", "calls", 3, 45, 42],
        ["calls_per_hour", "calls", 4, 1500, 1496],
        ["concurrent", "calls", 1, 5, 4],
        ["cpu_per_cycle", "ms", 72_400, null, null],
    ]);
    assert_eq!(Value::from(told), expected);
    assert_eq!(contoso["blocked"]["reason"], "cpu");
    assert!(contoso["blocked"]["said"].as_str().unwrap().contains('\u{1b}'), "a script gets what was said");
    for time in [&contoso["at"], &contoso["since"], &contoso["blocked"]["until"], &windows[0]["free_at"]] {
        let text = time.as_str().unwrap();
        assert!(text.ends_with('Z') && Timestamp::parse(text).is_some(), "{text}");
    }
    let spent = json!({"runs": 32, "calls": 200, "api_ms": 4_000_000, "cpu_ms": 200_000, "rows": 597});
    assert_eq!((&contoso["spent"], &contoso["hunts"]), (&spent, &json!(3)));
    let shares: Vec<Value> = contoso["dearest"].as_array().unwrap().clone();
    let shares: Vec<Value> =
        shares.iter().map(|one| json!([one["hunt"], one["calls_share"], one["api_share"], one["cpu_share"]])).collect();
    let expected =
        json!(
            [["endpoint/slow", 0.1, 0.975, 0.8], ["identity/many-calls", 0.8, 0.01, null], ["enc", 0.1, 0.015, 0.2],]
        );
    assert_eq!(Value::from(shares), expected);

    let fabrikam = &lines[1];
    assert_eq!((&fabrikam["enabled"], &fabrikam["blocked"]), (&json!(false), &Value::Null), "its block is over");
    assert_eq!((&fabrikam["windows"][0]["left"], &fabrikam["dearest"]), (&json!(3), &json!([])));
    let only = desk.huntd(&["quota", "--json", "--tenant", "fabrikam"]).expect(0).objects();
    assert_eq!(only.len(), 1);
    let text = std::fs::read_to_string("docs/commands.md").unwrap();
    let shape = text.split("\n\n").find(|part| part.starts_with("`quota --json`")).unwrap();
    let all = [keys(contoso), keys(&contoso["windows"][0]), keys(&contoso["blocked"]), dear.to_owned()].join(" ");
    for key in all.split(' ') {
        assert!(shape.contains(&format!("`{key}`")), "docs/commands.md doesn't name `{key}` of `quota --json`");
    }
}

#[test]
fn a_run_through_the_older_api_is_told_with_its_cpu() {
    let desk = Desk::usual();
    let text = config(&desk.simulator.url(), TO_FILE).replace("  contoso:\n", "  contoso:\n    api: defender\n");
    desk.site.write("huntd.yaml", text);
    let runs = desk.huntd(&["run", "enc", "--json"]).expect(0).objects();
    assert_eq!(runs[0]["cpu_ms"], 50);
    let whole = desk.huntd(&["show", runs[0]["run"].as_str().unwrap()]).expect(0).stdout;
    assert!(whole.contains(" ms, 50 ms of CPU"), "{whole}");
    let told = &desk.huntd(&["quota", "--json"]).expect(0).objects()[0];
    assert_eq!((&told["windows"][1]["used"], &told["windows"][2]["used"]), (&json!(1), &json!(0)));
    assert_eq!((&told["spent"]["calls"], &told["spent"]["cpu_ms"]), (&json!(1), &json!(50)));
    assert_eq!(told["dearest"][0]["cpu_share"], 1.0);
}

#[test]
fn before_the_first_run_all_is_left() {
    let site = Site::new();
    site.write("huntd.yaml", config("http://127.0.0.1:1", TO_FILE)).write("secret", "x\n").write("hunts/.keep", "");
    golden("quota-before-the-first-run", &shown(&site, &site.huntd(&["quota"])));
    assert!(!site.file("huntd.db").exists());
}

#[test]
fn a_wrong_tenant_or_length_is_exit_2_with_a_way_on() {
    let site = Site::new();
    site.write("huntd.yaml", config("http://127.0.0.1:1", TO_FILE)).write("secret", "x\n").write("hunts/.keep", "");
    for (name, arguments) in [
        ("quota-no-tenant", &["quota", "--tenant", "contosso"][..]),
        ("quota-no-length", &["quota", "--since", "soon"]),
    ] {
        golden(name, &shown(&site, &site.huntd(arguments).expect(2)));
    }
}
