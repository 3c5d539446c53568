//! The mail channel against a mail server in this process.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use huntd::adapters::channel::email::Email;
use huntd::model::config::{EmailChannel, MailTls, MailTransport};
use huntd::model::delivery::Notice;
use huntd::model::id::DeliveryId;
use huntd::model::secret::SecretSource;
use huntd::model::trouble::{News, Warning};
use huntd::ports::channel::{Channel, SendError};

use crate::mime::Part;
use crate::notices;
use crate::sample;
use crate::smtp::{Faults, MailServer, PASSWORD, USER};

/// Settings that fit `server`; the password lies in `folder`.
pub(crate) fn settings(server: &MailServer, folder: &Path) -> EmailChannel {
    let secret = folder.join("password");
    std::fs::write(&secret, PASSWORD).unwrap();
    EmailChannel {
        transport: MailTransport::Smtp { host: "localhost".to_owned(), port: server.port, tls: MailTls::Required },
        user: Some(USER.to_owned()),
        password: Some(SecretSource::File(secret)),
        ca: Some(server.ca.clone()),
        from: "huntd <huntd@contoso.example>".to_owned(),
        to: vec!["soc@contoso.example".to_owned(), "Blue Team <blue@contoso.example>".to_owned()],
        reply_to: Some("soc-lead@contoso.example".to_owned()),
    }
}

fn email(settings: &EmailChannel) -> Email {
    Email::new(notices::channel("soc"), settings).unwrap()
}

/// Sends one notice to a server with these faults.
async fn send(faults: Faults, notice: &Notice) -> (MailServer, Result<(), SendError>) {
    let (server, folder) = (MailServer::start(&faults), tempfile::tempdir().unwrap());
    let sent = email(&settings(&server, folder.path())).send(notice).await;
    if let Err(error) = &sent {
        let said = format!("{error} {error:?}");
        assert!(!said.contains(PASSWORD) && !said.contains(USER) && !said.contains('\u{1b}'), "{said}");
    }
    (server, sent)
}

#[tokio::test]
async fn a_mail_arrives_whole() {
    let notice = notices::usual(57);
    let (server, sent) = send(Faults::default(), &notice).await;
    sent.unwrap();
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].from, "huntd@contoso.example");
    assert_eq!(mails[0].to, ["soc@contoso.example", "blue@contoso.example"]);
    assert!(mails[0].data.split("\r\n").all(|line| line.len() <= 998), "RFC 5322, 2.1.1");

    let mail = Part::parse(&mails[0].data);
    let header = |name| mail.header(name).unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(header("message-id"), format!("<{}@huntd.invalid>", notice.delivery));
    assert_eq!(header("subject"), "[high] 46 new, 11 returned: Encoded PowerShell (contoso)");
    assert_eq!(header("x-huntd-hunt"), "endpoint/encoded powershell");
    assert_eq!(header("x-huntd-tenant"), "contoso");
    assert_eq!(header("x-huntd-run"), notice.run.run.as_str());
    assert_eq!(header("auto-submitted"), "auto-generated");
    assert_eq!(header("date"), "Tue, 24 Nov 2026 16:13:02 +0000");
    assert_eq!(header("reply-to"), "soc-lead@contoso.example");
    let ids: Vec<_> = header("x-huntd-hits").split_whitespace().map(str::to_owned).collect();
    let first: Vec<_> = notice.hits.first().iter().map(|hit| hit.hit.to_string()).collect();
    assert_eq!(ids, first);

    let leaves = mail.leaves();
    let kinds: Vec<_> = leaves.iter().map(|part| part.header("content-type").unwrap()).collect();
    assert_eq!(kinds, ["text/plain; charset=utf-8", "text/html; charset=utf-8", "text/csv; charset=utf-8"]);
    assert!(leaves[0].text().contains("ws-0142.corp.contoso.example"));
    assert!(leaves[1].text().contains("<!doctype html>"));
    let table = leaves[2].text();
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    assert_eq!(reader.headers().unwrap().get(0), Some("hit"));
    let told: BTreeSet<_> = reader.records().map(|record| record.unwrap()[0].to_owned()).collect();
    assert_eq!(told, sample::hits(&notice).iter().map(|hit| hit.hit.to_string()).collect());
}

#[tokio::test]
async fn a_large_table_is_compressed() {
    let notice = notices::usual(20_000);
    let (server, sent) = send(Faults::default(), &notice).await;
    sent.unwrap();
    let mail = Part::parse(&server.mails()[0].data);
    let leaves = mail.leaves();
    let attached = leaves[2];
    assert_eq!(attached.header("content-type"), Some("application/gzip"));
    let name = format!("hits-{}.csv.gz", notice.run.run);
    assert!(attached.header("content-disposition").unwrap().contains(&name));
    let mut table = String::new();
    flate2::read::GzDecoder::new(&attached.body[..]).read_to_string(&mut table).unwrap();
    assert_eq!(csv::Reader::from_reader(table.as_bytes()).records().count(), 20_000);
}

#[tokio::test]
async fn a_mail_whose_hits_cannot_be_read_comes_later() {
    let (server, sent) = send(Faults::default(), &notices::unreadable(2_500, 2_400)).await;
    assert_eq!(sent, Err(SendError::Later("the disk broke".to_owned())));
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn a_hostile_notice_stays_one_mail() {
    let notice = notices::hostile();
    let (server, sent) = send(Faults::default(), &notice).await;
    sent.unwrap();
    let mails = server.mails();
    assert_eq!((mails.len(), mails[0].to.len()), (1, 2));
    assert!(mails[0].data.is_ascii());
    let mail = Part::parse(&mails[0].data);
    let names: Vec<_> = mail.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert!(!names.contains(&"bcc"), "{names:?}");
    assert_eq!(mail.leaves().len(), 3);
    for leaf in &mail.leaves()[..2] {
        let text = leaf.text().replace("\r\n", "\n");
        assert!(text.len() < 100_000);
        assert!(!text.replace('\n', "").contains(huntd::rules::render::visible::is_hidden));
    }
    assert!(!mail.leaves()[1].text().contains("<script"));
}

#[tokio::test]
async fn a_repeat_is_the_same_mail() {
    let (server, folder) = (MailServer::start(&Faults::default()), tempfile::tempdir().unwrap());
    let channel = email(&settings(&server, folder.path()));
    let mut notice = notices::usual(2);
    channel.send(&notice).await.unwrap();
    notice.attempts = 1;
    channel.send(&notice).await.unwrap();
    let mails = server.mails();
    assert_eq!(mails[0].data, mails[1].data);
    assert_eq!(server.connections(), 1, "the second mail went over the kept connection");
}

#[tokio::test]
async fn a_warning_is_a_mail_to_the_channel_or_to_an_owner() {
    let (server, folder) = (MailServer::start(&Faults::default()), tempfile::tempdir().unwrap());
    let channel = email(&settings(&server, folder.path()));
    let delivery = DeliveryId::new("0123456789abcdef0123456789abcdef").unwrap();
    let warning = sample::warning(News::Begins);
    channel.warn(&delivery, &warning).await.unwrap();
    let owner = Warning { owner: Some("owner@contoso.example".to_owned()), ..warning.clone() };
    channel.warn(&delivery, &owner).await.unwrap();
    let mails = server.mails();
    let mail = Part::parse(&mails[0].data);
    assert_eq!(mail.header("subject"), Some("[trouble] huntd can't sign in to contoso: 2 hunts fail"));
    assert_eq!(mail.header("message-id"), Some("<0123456789abcdef0123456789abcdef@huntd.invalid>"));
    assert_eq!(mail.leaves().len(), 2);
    assert!(mail.leaves()[0].text().contains("AADSTS7000222"));
    assert!(mail.leaves()[1].text().contains("How to mend it"));
    assert!(!mails[0].to.contains(&"owner@contoso.example".to_owned()));
    assert_eq!(mails[1].to, ["owner@contoso.example"]);
    let nobody = Warning { owner: Some("blue team".to_owned()), ..warning };
    let SendError::Never(why) = channel.warn(&delivery, &nobody).await.unwrap_err() else { panic!() };
    assert!(why.contains("blue team"), "{why}");
}

/// What a server's fault leads to: whether it is tried again, and what people read.
#[tokio::test]
async fn faults_are_told_apart() {
    let text = |code, words| Faults { text: Some((code, words)), ..Faults::default() };
    let to = |word, code| Faults { recipient: Some((word, code)), ..Faults::default() };
    let cases = [
        (text(451, "try again"), true, "refuses the mail: 451 try again"),
        (text(554, "spam"), false, "refuses the mail: 554 spam"),
        (to("contoso", 550), false, "refuses a recipient: 550"),
        (to("contoso", 450), true, "refuses a recipient: 450"),
        (to("soc", 450), true, "refuses a recipient: 450"),
        (Faults { refuse_sign_in: true, ..Faults::default() }, true, "check `user` and the secret of `password`: 535"),
        (Faults { no_tls: true, ..Faults::default() }, true, "gives no TLS; use smtps://"),
    ];
    for (faults, later, words) in cases {
        let (server, sent) = send(faults.clone(), &notices::usual(1)).await;
        let error = sent.expect_err(words);
        assert_eq!(matches!(error, SendError::Later(_)), later, "{faults:?} {error}");
        assert!(error.to_string().contains(words), "{error}");
        let sign_in = error.to_string().contains("sign-in");
        assert!(!sign_in || error.to_string().ends_with(": 535"), "words about a sign-in are never repeated: {error}");
        assert_eq!(server.mails().len(), 0);
    }
}

#[tokio::test]
async fn one_lost_recipient_does_not_lose_the_mail_for_all() {
    let gone = Faults { recipient: Some(("blue", 550)), ..Faults::default() };
    let (server, sent) = send(gone, &notices::usual(1)).await;
    sent.unwrap();
    assert_eq!(server.mails()[0].to, ["soc@contoso.example"]);
    let busy = Faults { recipient: Some(("blue", 450)), ..Faults::default() };
    let mut notice = notices::usual(1);
    notice.attempts = 9;
    let (server, sent) = send(busy, &notice).await;
    sent.unwrap();
    assert_eq!(server.mails()[0].to, ["soc@contoso.example"], "not held up for ever by a full mailbox");
}

#[tokio::test]
async fn a_mail_that_is_too_large_goes_without_its_table() {
    let faults = Faults { largest: Some(250_000), ..Faults::default() };
    let (server, sent) = send(faults, &notices::usual(200)).await;
    sent.unwrap();
    let mail = Part::parse(&server.mails()[0].data);
    assert_eq!(mail.leaves().len(), 2);
    assert!(mail.leaves()[0].text().contains("All 200 hits are in: huntd hits --run"));
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() {
    let faults = Faults { hang_after_text: true, ..Faults::default() };
    let (server, folder) = (MailServer::start(&faults), tempfile::tempdir().unwrap());
    let channel = email(&settings(&server, folder.path())).with_limit(Duration::from_secs(2));
    for _ in 0..2 {
        let error = channel.send(&notices::usual(1)).await.unwrap_err();
        let SendError::Later(text) = error else { panic!("{error}") };
        assert!(text.contains("did not finish within 2s"), "{text}");
    }
    assert_eq!(server.connections(), 2, "a connection with an answer under way is not used again");
}

#[tokio::test]
async fn a_server_that_is_down_or_drops_is_tried_later() {
    let (server, folder) = (MailServer::start(&Faults::default()), tempfile::tempdir().unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = settings(&server, folder.path());
    let port = listener.local_addr().unwrap().port();
    settings.transport = MailTransport::Smtp { host: "localhost".to_owned(), port, tls: MailTls::Required };
    let dropping = tokio::spawn(async move {
        drop(listener.accept().await.unwrap());
        listener
    });
    let dropped = email(&settings).send(&notices::usual(1)).await.unwrap_err();
    assert!(matches!(&dropped, SendError::Later(text) if text.contains("can't be reached")), "{dropped}");
    drop(dropping.await.unwrap());
    let down = email(&settings).send(&notices::usual(1)).await.unwrap_err();
    assert!(matches!(&down, SendError::Later(text) if text.contains(&port.to_string())), "{down}");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let (server, folder) = (MailServer::start(&Faults::default()), tempfile::tempdir().unwrap());
    let other = MailServer::start(&Faults::default());
    let settings = EmailChannel { ca: Some(other.ca.clone()), ..settings(&server, folder.path()) };
    let error = email(&settings).send(&notices::usual(1)).await.unwrap_err();
    assert!(matches!(&error, SendError::Later(text) if text.contains("trusted by the system or by `ca`")), "{error}");
    assert_eq!(server.mails().len(), 0);
}

#[tokio::test]
async fn a_changed_password_counts_at_once() {
    let (server, folder) = (MailServer::start(&Faults::default()), tempfile::tempdir().unwrap());
    let channel = email(&settings(&server, folder.path()));
    let secret = folder.path().join("password");
    std::fs::write(&secret, "old").unwrap();
    assert!(matches!(channel.send(&notices::usual(1)).await, Err(SendError::Later(_))));
    std::fs::remove_file(&secret).unwrap();
    let missing = channel.send(&notices::usual(1)).await.unwrap_err();
    assert!(missing.to_string().contains("password can't be read"), "{missing}");
    std::fs::write(&secret, PASSWORD).unwrap();
    channel.send(&notices::usual(1)).await.unwrap();
}

#[tokio::test]
async fn settings_that_give_the_password_away_are_refused() {
    let (server, folder) = (MailServer::start(&Faults::default()), tempfile::tempdir().unwrap());
    let good = settings(&server, folder.path());
    let at = |host: &str| MailTransport::Smtp { host: host.to_owned(), port: 25, tls: MailTls::None };
    let error =
        |settings: EmailChannel| Email::new(notices::channel("soc"), &settings).map(drop).unwrap_err().to_string();
    let clear = error(EmailChannel { transport: at("mail.example"), ..good.clone() });
    assert!(clear.contains("in the clear"), "{clear}");
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        assert!(Email::new(notices::channel("soc"), &EmailChannel { transport: at(host), ..good.clone() }).is_ok());
    }
    let lone = error(EmailChannel { user: None, ..good.clone() });
    assert!(lone.contains("need each other"), "{lone}");
    let nobody = error(EmailChannel { to: vec!["no address".to_owned()], ..good });
    assert!(nobody.contains("`no address` is no address"), "{nobody}");
}

#[tokio::test]
async fn a_folder_takes_mails_as_files() {
    let folder = tempfile::tempdir().unwrap();
    let server = MailServer::start(&Faults::default());
    let place = folder.path().join("mails");
    let transport = MailTransport::Folder(place.clone());
    let channel = email(&EmailChannel { transport, ..settings(&server, folder.path()) });
    let notice = notices::usual(2);
    for _ in 0..2 {
        channel.send(&notice).await.unwrap();
    }
    let mut names: Vec<_> =
        std::fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, [format!("{}.eml", notice.delivery), format!("{}.html", notice.delivery)]);
    let mail = Part::parse(&std::fs::read_to_string(place.join(&names[0])).unwrap());
    assert_eq!(mail.leaves().len(), 3);
}
