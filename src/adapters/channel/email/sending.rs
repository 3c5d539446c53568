//! The mail channel: which way a mail goes, and the connection that is kept.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lettre::Message;
use lettre::message::Mailbox;

use crate::model::config::{EmailChannel, MailTls, MailTransport};
use crate::model::delivery::Notice;
use crate::model::id::{ChannelName, DeliveryId};
use crate::model::time::format_duration;
use crate::model::trouble::Warning;
use crate::ports::channel::{Channel, SendError};
use crate::rules::render::mail::{Attachment, html};
use crate::rules::render::visible::visible;
use crate::rules::render::warning;

use super::super::ChannelBuildError;
use super::folder;
use super::message::{Parties, Table, compose, compose_warning};
use super::session::{Server, Session, Trouble};

/// How long one send may take: a large CSV over a slow line, and a server that scans it before it
/// answers. lettre's own time-out covers the connecting only.
pub const LIMIT: Duration = Duration::from_mins(2);

/// Attempts in which one recipient that is refused for the moment holds back the mail for all, so
/// that nobody gets it twice; after those, who can have it gets it.
const PATIENT: u32 = 4;

/// Mail.
pub struct Email {
    name: ChannelName,
    parties: Parties,
    way: Way,
    limit: Duration,
}

/// How a mail goes out.
enum Way {
    Smtp { server: Box<Server>, idle: Mutex<Option<Box<Session>>> },
    Folder(PathBuf),
}

impl Email {
    /// Makes the channel; connects to nothing.
    pub fn new(name: ChannelName, settings: &EmailChannel) -> Result<Self, ChannelBuildError> {
        let error = |why: String| ChannelBuildError { channel: name.clone(), why };
        let mailbox = |text: &String| {
            text.parse::<Mailbox>()
                .map_err(|why| error(format!("`{text}` is no address; write `name@host` or `Name <name@host>`: {why}")))
        };
        let parties = Parties {
            from: mailbox(&settings.from)?,
            to: settings.to.iter().map(mailbox).collect::<Result<_, _>>()?,
            reply_to: settings.reply_to.as_ref().map(mailbox).transpose()?,
        };
        if parties.to.is_empty() {
            return Err(error("`to` names nobody".to_owned()));
        }
        let way = match &settings.transport {
            MailTransport::Folder(folder) => Way::Folder(folder.clone()),
            MailTransport::Smtp { host, port, tls } => {
                if settings.user.is_some() != settings.password.is_some() {
                    return Err(error("`user` and `password` need each other".to_owned()));
                }
                if settings.user.is_some() && *tls == MailTls::None && !is_loopback(host) {
                    return Err(error(format!(
                        "with tls=none the password would cross the network in the clear to {host}; use tls=required"
                    )));
                }
                let server = Server {
                    host: host.clone(),
                    port: *port,
                    tls: *tls,
                    ca: settings.ca.clone(),
                    user: settings.user.clone(),
                    password: settings.password.clone(),
                };
                Way::Smtp { server: Box::new(server), idle: Mutex::new(None) }
            }
        };
        Ok(Self { name, parties, way, limit: LIMIT })
    }

    /// The same with another limit than [`LIMIT`].
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Connects, protects the connection and signs in, within `limit`, and sends nothing. Says whether the server's
    /// certificates will still be good after `ahead`, where the connection is protected. None where mails go to a folder.
    pub async fn knock(&self, limit: Duration, ahead: Duration) -> Option<Result<Option<bool>, String>> {
        let Way::Smtp { server, .. } = &self.way else { return None };
        let met = tokio::time::timeout(limit, async {
            let mut session = server.connect().await?;
            let lasts = server.lasts(&session, ahead).await;
            session.quit().await;
            lasts
        });
        let late = || format!("mail server {server} didn't greet and sign in within {}", format_duration(limit));
        Some(match met.await {
            Ok(Ok(lasts)) => Ok(lasts),
            Ok(Err(Trouble::Later(text) | Trouble::Never(text) | Trouble::TooLarge(text))) => Err(text),
            Err(_) => Err(late()),
        })
    }

    async fn compose(&self, notice: &Notice, attachment: Attachment) -> Result<Message, SendError> {
        let table = if notice.hits.is_empty() || attachment == Attachment::TooLarge {
            None
        } else {
            let hits = notice.hits.clone();
            let table = tokio::task::spawn_blocking(move || Table::of(&hits)).await;
            let table = table.map_err(io::Error::other).and_then(|table| table);
            Some(table.map_err(|error| SendError::Later(visible(&error.to_string()).into_owned()))?)
        };
        compose(&self.parties, notice, attachment, table)
            .map_err(|error| SendError::Never(format!("the mail can't be put together: {error}")))
    }

    async fn over_smtp(
        &self,
        server: &Server,
        idle: &Mutex<Option<Box<Session>>>,
        notice: &Notice,
    ) -> Result<(), SendError> {
        let mut session = self.session(server, idle).await?;
        let patient = notice.attempts < PATIENT;
        let whole = self.compose(notice, Attachment::Csv).await?;
        let sent = match session.deliver(&whole, patient).await {
            Err(Trouble::TooLarge(_)) if !notice.hits.is_empty() => {
                session.quit().await;
                session = Box::new(server.connect().await?);
                session.deliver(&self.compose(notice, Attachment::TooLarge).await?, patient).await
            }
            sent => sent,
        };
        match sent {
            Ok(refused) => {
                if !refused.is_empty() {
                    let refused = refused.join("; ");
                    tracing::warn!(channel = %self.name, delivery = %notice.delivery, %refused, "mail sent, but not to all");
                }
                idle.lock().unwrap_or_else(PoisonError::into_inner).replace(session);
                Ok(())
            }
            Err(trouble) => {
                session.quit().await;
                Err(trouble.into())
            }
        }
    }

    /// The mail of a warning: to its owner, where it is for one, else to the channel's recipients.
    fn compose_warning(&self, delivery: &DeliveryId, warning: &Warning) -> Result<Message, SendError> {
        let mut parties = self.parties.clone();
        if let Some(owner) = &warning.owner {
            let owner = owner
                .parse()
                .map_err(|_| SendError::Never(format!("the owner `{}` is no mail address", visible(owner))))?;
            parties.to = vec![owner];
        }
        compose_warning(&parties, delivery, warning)
            .map_err(|error| SendError::Never(format!("the mail can't be put together: {error}")))
    }

    async fn warn_over_smtp(
        &self,
        server: &Server,
        idle: &Mutex<Option<Box<Session>>>,
        mail: &Message,
    ) -> Result<(), SendError> {
        let mut session = self.session(server, idle).await?;
        match session.deliver(mail, false).await {
            Ok(_) => {
                idle.lock().unwrap_or_else(PoisonError::into_inner).replace(session);
                Ok(())
            }
            Err(trouble) => {
                session.quit().await;
                Err(trouble.into())
            }
        }
    }

    async fn within_limit(
        &self,
        server: &Server,
        sending: impl Future<Output = Result<(), SendError>>,
    ) -> Result<(), SendError> {
        tokio::time::timeout(self.limit, sending).await.unwrap_or_else(|_| {
            let limit = format_duration(self.limit);
            Err(SendError::Later(format!(
                "mail server {server} did not finish within {limit}; the mail may have arrived, its repeat bears the same Message-ID"
            )))
        })
    }

    /// The kept connection if it still lives, else a new one.
    async fn session(&self, server: &Server, idle: &Mutex<Option<Box<Session>>>) -> Result<Box<Session>, SendError> {
        let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut session) = kept
            && session.lives().await
        {
            return Ok(session);
        }
        Ok(Box::new(server.connect().await?))
    }
}

/// Whether `host` is this very machine.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[async_trait::async_trait]
impl Channel for Email {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    async fn send(&self, notice: &Notice) -> Result<(), SendError> {
        match &self.way {
            Way::Folder(folder) => {
                let mail = self.compose(notice, Attachment::Csv).await?;
                folder::write(folder, &notice.delivery, html(notice, Attachment::Csv), &mail).await
            }
            Way::Smtp { server, idle } => self.within_limit(server, self.over_smtp(server, idle, notice)).await,
        }
    }

    async fn warn(&self, delivery: &DeliveryId, warning: &Warning) -> Result<(), SendError> {
        let mail = self.compose_warning(delivery, warning)?;
        match &self.way {
            Way::Folder(folder) => folder::write(folder, delivery, warning::html(warning), &mail).await,
            Way::Smtp { server, idle } => self.within_limit(server, self.warn_over_smtp(server, idle, &mail)).await,
        }
    }
}

/// Names no user, no address and no password.
impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Email").field("name", &self.name).finish_non_exhaustive()
    }
}
