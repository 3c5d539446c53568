use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::config::{ApiKind, Auth, ChannelKind, Cloud, Config, MailTls, MailTransport, Quota};
use crate::model::hunt::Severity;
use crate::model::id::{ChannelName, TenantName};
use crate::model::place::Finding;
use crate::model::secret::SecretSource;
use crate::model::time::Zone;

fn read(text: &str) -> Result<(Config, Vec<Finding>), Vec<Finding>> {
    load(Path::new("etc/huntd.yaml"), text.as_bytes(), &Directories::default())
}

fn lines(findings: &[Finding]) -> Vec<String> {
    let line = |f: &Finding| format!("{} {} {}:{} {}", f.level, f.code, f.place.line, f.place.column, f.message);
    findings.iter().map(line).collect()
}

/// Two lines that make a config without warnings.
const BASE: &str =
    "tenants: {t: {tenant_id: x.example, client_id: y, auth: {client_secret: {env: S}}}}\nchannels: {soc: {log: {}}}\n";

#[test]
fn every_key_of_the_reference_is_read() {
    let (config, warnings) = read(
        r#"
hunts: [hunts, /srv/hunts]
database: state/huntd.db
timezone: Europe/Riga
defaults: {schedule: "@hourly", lookback: 2h, late: 0}
tenants:
  contoso:
    api: defender
    cloud: gcc-high
    tenant_id: contoso.example
    client_id: 00000000-0000-0000-0000-000000000001
    auth: {client_secret: {credential: contoso}}
    login_url: http://127.0.0.1:8080
    api_url: https://proxy.example/api
    quota: {calls_per_minute: 10, calls_per_hour: 100, concurrent: 1, row_limit: 1000, reserve: 10%, running_per_hour: 30m, running_per_day: 6h, cpu_per_cycle: 8m}
    enabled: false
channels:
  soc: {email: {server: "smtp://mail.example", user: u, password: {file: smtp.txt}, from: "huntd <huntd@example>", to: [soc@example], reply_to: a@example, ca: {file: ca.pem}}}
  hits: {file: {path: hits.jsonl}}
  journal: {log: }
routes:
  - {match: {severity: high, tags: [a], tenant: contoso, hunt: "win/*"}, to: [soc], continue: true}
  - {to: hits}
failures: {to: [soc], after: 5, every: 12h}
"#,
    )
    .unwrap();
    assert_eq!(lines(&warnings), [""; 0]);
    assert_eq!(config.hunts, [Path::new("etc/hunts"), Path::new("/srv/hunts")]);
    assert_eq!(config.database, Path::new("etc/state/huntd.db"));
    assert_eq!((config.defaults.schedule.as_str(), config.defaults.late), ("@hourly", Duration::ZERO));
    let tenant = &config.tenants[&TenantName::new("contoso").unwrap()];
    assert_eq!((tenant.api, tenant.cloud, tenant.enabled), (ApiKind::Defender, Cloud::GccHigh, false));
    assert_eq!(tenant.auth, Auth::ClientSecret(SecretSource::Credential("contoso".to_owned())));
    assert_eq!((tenant.quota.calls_per_minute, tenant.quota.row_limit), (10, 1000));
    let ChannelKind::Email(email) = &config.channels[&ChannelName::new("soc").unwrap()] else { panic!("an email") };
    let smtp = MailTransport::Smtp { host: "mail.example".to_owned(), port: 587, tls: MailTls::Required };
    assert_eq!(email.transport, smtp);
    assert_eq!(email.password, Some(SecretSource::File("etc/smtp.txt".into())));
    assert_eq!(email.ca.as_deref(), Some(Path::new("etc/ca.pem")));
    assert_eq!((config.routes[0].severity.as_slice(), config.routes[0].go_on), ([Severity::High].as_slice(), true));
    assert!(config.routes[0].hunt.as_ref().unwrap().is_match("win/deep/x"));
    assert_eq!(config.routes[1].to, [ChannelName::new("hits").unwrap()]);
    assert_eq!((config.failures.after, config.failures.every), (5, Duration::from_hours(12)));
}

#[test]
fn an_empty_config_has_the_defaults_of_the_reference() {
    for text in ["", "tenants: {}\nchannels:\n", "# nothing\n"] {
        let (config, warnings) = read(text).unwrap();
        assert_eq!(warnings.iter().map(|w| w.code).collect::<Vec<_>>(), ["C014", "C014"], "{text}");
        assert_eq!((config.hunts, config.timezone), (vec!["etc/hunts".into()], Zone::UTC));
        assert_eq!(config.database, Path::new("/var/lib/huntd/huntd.db"));
        assert_eq!(config.defaults.schedule.as_str(), "@daily");
        assert_eq!((config.failures.after, config.failures.every), (3, Duration::from_hours(24)));
        assert_eq!(config.listen.unwrap().to_string(), "http://127.0.0.1:9464");
    }
    let (config, _) = read(BASE).unwrap();
    let quota = config.tenants.values().next().unwrap().quota;
    assert_eq!(
        (quota.calls_per_minute, quota.calls_per_hour, quota.concurrent, quota.row_limit),
        (45, 1500, 5, 100_000)
    );
}

#[test]
fn what_is_not_served_yet_is_said() {
    let text = format!("{BASE}retention: {{rows: 5d, size: 20GiB}}\nroutes: [{{to: soc, group: {{wait: 30s}}}}]");
    let (config, warnings) = read(&text).unwrap();
    let seen = warnings.iter().map(|w| (w.code, w.message.split('`').nth(1).unwrap())).collect::<Vec<_>>();
    assert_eq!(seen, [("C008", "routes[0].group")]);
    assert_eq!(config.retention.rows, Duration::from_hours(5 * 24));
    assert_eq!(config.retention.size, Some(20 << 30));
}

#[test]
fn where_metrics_are_served() {
    for (text, address, codes) in [
        ("null", None, &[][..]),
        ("127.0.0.1:1", Some("http://127.0.0.1:1"), &[]),
        ("\"[::1]:1\"", Some("http://[::1]:1"), &[]),
        ("\"[::ffff:127.0.0.1]:1\"", Some("http://[::ffff:127.0.0.1]:1"), &[]),
        ("unix", Some("unix:/run/huntd/huntd.sock"), &[]),
        ("unix:huntd.sock", Some("unix:etc/huntd.sock"), &[]),
        ("unix:/run/huntd/huntd.sock", Some("unix:/run/huntd/huntd.sock"), &[]),
        ("0.0.0.0:1", Some("http://0.0.0.0:1"), &["C019"]),
        ("\"[::]:1\"", Some("http://[::]:1"), &["C019"]),
        ("192.0.2.1:1", Some("http://192.0.2.1:1"), &["C019"]),
    ] {
        let (config, warnings) = read(&format!("{BASE}listen: {text}")).unwrap();
        assert_eq!(config.listen.map(|listen| listen.to_string()).as_deref(), address, "{text}");
        assert_eq!(warnings.iter().map(|one| one.code).collect::<Vec<_>>(), codes, "{text}");
    }
    for text in ["\"unix:\"", "9464", "localhost:9464", "127.0.0.1"] {
        assert!(read(&format!("{BASE}listen: {text}")).is_err(), "{text}");
    }
    let (config, warnings) = read(&format!("{BASE}heartbeat: {{url: https://x.example/secret}}")).unwrap();
    assert_eq!((config.heartbeat.unwrap().every, warnings.len()), (Duration::from_mins(1), 0));
}

#[test]
fn each_mistake_has_its_finding() {
    for (text, expected) in [
        ("a: [", "error C001 3:4 this is no YAML: unclosed bracket '['"),
        ("tenant: x", "error C002 3:1 the config has no key `tenant`"),
        ("timezone: Europe/Rgia", "error C012 3:11 no time zone is named `Europe/Rgia`"),
        (
            "defaults: {schedule: \"* *\"}",
            "error C013 3:22 `* *` is no schedule: cron has 5 fields, or 6 with seconds first, and here are 2",
        ),
        ("defaults: {lookback: 0}", "error C004 3:22 `defaults.lookback` must be more than nothing"),
        ("routes: [{to: sco}]", "error C007 3:15 no channel is named `sco`"),
        ("routes: [{match: {tenant: u}, to: soc}]", "error C009 3:27 no tenant is named `u`"),
        ("routes: [{match: {severity: hgh}, to: soc}]", "error C015 3:29 `routes[0].match.severity` takes no `hgh`"),
        (
            "routes: [{match: {hunt: \"[\"}, to: soc}]",
            "error C004 3:25 `routes[0].match.hunt` is no glob: unclosed character class; missing ']'",
        ),
        ("routes: [{}]", "error C003 3:10 `routes[0].to` is missing"),
        ("failures: {to: x}", "error C007 3:16 no channel is named `x`"),
        ("failures: {after: 0}", "error C004 3:19 `failures.after` must be a whole number above zero"),
        ("hunts: []", "error C004 3:8 `hunts` names no folder"),
        ("---\na: 1", "error C001 4:1 a config is one document, and here is another"),
    ] {
        let findings = read(&format!("{BASE}{text}")).unwrap_err();
        assert_eq!(lines(&findings), [expected], "{text}");
    }
    assert_eq!(lines(&read("- a").unwrap_err()), ["error C001 1:1 a config is a map of keys, and here is a list"]);
}

#[test]
fn tenants_have_their_findings() {
    for (text, expected) in [
        ("auth: {client_secret: hunter2}", "C005 `tenants.t.auth.client_secret` must not stand in the config itself"),
        (
            "auth: {client_secret: {credential: ../x}}",
            "C005 `tenants.t.auth.client_secret.credential` is the name of a file, without a folder",
        ),
        (
            "auth: {client_secret: {file: a, env: b}}",
            "C004 `tenants.t.auth.client_secret` must have one key, and has 2",
        ),
        ("auth: {certificate: {file: a}}", "C006 `tenants.t.auth.certificate` isn't served by this version yet"),
        ("auth: {managed_identity: {}}", "C006 `tenants.t.auth.managed_identity` isn't served by this version yet"),
        ("auth: {pasword: x}", "C002 `tenants.t.auth` has no kind `pasword`"),
        ("auth: {client_secret: {env: A}}, cloud: mars", "C015 `tenants.t.cloud` takes no `mars`"),
        (
            "auth: {client_secret: {env: A}}, api_url: http://10.0.0.1",
            "C010 `tenants.t.api_url` goes over plain http, which is allowed to this machine only",
        ),
        (
            "auth: {client_secret: {env: A}}, api_url: http://localhost.evil.example",
            "C010 `tenants.t.api_url` goes over plain http, which is allowed to this machine only",
        ),
        (
            "auth: {client_secret: {env: A}}, api_url: https://u:hunter2@x.example",
            "C010 `tenants.t.api_url` must not hold a user or a password",
        ),
        (
            "auth: {client_secret: {env: A}}, quota: {concurrent: 0}",
            "C004 `tenants.t.quota.concurrent` must be a whole number above zero",
        ),
        (
            "auth: {client_secret: {env: A}}, quota: {calls_per_hour: 5000000000}",
            "C004 `tenants.t.quota.calls_per_hour` is too large",
        ),
        ("auth: {client_secret: {env: A}}, quota: {reserve: 91%}", "C004 `tenants.t.quota.reserve` is not `91%`"),
        ("auth: {client_secret: {env: A}}, quota: {reserve: 20}", "C004 `tenants.t.quota.reserve` is not `20`"),
        ("auth: {client_secret: {env: A}}, quota: {reserve: -5%}", "C004 `tenants.t.quota.reserve` is not `-5%`"),
        (
            "auth: {client_secret: {env: A}}, quota: {running_per_hour: 10}",
            "C004 `tenants.t.quota.running_per_hour`: `10` is no duration",
        ),
        (
            "auth: {client_secret: {env: A}}, quota: {cpu_per_cycle: 0}",
            "C004 `tenants.t.quota.cpu_per_cycle` must be more than nothing",
        ),
        ("auth: {client_secret: {env: A}}, quota: {reserv: 20%}", "C002 `tenants.t.quota` has no key `reserv`"),
        ("aut: 1, auth: {client_secret: {env: A}}", "C002 `tenants.t` has no key `aut`"),
    ] {
        let text = format!("channels: {{soc: {{log: {{}}}}}}\ntenants: {{t: {{tenant_id: x, client_id: y, {text}}}}}");
        let findings = read(&text).unwrap_err();
        let seen: Vec<_> = findings.iter().map(|f| format!("{} {}", f.code, f.message)).collect();
        assert_eq!(seen, [expected], "{text}");
        assert!(!format!("{findings:?}").contains("hunter2"));
    }
    let findings = read("tenants: {t: , 'a b': {}}").unwrap_err();
    let codes: Vec<_> = findings.iter().map(|f| f.code).filter(|code| *code != "C014").collect();
    assert_eq!(codes, ["C003", "C003", "C003", "C004"]);
}

fn quota_of(text: &str) -> Quota {
    let text = format!(
        "channels: {{c: {{log: {{}}}}}}\ntenants: {{t: {{tenant_id: x, client_id: y, auth: {{client_secret: {{env: S}}}}, quota: {{{text}}}}}}}"
    );
    let (config, warnings) = read(&text).unwrap();
    assert_eq!(lines(&warnings), [""; 0], "{text}");
    config.tenants.values().next().unwrap().quota
}

#[test]
fn a_quota_has_a_reserve_and_times() {
    let none = quota_of("");
    assert_eq!((none.reserve, none.running_per_hour, none.running_per_day, none.cpu_per_cycle), (0, None, None, None));
    let quota = quota_of("reserve: 20%, running_per_hour: 20m, running_per_day: 4h, cpu_per_cycle: 10m");
    let minutes = |n| Some(Duration::from_mins(n));
    assert_eq!((quota.reserve, quota.running_per_hour), (20, minutes(20)));
    assert_eq!((quota.running_per_day, quota.cpu_per_cycle), (minutes(240), minutes(10)));
    for (text, reserve) in [("0%", 0), ("90%", 90), ("' 5 %'", 5)] {
        assert_eq!(quota_of(&format!("reserve: {text}")).reserve, reserve, "{text}");
    }
    // What the config names always binds; what it doesn't may be learnt.
    let named = |quota: Quota| (quota.named.per_minute, quota.named.per_hour);
    assert_eq!((named(none), named(quota_of("calls_per_minute: 45"))), ((false, false), (true, false)));
    assert_eq!(named(quota_of("calls_per_hour: 1500")), (false, true));
    let expected = "a share from `0%` to `90%`, such as `20%`";
    let text = "tenants: {t: {tenant_id: x, client_id: y, auth: {client_secret: {env: S}}, quota: {reserve: all}}}";
    let findings = read(text).unwrap_err();
    let hint = findings.iter().find(|finding| finding.code == "C004").and_then(|finding| finding.hint.as_deref());
    assert_eq!(hint, Some(expected));
}

#[test]
fn channels_have_their_findings() {
    let mail = |rest: &str| format!("email: {{from: a@b, to: c@d, {rest}}}");
    for (text, expected) in [
        ("webhook: {url: x}".to_owned(), "C006 `channels.c.webhook` isn't served by this version yet"),
        ("emial: {}".to_owned(), "C002 `channels.c` has no kind `emial`"),
        ("file: {}".to_owned(), "C003 `channels.c.file.path` is missing"),
        ("log: {x: 1}".to_owned(), "C002 `channels.c.log` has no key `x`"),
        (mail("server: \"http://x\""), "C010 `channels.c.email.server` must begin with smtp://, smtps:// or file://"),
        (mail("server: \"smtp://x?tls=maybe\""), "C010 `channels.c.email.server` takes tls=required or tls=none"),
        (
            mail("server: \"smtps://x?tls=none\""),
            "C010 `channels.c.email.server` begins with smtps://, which is TLS always, and takes no tls=",
        ),
        (
            mail("server: \"smtp://u:hunter2@x\""),
            "C010 `channels.c.email.server` must not hold a user or a password: they have keys of their own, `user` and `password`",
        ),
        (mail("server: \"smtp://\""), "C010 `channels.c.email.server` names no host"),
        (mail("server: \"smtp://x\", user: u"), "C003 `channels.c.email.user` is there, and `password` is missing"),
        (
            mail("server: \"smtp://x\", user: u, password: hunter2"),
            "C005 `channels.c.email.password` must not stand in the config itself",
        ),
        (
            mail("server: \"smtp://x\", reply_to: nobody"),
            "C011 `channels.c.email.reply_to`: `nobody` is no mail address",
        ),
        ("email: {server: \"smtp://x\", from: a@b, to: []}".to_owned(), "C004 `channels.c.email.to` names nobody"),
    ] {
        let text = format!(
            "tenants: {{t: {{tenant_id: x, client_id: y, auth: {{client_secret: {{env: S}}}}}}}}\nchannels: {{c: {{{text}}}}}\nroutes: [{{to: c}}]"
        );
        let findings = read(&text).unwrap_err();
        let seen: Vec<_> = findings.iter().map(|f| format!("{} {}", f.code, f.message)).collect();
        assert_eq!(seen, [expected], "{text}");
        assert!(!format!("{findings:?}").contains("hunter2"));
    }
}

#[test]
fn mail_servers_are_read() {
    let transport = |server: &str| {
        let text = format!("channels: {{c: {{email: {{server: \"{server}\", from: a@b, to: c@d}}}}}}");
        let (config, _) = read(&text).unwrap();
        let Some(ChannelKind::Email(email)) = config.channels.into_values().next() else { panic!("an email") };
        email.transport
    };
    let smtp = |host: &str, port, tls| MailTransport::Smtp { host: host.to_owned(), port, tls };
    assert_eq!(transport("smtp://h:25?tls=none"), smtp("h", 25, MailTls::None));
    assert_eq!(transport("smtps://h"), smtp("h", 465, MailTls::Implicit));
    assert_eq!(transport("smtp://[::1]:2525/"), smtp("::1", 2525, MailTls::Required));
    assert_eq!(transport("file:///tmp/a%20b"), MailTransport::Folder("/tmp/a b".into()));
}

#[test]
fn a_password_in_the_clear_is_refused() {
    let refused = |host: &str| {
        let message = format!("`channels.soc.email.password` would cross the network in the clear to {host}");
        vec![format!("error C016 {message}")]
    };
    let cases = [
        ("mail.example", "tls=none", refused("mail.example")),
        ("10.0.0.1:2525", "tls=none", refused("10.0.0.1")),
        ("localhost", "tls=none", vec![]),
        ("[::1]", "tls=none", vec![]),
        ("mail.example", "tls=required", vec![]),
    ];
    for (host, tls, expected) in cases {
        let text = format!("{BASE}  \n").replace(
            "{log: {}}",
            &format!(
                "{{email: {{server: \"smtp://{host}?{tls}\", user: u, password: {{env: P}}, from: a@b, to: c@d}}}}"
            ),
        );
        let findings = read(&text).map_or_else(|errors| errors, |(_, warnings)| warnings);
        assert!(findings.iter().all(|finding| finding.hint.is_some()), "{findings:?}");
        let said: Vec<_> = findings.iter().map(|f| format!("{} {} {}", f.level, f.code, f.message)).collect();
        assert_eq!(said, expected, "{host} {tls}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn nothing_that_a_file_holds_panics(text in "((hunts|tenants|channels|routes|failures|listen|defaults|heartbeat): [a-z0-9\\[\\]{}: ',]{0,16}\n){0,6}") {
        if let Err(findings) = read(&text) {
            prop_assert!(!findings.is_empty());
        }
    }
}
