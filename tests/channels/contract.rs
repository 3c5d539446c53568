//! What every channel promises. A new channel adds a line to [`every`].

use std::sync::Arc;

use huntd::adapters::channel::build;
use huntd::model::config::{ChannelKind, EmailChannel, FileChannel, MailTransport};
use huntd::ports::channel::{Channel, SendError};

use crate::email::settings;
use crate::notices;
use crate::smtp::{Faults, MailServer, PASSWORD, USER};

/// A channel that works, what it has told so far, and the same channel with its other side broken.
struct Case {
    what: &'static str,
    works: Arc<dyn Channel>,
    told: Box<dyn Fn() -> Vec<u8>>,
    broken: Option<Arc<dyn Channel>>,
}

fn made(kind: &ChannelKind) -> Arc<dyn Channel> {
    build(notices::channel("soc"), kind).unwrap()
}

fn every(folder: &std::path::Path) -> Vec<Case> {
    let server = Arc::new(MailServer::start(&Faults::default()));
    let deaf = Arc::new(MailServer::start(&Faults { refuse_sign_in: true, ..Faults::default() }));
    let mail = settings(&server, folder);
    let mails = folder.join("mails");
    let to_folder = |path: &std::path::Path| {
        let transport = MailTransport::Folder(path.to_owned());
        made(&ChannelKind::Email(Box::new(EmailChannel { transport, ..mail.clone() })))
    };
    let file = folder.join("hits.jsonl");
    let to_file = |path: &std::path::Path| made(&ChannelKind::File(FileChannel { path: path.to_owned() }));
    std::fs::write(folder.join("plain"), "").unwrap();
    vec![
        Case {
            what: "email over SMTP",
            works: made(&ChannelKind::Email(Box::new(mail.clone()))),
            told: Box::new({
                let server = Arc::clone(&server);
                move || server.mails().iter().flat_map(|mail| mail.data.clone().into_bytes()).collect()
            }),
            broken: Some(made(&ChannelKind::Email(Box::new(settings(&deaf, folder))))),
        },
        Case {
            what: "email to a folder",
            works: to_folder(&mails),
            told: Box::new(move || {
                let files = std::fs::read_dir(&mails).unwrap();
                files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
            }),
            broken: Some(to_folder(&folder.join("plain/below a file"))),
        },
        Case {
            what: "file",
            works: to_file(&file),
            told: Box::new(move || std::fs::read(&file).unwrap()),
            broken: Some(to_file(&folder.join("plain/below a file"))),
        },
        // Its other side is this process's log, which can't refuse.
        Case { what: "log", works: made(&ChannelKind::Log), told: Box::new(Vec::new), broken: None },
    ]
}

/// Whether `told` has `word`, also when its lines are folded as quoted-printable.
fn tells(told: &[u8], word: &str) -> bool {
    String::from_utf8_lossy(told).replace("=\r\n", "").contains(word)
}

#[tokio::test]
async fn every_channel_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    for case in every(folder.path()) {
        let what = case.what;
        assert_eq!(case.works.name(), &notices::channel("soc"), "{what}");

        let mut notice = notices::usual(3);
        case.works.send(&notice).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        let told = (case.told)();
        let silent = told.is_empty();
        assert!(silent || tells(&told, notice.delivery.as_str()), "{what}: a repeat must be recognisable");
        assert!(silent || tells(&told, &notice.hits.first()[2].hit.to_string()), "{what}");

        notice.attempts = 1;
        case.works.send(&notice).await.unwrap_or_else(|error| panic!("{what}, again: {error}"));

        let hostile = notices::hostile();
        case.works.send(&hostile).await.unwrap_or_else(|error| panic!("{what}, hostile: {error}"));
        for acting in ["\u{1b}", "\u{202e}", "\0", "\r\nBcc:"] {
            assert!(!tells(&(case.told)(), acting), "{what}: {acting:?} went out raw");
        }

        let Some(broken) = case.broken else { continue };
        let error = broken.send(&notice).await.expect_err(what);
        assert!(matches!(error, SendError::Later(_)), "{what}: a person can mend it: {error}");
        let said = format!("{error} {error:?}");
        for secret in [PASSWORD, USER] {
            assert!(!said.contains(secret), "{what}: {said}");
        }
        assert!(!said.chars().any(char::is_control), "{what}: {said}");
    }
}

#[tokio::test]
async fn no_channel_prints_a_secret_when_debugged() {
    let (server, folder) = (MailServer::start(&Faults::default()), tempfile::tempdir().unwrap());
    let email = huntd::adapters::channel::email::Email::new(notices::channel("soc"), &settings(&server, folder.path()));
    let shown = format!("{email:?}");
    assert!(!shown.contains(PASSWORD) && !shown.contains(USER), "{shown}");
}
