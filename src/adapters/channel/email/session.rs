//! One conversation with a mail server.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::Message;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use lettre::transport::smtp::response::Severity;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::adapters::api::reach;
use crate::adapters::secret;
use crate::model::config::MailTls;
use crate::model::secret::{ExposeSecret, SecretSource, SecretString};
use crate::ports::channel::SendError;
use crate::rules::render::visible::short;

/// How long the connecting may take.
const CONNECT: Duration = Duration::from_secs(30);
/// How long a kept connection may take to show that it lives.
const LIVES: Duration = Duration::from_secs(5);
/// How long the good-bye may take, which changes nothing.
const GOODBYE: Duration = Duration::from_millis(500);
/// The most that is shown of a server's words, in characters.
const WORDS: usize = 300;
/// Replies that say that a mail is too large (RFC 5321 and RFC 1870: 552; some servers: 523).
const TOO_LARGE: [u16; 2] = [552, 523];

/// How the server is reached.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: MailTls,
    pub(super) ca: Option<PathBuf>,
    pub(super) user: Option<String>,
    pub(super) password: Option<SecretSource>,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Why a mail didn't go.
#[derive(Debug)]
pub(super) enum Trouble {
    Later(String),
    Never(String),
    /// The server takes no mail of that size.
    TooLarge(String),
}

impl From<Trouble> for SendError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Later(text) => Self::Later(text),
            Trouble::Never(text) | Trouble::TooLarge(text) => Self::Never(text),
        }
    }
}

/// Where in the conversation it went wrong, in the order of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Connect,
    StartTls,
    SignIn,
    Sender,
    Recipient,
    Text,
}

/// An open conversation, signed in.
pub(super) struct Session {
    connection: AsyncSmtpConnection,
    server: String,
    words: Unspoken,
}

/// What no error may hold, should the server say it back.
#[derive(Default)]
struct Unspoken {
    user: Option<String>,
    password: Option<SecretString>,
}

impl Unspoken {
    fn is_in(&self, text: &str) -> bool {
        let holds = |secret: &str| !secret.is_empty() && text.contains(secret);
        // A user of one or two letters is in every text, and no secret.
        let user = self.user.as_deref().filter(|user| user.len() > 2);
        user.is_some_and(holds) || self.password.as_ref().is_some_and(|password| holds(password.expose_secret()))
    }
}

impl Server {
    /// Connects, protects the connection and signs in.
    pub(super) async fn connect(&self) -> Result<Session, Trouble> {
        let words = self.unspoken()?;
        let tls = || self.tls_parameters();
        let implicit = if self.tls == MailTls::Implicit { Some(tls().await?) } else { None };
        let hello = ClientId::default();
        let trouble = |step| {
            let words = &words;
            move |error: SmtpError| self.trouble(step, &error, words)
        };
        let place = (self.host.trim_start_matches('[').trim_end_matches(']'), self.port);
        let mut connection = AsyncSmtpConnection::connect_tokio1(place, Some(CONNECT), &hello, implicit, None)
            .await
            .map_err(trouble(Step::Connect))?;
        if self.tls == MailTls::Required {
            connection.starttls(tls().await?, &hello).await.map_err(trouble(Step::StartTls))?;
        }
        if let (Some(user), Some(password)) = (&words.user, &words.password) {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            connection.auth(DEFAULT_MECHANISMS, &credentials).await.map_err(trouble(Step::SignIn))?;
        }
        Ok(Session { connection, server: self.to_string(), words })
    }

    fn unspoken(&self) -> Result<Unspoken, Trouble> {
        let read = |source| {
            secret::read(source).map_err(|error| Trouble::Later(format!("the mail password can't be read: {error}")))
        };
        Ok(Unspoken { user: self.user.clone(), password: self.password.as_ref().map(read).transpose()? })
    }

    /// The system's certificates, and those of `ca`, read anew for each connection.
    async fn tls_parameters(&self) -> Result<TlsParameters, Trouble> {
        let mut builder = TlsParameters::builder(self.host.clone());
        if let Some(pem) = self.roots().await? {
            let unfit = |error: SmtpError| self.unfit(&error.to_string());
            builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(unfit)?);
        }
        builder.build().map_err(|error| Trouble::Later(format!("TLS can't be set up: {error}")))
    }

    /// The bytes of `ca`.
    async fn roots(&self) -> Result<Option<Vec<u8>>, Trouble> {
        let Some(path) = &self.ca else { return Ok(None) };
        tokio::fs::read(path).await.map(Some).map_err(|error| self.unfit(&error.to_string()))
    }

    fn unfit(&self, why: &str) -> Trouble {
        let path = self.ca.as_deref().unwrap_or(Path::new("")).display();
        Trouble::Later(format!("`ca` must be a file of PEM certificates, and {path} isn't: {why}"))
    }

    /// Whether the certificates of a conversation will still be good after `ahead`; none where it isn't protected.
    pub(super) async fn lasts(&self, session: &Session, ahead: Duration) -> Result<Option<bool>, Trouble> {
        let Some(chain) = session.certificates() else { return Ok(None) };
        let pem = self.roots().await?.unwrap_or_default();
        let roots = CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>();
        let roots = roots.map_err(|error| self.unfit(&error.to_string()))?;
        reach::lasts(&self.host, &chain, roots, ahead).map(Some).map_err(Trouble::Later)
    }

    fn trouble(&self, step: Step, error: &SmtpError, words: &Unspoken) -> Trouble {
        trouble(&self.to_string(), step, error, words)
    }
}

impl Session {
    /// The certificates that the server showed; none where the connection isn't protected.
    pub(super) fn certificates(&self) -> Option<Vec<CertificateDer<'static>>> {
        let chain = self.connection.certificate_chain().ok()?;
        Some(chain.into_iter().map(CertificateDer::from).collect())
    }

    /// Whether the other side still answers.
    pub(super) async fn lives(&mut self) -> bool {
        tokio::time::timeout(LIVES, self.connection.test_connected()).await.unwrap_or(false)
    }

    /// Ends the conversation; how that goes is of no matter.
    pub(super) async fn quit(&mut self) {
        drop(tokio::time::timeout(GOODBYE, self.connection.abort()).await);
    }

    /// Sends one mail. Who was refused for good, though others got it, is returned. Somebody who is
    /// refused for the moment holds back the mail for all while `patient`.
    pub(super) async fn deliver(&mut self, message: &Message, patient: bool) -> Result<Vec<String>, Trouble> {
        let envelope = message.envelope();
        let mut options = Vec::new();
        let mut addresses = envelope.to().iter().chain(envelope.from());
        if addresses.any(|address| !AsRef::<str>::as_ref(address).is_ascii()) {
            if !self.connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                let server = &self.server;
                return Err(Trouble::Never(format!("mail server {server} takes no address beyond ASCII (SMTPUTF8)")));
            }
            options.push(MailParameter::SmtpUtfEight);
        }
        let sender = Mail::new(envelope.from().cloned(), options);
        self.connection.command(sender).await.map_err(|error| self.trouble(Step::Sender, &error))?;
        let refused = self.recipients(message, patient).await?;
        self.connection.command(Data).await.map_err(|error| self.trouble(Step::Text, &error))?;
        let answer = self.connection.message(&message.formatted()).await;
        let answer = answer.map_err(|error| self.trouble(Step::Text, &error))?;
        if answer.code().severity != Severity::PositiveCompletion {
            let server = &self.server;
            return Err(Trouble::Later(format!(
                "mail server {server} gave no final answer to the mail: {}",
                answer.code()
            )));
        }
        Ok(refused)
    }

    async fn recipients(&mut self, message: &Message, patient: bool) -> Result<Vec<String>, Trouble> {
        let (mut later, mut never) = (Vec::new(), Vec::new());
        let all = message.envelope().to();
        for to in all {
            match self.connection.command(Rcpt::new(to.clone(), Vec::new())).await {
                Ok(_) => {}
                Err(error) if error.status().is_none() => return Err(self.trouble(Step::Recipient, &error)),
                Err(error) => match self.trouble(Step::Recipient, &error) {
                    Trouble::Later(text) => later.push(text),
                    Trouble::Never(text) | Trouble::TooLarge(text) => never.push(text),
                },
            }
        }
        let somebody = later.len() + never.len() < all.len();
        if somebody && (later.is_empty() || !patient) {
            never.append(&mut later);
            return Ok(never);
        }
        let reset = self.connection.command(Rset).await;
        reset.map_err(|error| self.trouble(Step::Recipient, &error))?;
        Err(if later.is_empty() { Trouble::Never(never.join("; ")) } else { Trouble::Later(later.join("; ")) })
    }

    fn trouble(&self, step: Step, error: &SmtpError) -> Trouble {
        trouble(&self.server, step, error, &self.words)
    }
}

/// What an error means: what failed, on which server, why, and how to mend it.
fn trouble(server: &str, step: Step, error: &SmtpError, words: &Unspoken) -> Trouble {
    let code = error.status().map(u16::from);
    let what = match step {
        Step::Connect => "can't be reached",
        Step::StartTls => "gives no TLS",
        Step::SignIn => "refuses the sign-in",
        Step::Sender => "refuses the sender",
        Step::Recipient => "refuses a recipient",
        Step::Text => "refuses the mail",
    };
    let what = if code.is_none() && step > Step::SignIn { "broke off" } else { what };
    let said = said(step, error, code, words);
    let hint = hint(step, error, code).map(|hint| format!("; {hint}")).unwrap_or_default();
    let text = format!("mail server {server} {what}{hint}: {said}");
    match code {
        Some(code) if TOO_LARGE.contains(&code) && step != Step::Recipient && step > Step::SignIn => {
            Trouble::TooLarge(text)
        }
        // What comes before a mail, and a missing sign-in, says nothing about the mail: it goes once
        // a person has mended the config or the server.
        Some(530) => Trouble::Later(text),
        _ if error.is_permanent() && step > Step::SignIn => Trouble::Never(text),
        _ => Trouble::Later(text),
    }
}

/// The server's words, as far as they may be repeated. Words about a sign-in never are: they may
/// hold the password in any encoding.
fn said(step: Step, error: &SmtpError, code: Option<u16>, words: &Unspoken) -> String {
    let source = cause(error).map_or_else(|| error.to_string(), ToString::to_string);
    match code {
        Some(code) if step == Step::SignIn || words.is_in(&source) => format!("{code}"),
        Some(code) => format!("{code} {}", short(source.trim(), WORDS)),
        None if words.is_in(&source) => "no reason that may be repeated".to_owned(),
        None => short(source.trim(), WORDS),
    }
}

/// What lies below lettre's own errors, of which it wraps one in another.
fn cause(error: &SmtpError) -> Option<&(dyn std::error::Error + 'static)> {
    let mut cause = error.source();
    while let Some(inner) = cause.and_then(|cause| cause.downcast_ref::<SmtpError>()) {
        cause = inner.source();
    }
    cause
}

fn hint(step: Step, error: &SmtpError, code: Option<u16>) -> Option<&'static str> {
    let kind = cause(error).and_then(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    match (step, code) {
        (Step::Connect | Step::StartTls, _) if kind == Some(io::ErrorKind::InvalidData) => {
            Some("its certificate must name this host, and be trusted by the system or by `ca`")
        }
        (Step::StartTls, _) if error.is_client() => {
            Some("use smtps:// if it speaks TLS from the start, tls=none only on a network that you trust")
        }
        (Step::SignIn, Some(_)) => Some("check `user` and the secret of `password`"),
        (Step::SignIn, None) if error.is_client() => Some("it offers neither PLAIN nor LOGIN"),
        (_, Some(530)) => Some("it wants `user` and `password`"),
        _ => None,
    }
}
