//! `doctor`: a line a check, each failure provoked, with its mend; what it calls is counted, and no secret is shown.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use huntd::adapters::channel::email::Email;
use huntd::model::config::{EmailChannel, MailTls, MailTransport};
use huntd::model::id::ChannelName;
use huntd::sim::scenario::{Effect, Fault, On};
use serde_json::Value;

use crate::desk::{Desk, EVENTS, SECRET, TO_FILE, golden};
use crate::mounts;
use crate::smtp::{Faults, MailServer, PASSWORD, USER};
use crate::support::{Printed, printed};

/// The checks that need the network.
const NETWORK: [&str; 10] =
    ["dns", "proxy", "tls", "clock", "token", "roles", "call", "mail", "heartbeat", "repository"];

/// Gives each file of a site the mode that it should have, whatever the umask of who runs the tests.
fn tidy(desk: &Desk) {
    for (name, mode) in
        [("", 0o755), ("huntd.yaml", 0o644), ("secret", 0o600), ("hunts", 0o755), ("mail-password", 0o600)]
    {
        let path = desk.site.file(name);
        if path.exists() {
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        }
    }
}

/// A site that has run once, with files of the right modes.
fn desk(rest: &str) -> Desk {
    let desk = Desk::new(EVENTS, rest);
    tidy(&desk);
    desk.huntd(&["run", "enc", "--no-notify"]).expect(0);
    desk
}

fn doctor_with(desk: &Desk, arguments: &[&str], env: &[(&str, &str)]) -> Printed {
    let mut command = desk.site.command(arguments);
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    let printed = printed(command.envs(env.iter().copied()));
    for hidden in [SECRET, PASSWORD] {
        assert!(!printed.stdout.contains(hidden) && !printed.stderr.contains(hidden), "a secret is shown");
    }
    printed
}

fn doctor(desk: &Desk) -> Printed {
    doctor_with(desk, &["doctor", "--json"], &[])
}

/// State, message and hint of the one line of a check.
fn line(printed: &Printed, check: &str) -> (String, String, String) {
    let lines: Vec<Value> = printed.objects().into_iter().filter(|line| line["check"] == check).collect();
    assert_eq!(lines.len(), 1, "{check} in {}", printed.stdout);
    let text = |key: &str| lines[0][key].as_str().unwrap_or_default().to_owned();
    (text("state"), text("message"), text("hint"))
}

/// That a check failed, for a reason and with a mend that hold these words; gives the whole text.
fn failed(printed: &Printed, check: &str, words: &[&str]) {
    let (state, message, hint) = line(printed, check);
    let text = format!("{message} -> {hint}");
    assert_eq!(state, "failed", "{check}: {text}");
    assert!(!hint.is_empty(), "{text}");
    for word in words {
        assert!(text.contains(word), "`{word}` isn't in {text}");
    }
}

fn state(printed: &Printed, check: &str) -> String {
    line(printed, check).0
}

fn mail(port: u16, ca: &std::path::Path) -> String {
    format!(
        "channels:\n  soc: {{email: {{server: 'smtp://localhost:{port}', user: {USER}, password: {{file: mail-password}}, ca: {{file: '{}'}}, from: huntd@contoso.example, to: [soc@contoso.example]}}}}\nroutes: [{{to: [soc]}}]\n",
        ca.display()
    )
}

#[test]
fn hunts_that_are_to_come_from_git_are_no_fault_before_the_first_start() {
    let desk = Desk::usual();
    let config = std::fs::read_to_string(desk.site.file("huntd.yaml")).unwrap();
    desk.site.write("huntd.yaml", format!("{config}git: {{url: 'https://git.example/hunts', branch: main}}\n"));
    let lines = desk.huntd(&["--json", "doctor", "--offline"]).objects();
    let hunts = lines.iter().find(|line| line["check"] == "hunts").unwrap();
    assert_eq!(hunts["state"], "skipped", "{hunts}");
    assert!(hunts["message"].as_str().unwrap().contains("https://git.example/hunts"), "{hunts}");
}

#[test]
fn the_repository_of_the_hunts_is_asked_and_nothing_of_it_is_taken() {
    let desk = desk(TO_FILE);
    let git = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.arg("-C").arg(desk.site.path()).args(["-c", "user.name=Ann", "-c", "user.email=ann@contoso.example"]);
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "-q", "-b", "main", "origin"]);
    git(&["-C", "origin", "commit", "-q", "--allow-empty", "-m", "hunts"]);
    let commit = git(&["-C", "origin", "rev-parse", "HEAD"]);
    let config = std::fs::read_to_string(desk.site.file("huntd.yaml")).unwrap();
    let with = |git: &str| {
        desk.site.write("huntd.yaml", format!("{config}git: {git}\n"));
        doctor_with(&desk, &["doctor", "--json"], &[])
    };
    let (state, message, _) = line(&with("{url: origin, branch: main}").expect(0), "repository");
    assert_eq!((state.as_str(), message), ("ok", format!("main is at {}", &commit[..12])));
    assert!(!desk.site.file("huntd.db.hunts").exists(), "nothing is fetched");
    failed(&with("{url: origin, branch: other}").expect(1), "repository", &["no branch other", "see `branch`"]);
    failed(&with("{url: away, branch: main}").expect(1), "repository", &["git ls-remote failed", "see `url`"]);

    let token = "{url: 'https://127.0.0.1:1/hunts', branch: main, token: {file: git-token}}";
    let printed = with(token).expect(1);
    assert_eq!(line(&printed, "repository").0, "skipped", "the token is missing, which is said of it");
    desk.site.write("git-token", "hush\n");
    let printed = with(token).expect(1);
    failed(&printed, "repository", &["git ls-remote failed", "127.0.0.1"]);
    assert!(!printed.stdout.contains("hush"), "{}", printed.stdout);

    let signed = "{url: origin, branch: main, allowed_signers: signers}";
    let of_signers = |printed: &Printed| {
        let lines: Vec<Value> = printed.objects();
        lines.into_iter().find(|line| line["check"] == "git" && line["subject"] == "signers").unwrap()
    };
    let line = of_signers(&with(signed).expect(1));
    assert!(line["message"].as_str().unwrap().contains("can't read the allowed signers"), "{line}");
    desk.site.write("signers", "ann@contoso.example ssh-ed25519 AAAA\n");
    let line = of_signers(&with(signed).expect(0));
    assert_eq!(line["state"], "ok", "{line}");
}

#[test]
fn a_site_that_is_well() {
    let server = MailServer::start(&Faults::default());
    let desk = desk(&mail(server.port, &server.ca));
    desk.site.write("mail-password", PASSWORD);
    tidy(&desk);
    let calls = desk.simulator.stats().calls;
    let text = doctor_with(&desk, &["doctor"], &[]).expect(0);
    assert_eq!(desk.simulator.stats().calls, calls + 1, "one call a tenant");
    assert!(server.mails().is_empty(), "no mail is sent");
    let used: Vec<Value> = desk.huntd(&["quota", "--json"]).expect(0).objects();
    assert_eq!(used[0]["windows"][0]["used"], calls + 1, "and it is counted");
    // What differs from machine to machine.
    let other = ["git", "systemd", "unit"];
    let kept = text.stdout.split_inclusive('\n').filter(|line| !other.iter().any(|check| line[9..].starts_with(check)));
    let shown = kept
        .collect::<String>()
        .replace(&desk.site.path().display().to_string(), "SITE")
        .replace(&desk.simulator.url().replace("http://", ""), "SIMULATOR");
    let shown = regex::Regex::new(r"user \d+").unwrap().replace_all(&shown, "user N").into_owned();
    let shown = regex::Regex::new(r"\d+(\.\d)? [kMGT]?B").unwrap().replace_all(&shown, "SIZE").into_owned();
    golden("doctor-well", &shown);
    assert!(text.stderr.contains(" checks: ") && !text.stderr.contains("failed"), "{}", text.stderr);

    // Offline, just the network's lines are missing, and they are counted.
    let whole = doctor(&desk).expect(0);
    let offline = doctor_with(&desk, &["doctor", "--json", "--offline"], &[]).expect(0);
    assert_eq!(desk.simulator.stats().calls, calls + 2, "offline calls nobody");
    let of_network = |line: &Value| NETWORK.contains(&line["check"].as_str().unwrap());
    let (away, here): (Vec<Value>, Vec<Value>) = whole.objects().into_iter().partition(of_network);
    assert_eq!(offline.objects(), here);
    assert!(offline.stderr.contains(&format!("; {} checks left out", away.len())), "{}", offline.stderr);
    let keys: Vec<&String> = here[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["check", "subject", "state", "message", "hint"]);

    let quiet = doctor_with(&desk, &["-q", "doctor"], &[]).expect(0);
    assert!(!quiet.stdout.contains("ok  ") && quiet.stderr.is_empty(), "{}{}", quiet.stdout, quiet.stderr);
}

#[test]
fn before_the_first_run_nothing_is_made_and_nobody_is_called() {
    let desk = Desk::usual();
    tidy(&desk);
    let printed = doctor(&desk).expect(0);
    assert!(!desk.site.file("huntd.db").exists(), "the daemon makes it");
    assert_eq!(state(&printed, "database"), "skipped");
    assert_eq!((state(&printed, "token"), state(&printed, "roles")), ("ok".to_owned(), "ok".to_owned()));
    let (state, message, hint) = line(&printed, "call");
    assert_eq!(state, "skipped");
    assert!(message.contains("there is no database yet: each call is counted there"), "{message}");
    assert!(hint.contains("`huntd run`"), "{hint}");
    assert_eq!(desk.simulator.stats().calls, 0, "a call that can't be counted isn't made");
}

#[test]
fn files_in_the_wrong_hands() {
    let desk = desk(TO_FILE);
    let set = |name: &str, mode| {
        std::fs::set_permissions(desk.site.file(name), PermissionsExt::from_mode(mode)).unwrap();
    };
    set("secret", 0o644);
    let printed = doctor(&desk).expect(1);
    failed(&printed, "secret", &["/secret can be read by others (mode 0644)", "chmod 600 "]);
    assert_eq!(state(&printed, "token"), "ok", "it is a secret still");
    set("secret", 0o600);
    for (name, mode, said) in [
        ("huntd.yaml", 0o666, "changed by more than"),
        ("huntd.db", 0o644, "read by others"),
        ("hunts", 0o777, "changed by others"),
    ] {
        let before = std::fs::metadata(desk.site.file(name)).unwrap().permissions();
        set(name, mode);
        let printed = doctor_with(&desk, &["doctor", "--json", "--offline"], &[]).expect(1);
        let bad: Vec<Value> = printed.objects().into_iter().filter(|line| line["state"] == "failed").collect();
        assert_eq!(bad.len(), 1, "{}", printed.stdout);
        assert_eq!(bad[0]["check"], "modes");
        assert!(bad[0]["message"].as_str().unwrap().contains(said), "{}", bad[0]);
        std::fs::set_permissions(desk.site.file(name), before).unwrap();
    }
    doctor(&desk).expect(0);
}

#[test]
fn hunts_that_the_service_may_not_read() {
    let desk = desk(TO_FILE);
    let line = |printed: &Printed| {
        printed.objects().into_iter().find(|line| line["subject"] == "hunts' files").unwrap_or_default()
    };
    assert_eq!(
        line(&doctor_with(&desk, &["doctor", "--json", "--offline"], &[])),
        Value::Null,
        "who asks is the service"
    );
    let config = std::fs::read_to_string(desk.site.file("huntd.yaml")).unwrap();
    desk.site
        .write("huntd.yaml", config.replace("database: huntd.db", "database: state/huntd.db"))
        .write("state/mark", "");
    // Only root can give the folder to another user.
    if std::os::unix::fs::chown(desk.site.file("state"), Some(998), Some(997)).is_err() {
        return;
    }
    std::fs::set_permissions(desk.site.file("hunts/enc.yaml"), PermissionsExt::from_mode(0o600)).unwrap();
    let said = line(&doctor_with(&desk, &["doctor", "--json", "--offline"], &[]));
    assert_eq!(said["state"], "warning", "{said}");
    assert!(said["message"].as_str().unwrap().contains("user 998 may not read"), "{said}");
    std::fs::set_permissions(desk.site.file("hunts/enc.yaml"), PermissionsExt::from_mode(0o644)).unwrap();
    assert_eq!(line(&doctor_with(&desk, &["doctor", "--json", "--offline"], &[]))["state"], "ok");
}

#[test]
fn secrets_that_are_wrong_or_missing() {
    let desk = desk(TO_FILE);
    let calls = desk.simulator.stats().calls;
    desk.site.write("secret", "wrong~9Z~battery.staple");
    let printed = doctor(&desk).expect(1);
    failed(&printed, "token", &["AADSTS7000215", "the secret's value, not its id"]);
    assert!(!printed.stdout.contains("wrong~9Z"), "{}", printed.stdout);
    for behind in ["roles", "call"] {
        let (state, message, _) = line(&printed, behind);
        assert_eq!((state.as_str(), message.as_str()), ("skipped", "not looked at, as `token` isn't well"));
    }
    std::fs::remove_file(desk.site.file("secret")).unwrap();
    let printed = doctor(&desk).expect(1);
    failed(&printed, "secret", &["isn't there", "create it"]);
    assert_eq!(line(&printed, "token").1, "not looked at, as `secret` isn't well");
    assert_eq!(desk.simulator.stats().calls, calls, "nobody is called without a token");
}

#[test]
fn a_credential_is_the_services_own() {
    let desk = desk(TO_FILE);
    let config = std::fs::read_to_string(desk.site.file("huntd.yaml")).unwrap();
    desk.site.write("huntd.yaml", config.replace("{file: secret}", "{credential: secret}"));
    tidy(&desk);
    let folder = desk.site.path().display().to_string();
    let printed = doctor_with(&desk, &["doctor", "--json"], &[("CREDENTIALS_DIRECTORY", &folder)]).expect(0);
    assert!(line(&printed, "secret").1.contains("/secret (mode 0600"), "{}", printed.stdout);
    assert_eq!(state(&printed, "token"), "ok");
    // No unit of this machine names it.
    failed(&doctor(&desk).expect(1), "secret", &["$CREDENTIALS_DIRECTORY isn't set", "LoadCredential="]);
}

#[test]
fn a_role_that_is_missing() {
    let desk = desk(TO_FILE);
    let calls = desk.simulator.stats().calls;
    desk.simulator.set(|scenario| scenario.tenants[0].roles = vec!["Mail.Read".to_owned()]);
    let printed = doctor(&desk).expect(1);
    failed(
        &printed,
        "roles",
        &["lacks ThreatHunting.Read.All: it has Mail.Read", "of Microsoft Graph", "admin consent"],
    );
    assert_eq!(line(&printed, "call").1, "not looked at, as `roles` isn't well");
    desk.simulator.set(|scenario| {
        scenario.tenants[0].roles = vec!["ThreatHunting.Read.All".to_owned(), "Directory.Read.All".to_owned()];
    });
    let printed = doctor(&desk).expect(0);
    let (state, message, _) = line(&printed, "roles");
    assert_eq!(state, "warning", "{message}");
    assert!(message.contains("Directory.Read.All"), "{message}");
    assert_eq!(desk.simulator.stats().calls, calls + 1);
}

#[test]
fn the_older_api_has_a_role_of_its_own() {
    let desk = desk(TO_FILE);
    let config = std::fs::read_to_string(desk.site.file("huntd.yaml")).unwrap();
    desk.site.write("huntd.yaml", config.replace("    tenant_id", "    api: defender\n    tenant_id"));
    tidy(&desk);
    let printed = doctor(&desk).expect(0);
    assert_eq!(line(&printed, "roles").1, "the app has AdvancedHunting.Read.All");
    assert_eq!(state(&printed, "call"), "ok");
    desk.simulator.set(|scenario| scenario.tenants[0].roles = vec!["ThreatHunting.Read.All".to_owned()]);
    failed(&doctor(&desk).expect(1), "roles", &["it has no role at all", "Microsoft Threat Protection"]);
}

#[test]
fn a_call_that_fails_teaches_the_quota_and_a_block_is_heeded() {
    let desk = desk(TO_FILE);
    let calls = desk.simulator.stats().calls;
    desk.simulator.set(|scenario| {
        scenario.faults = vec![Fault { on: On { first: Some(1), ..On::default() }, does: Effect::ThrottledHour }];
    });
    failed(&doctor(&desk).expect(1), "call", &["maximum allowed"]);
    let printed = doctor(&desk).expect(0);
    let (state, message, hint) = line(&printed, "call");
    assert_eq!(state, "skipped");
    assert!(message.contains("the tenant is blocked (calls_per_hour), until "), "{message}");
    assert!(hint.contains("huntd quota"), "{hint}");
    assert_eq!(desk.simulator.stats().calls, calls + 1, "a tenant that is blocked isn't called");
    // Nor is one whose minute is spent.
    let desk = self::desk(TO_FILE);
    let config = std::fs::read_to_string(desk.site.file("huntd.yaml")).unwrap();
    desk.site.write("huntd.yaml", config.replace("    tenant_id", "    quota: {calls_per_minute: 1}\n    tenant_id"));
    tidy(&desk);
    let calls = desk.simulator.stats().calls;
    let (state, message, _) = line(&doctor(&desk).expect(0), "call");
    assert_eq!((state.as_str(), desk.simulator.stats().calls), ("skipped", calls), "{message}");
}

#[test]
fn the_api_refuses() {
    let desk = desk(TO_FILE);
    desk.simulator.set(|scenario| scenario.tenants[0].licensed = false);
    let printed = doctor(&desk).expect(1);
    assert_eq!(state(&printed, "roles"), "ok");
    failed(&printed, "call", &["licence"]);
}

#[test]
fn a_clock_that_is_wrong() {
    for (ahead, wanted) in [(Duration::from_secs(30), "warning"), (Duration::from_mins(10), "failed")] {
        let desk = Desk::ahead(EVENTS, TO_FILE, ahead);
        tidy(&desk);
        let printed = doctor(&desk).expect(i32::from(wanted == "failed"));
        let (state, message, hint) = line(&printed, "clock");
        assert_eq!(state, wanted, "{message}");
        assert!(message.contains("behind the API") && hint.contains("timedatectl"), "{message} {hint}");
    }
}

#[test]
fn hosts_that_are_not_there() {
    let desk = desk(TO_FILE);
    let config = std::fs::read_to_string(desk.site.file("huntd.yaml")).unwrap();
    let url = desk.simulator.url();
    let with_api = |api: &str| {
        desk.site.write("huntd.yaml", config.replace(&format!("api_url: {url}"), &format!("api_url: {api}")));
        tidy(&desk);
    };
    let of = |printed: &Printed, host: &str, check: &str| {
        let found = printed.objects().into_iter().find(|line| line["subject"] == host && line["check"] == check);
        found.unwrap_or_else(|| panic!("no {check} of {host} in {}", printed.stdout))
    };
    let host = "graph.no-such-name.invalid";
    with_api(&format!("https://{host}"));
    let printed = doctor(&desk).expect(1);
    let dns = of(&printed, host, "dns");
    assert_eq!(dns["state"], "failed", "{dns}");
    assert!(dns["hint"].as_str().unwrap().contains("resolver"), "{dns}");
    for behind in ["tls", "clock"] {
        assert_eq!(of(&printed, host, behind)["message"], "not looked at, as `dns` isn't well");
    }
    assert_eq!((state(&printed, "token"), state(&printed, "call")), ("ok".to_owned(), "skipped".to_owned()));

    // A proxy that isn't there; what stands in its address of a password isn't told.
    let proxy = [("HTTPS_PROXY", "http://user:hush@127.0.0.1:1")];
    let printed = doctor_with(&desk, &["doctor", "--json"], &proxy).expect(1);
    let told = of(&printed, host, "proxy");
    assert_eq!(told["state"], "failed", "{told}");
    assert!(told["message"].as_str().unwrap().contains("http://127.0.0.1:1"), "{told}");
    assert!(told["hint"].as_str().unwrap().contains("NO_PROXY"), "{told}");
    assert!(!printed.stdout.contains("hush"));

    // TLS is wanted, and none is spoken.
    let port = url.rsplit(':').next().unwrap();
    with_api(&format!("https://127.0.0.1:{port}"));
    let printed = doctor_with(&desk, &["doctor", "--json"], &[]).expect(1);
    let tls: Vec<Value> = printed.objects().into_iter().filter(|line| line["check"] == "tls").collect();
    assert!(tls.iter().any(|line| line["state"] == "failed"), "{}", printed.stdout);
}

#[test]
fn mail_servers_that_do_not_take_it() {
    let refuses = MailServer::start(&Faults { refuse_sign_in: true, ..Faults::default() });
    let desk = desk(&mail(refuses.port, &refuses.ca));
    desk.site.write("mail-password", PASSWORD);
    tidy(&desk);
    failed(&doctor(&desk).expect(1), "mail", &["refuses the sign-in", "535", "check `user`"]);

    let plain = MailServer::start(&Faults { no_tls: true, ..Faults::default() });
    let config = std::fs::read_to_string(desk.site.file("huntd.yaml")).unwrap();
    let with_port = |port: u16| {
        desk.site.write("huntd.yaml", config.replace(&refuses.port.to_string(), &port.to_string()));
        tidy(&desk);
    };
    with_port(plain.port);
    failed(&doctor(&desk).expect(1), "mail", &["gives no TLS"]);

    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    with_port(closed);
    failed(&doctor(&desk).expect(1), "mail", &["can't be reached", "firewall"]);

    std::fs::remove_file(desk.site.file("mail-password")).unwrap();
    let printed = doctor(&desk).expect(1);
    assert_eq!(line(&printed, "mail").1, "not looked at, as `secret` isn't well");
}

#[test]
fn a_mail_server_that_hangs_is_given_up() {
    // It takes connections, and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = EmailChannel {
        transport: MailTransport::Smtp {
            host: "127.0.0.1".to_owned(),
            port: silent.local_addr().unwrap().port(),
            tls: MailTls::None,
        },
        user: None,
        password: None,
        ca: None,
        from: "huntd@contoso.example".to_owned(),
        to: vec!["soc@contoso.example".to_owned()],
        reply_to: None,
    };
    let email = Email::new(ChannelName::new("soc").unwrap(), &settings).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let knocked = runtime.block_on(email.knock(Duration::from_millis(100), Duration::ZERO)).unwrap();
    let why = knocked.unwrap_err();
    assert!(why.contains("didn't greet and sign in within"), "{why}");
}

#[test]
fn a_mail_servers_certificate_that_ends_soon_is_a_warning() {
    let ten_days = Duration::from_hours(10 * 24);
    let server = MailServer::start(&Faults { certificate_lasts: Some(ten_days), ..Faults::default() });
    let desk = desk(&mail(server.port, &server.ca));
    desk.site.write("mail-password", PASSWORD);
    tidy(&desk);
    let (state, message, hint) = line(&doctor(&desk).expect(0), "mail");
    assert_eq!((state.as_str(), message.as_str()), ("warning", "its certificates are trusted, and end within 21 days"));
    assert!(hint.contains(&format!("localhost:{}", server.port)), "{hint}");
}

#[test]
fn the_heartbeats_host_is_met_without_a_beat() {
    let beat = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = beat.local_addr().unwrap().port();
    let desk = desk(&format!("{TO_FILE}heartbeat: {{url: 'http://127.0.0.1:{port}/beat/hush'}}\n"));
    let printed = doctor(&desk).expect(0);
    assert_eq!(line(&printed, "heartbeat").1, "can be reached; no beat was sent");
    let (mut met, _) = beat.accept().unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut met, &mut said).unwrap();
    assert_eq!(said, "", "a beat would say that the engine runs");
    drop(beat);
    let printed = doctor(&desk).expect(1);
    failed(&printed, "heartbeat", &["can't be reached"]);
    assert!(!printed.stdout.contains("hush"), "{}", printed.stdout);
}

#[test]
fn a_database_that_is_damaged() {
    let desk = desk(TO_FILE);
    let calls = desk.simulator.stats().calls;
    let path = desk.site.file("huntd.db");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, vec![b'x'; whole.len()]).unwrap();
    let printed = doctor(&desk).expect(1);
    failed(&printed, "database", &["damaged or no database", "restore a backup"]);
    // One page in the middle.
    let mut torn = whole;
    let at = torn.len() / 4096 / 2 * 4096;
    torn[at..at + 4096].fill(0xa5);
    std::fs::write(&path, torn).unwrap();
    let printed = doctor(&desk).expect(1);
    failed(&printed, "database", &["restore a backup"]);
    assert_eq!(state(&printed, "call"), "skipped");
    assert_eq!(desk.simulator.stats().calls, calls, "nothing is called that can't be counted");
}

#[test]
fn a_disk_that_is_small_or_cannot_be_written() {
    let desk = desk(TO_FILE);
    let config = std::fs::read_to_string(desk.site.file("huntd.yaml")).unwrap();
    desk.site.write("huntd.yaml", config.replace("database: huntd.db", "database: disk/huntd.db"));
    tidy(&desk);
    std::fs::create_dir(desk.site.file("disk")).unwrap();
    let script = "mount -t tmpfs -o size=20m,mode=700 tmpfs disk
         $HUNTD run enc >first
         set +e
         $HUNTD doctor --offline --json >small 2>/dev/null; echo \"exit $?\"
         mount -o remount,ro disk
         $HUNTD doctor --offline --json >read-only 2>/dev/null; echo \"exit $?\"";
    let Some(mut command) = mounts::script(&desk.site, script) else { return };
    let ended = printed(&mut command);
    assert_eq!(ended.stdout, "exit 1\nexit 1\n", "{}", ended.stderr);
    let read = |name: &str| Printed {
        code: 1,
        stdout: std::fs::read_to_string(desk.site.file(name)).unwrap(),
        stderr: String::new(),
    };
    failed(&read("small"), "space", &["MB left in ", "free some space"]);
    assert_eq!(state(&read("small"), "database"), "ok");
    failed(&read("read-only"), "database", &["can't be written", "Read-only", "mounted read-only"]);

    desk.site.write("huntd.yaml", config.replace("database: huntd.db", "database: nowhere/huntd.db"));
    tidy(&desk);
    failed(&doctor(&desk).expect(1), "database", &["nowhere can't be written: No such file", "make the folder"]);
}

#[test]
fn a_channels_folder_and_hunts_that_are_broken() {
    let desk = desk("channels: {hits: {file: {path: nowhere/hits.jsonl}}}\nroutes: [{to: [hits]}]\n");
    failed(&doctor(&desk).expect(1), "channel", &["nowhere can't be written", "huntd's user"]);
    desk.site.write("hunts/bad.yaml", "query: [\n");
    let printed = doctor_with(&desk, &["doctor", "--json", "--offline"], &[]);
    let (state, message, hint) = line(&printed, "hunts");
    assert_eq!(state, "warning");
    assert!(message.starts_with("1 hunt loaded, and there ") && hint.contains(" check`"), "{message} {hint}");
}

#[test]
fn a_config_that_cannot_be_read_is_exit_2() {
    let desk = desk(TO_FILE);
    desk.site.write("huntd.yaml", "tenants: {contoso: {tenant: x}}\n");
    let printed = doctor(&desk).expect(2);
    assert_eq!(printed.stdout, "");
    assert!(printed.stderr.contains("the config"), "{}", printed.stderr);
}
