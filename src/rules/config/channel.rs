//! `channels`.

use std::collections::BTreeMap;

use super::section::{Context, Section, only};
use super::{address, secret};
use crate::model::config::{ChannelKind, EmailChannel, FileChannel, MailTls, MailTransport};
use crate::model::id::ChannelName;
use crate::rules::yaml::{self, Node, Problem};

/// Reads the map of channels. A broken one is left out: its findings refuse the config.
pub(super) fn channels(context: &mut Context, node: &Node) -> BTreeMap<ChannelName, ChannelKind> {
    let mut channels = BTreeMap::new();
    for entry in context.keep(yaml::map(node, "channels")).unwrap_or_default() {
        let name = ChannelName::new(&entry.key).map_err(|error| Problem::new(entry.key_place, error.to_string()));
        let Some(name) = context.keep(name) else { continue };
        if let Some(kind) = channel(context, &entry.value, &format!("channels.{name}")) {
            channels.insert(name, kind);
        }
    }
    channels
}

/// The names of all channels, broken ones included: a route to a broken channel isn't wrong too.
pub(super) fn channel_names(node: Option<&Node>) -> Vec<String> {
    let entries = node.and_then(Node::entries).unwrap_or_default();
    entries.iter().map(|entry| entry.key.clone()).collect()
}

fn channel(context: &mut Context, node: &Node, what: &str) -> Option<ChannelKind> {
    let entry = only(context, node, what, &["email", "file", "log", "webhook"])?;
    let what = format!("{what}.{}", entry.key);
    match entry.key.as_str() {
        "email" => email(context, &entry.value, &what).map(|email| ChannelKind::Email(Box::new(email))),
        "file" => {
            let section = Section::open(context, &entry.value, &what, &["path"])?;
            let path = section.need_text(context, "path")?;
            Some(ChannelKind::File(FileChannel { path: context.path(&path) }))
        }
        "log" if entry.value.is_null() => Some(ChannelKind::Log),
        "log" => Section::open(context, &entry.value, &what, &[]).map(|_| ChannelKind::Log),
        _ => {
            let problem = Problem::new(entry.key_place, format!("`{what}` isn't served by this version yet"));
            context.notes.error("C006", problem.hint("use `email`, `file` or `log`"));
            None
        }
    }
}

fn email(context: &mut Context, node: &Node, what: &str) -> Option<EmailChannel> {
    let keys = ["server", "user", "password", "from", "to", "reply_to", "ca"];
    let section = Section::open(context, node, what, &keys)?;
    let server = section.need(context, "server");
    let transport = server.and_then(|node| address::mail_server(context, node, &section.name("server")));
    let from = section.need(context, "from");
    let from = from.and_then(|node| address::mailbox(context, node, &section.name("from")));
    let to = section.need(context, "to").and_then(|node| recipients(context, node, &section.name("to")));
    let user = section.read(context, "user", Context::text);
    let password = section.read(context, "password", secret::source);
    for (key, other) in [("user", "password"), ("password", "user")] {
        if let (Some(entry), None) = (section.entry(key), section.entry(other)) {
            let message = format!("`{}` is there, and `{other}` is missing", section.name(key));
            context.notes.error("C003", Problem::new(entry.key_place, message));
        }
    }
    let reply_to = section.read(context, "reply_to", address::mailbox);
    let ca = section.read(context, "ca", |context, node, what| {
        let section = Section::open(context, node, what, &["file"])?;
        let path = section.need_text(context, "file")?;
        Some(context.path(&path))
    });
    if let (Some(MailTransport::Smtp { host, tls: MailTls::None, .. }), Some(entry)) =
        (&transport, section.entry("password"))
        && !address::is_loopback(host)
    {
        let message = format!("`{}` would cross the network in the clear to {host}", section.name("password"));
        let hint = "write tls=required or smtps:// in `server`; only to this machine does a password go without";
        context.notes.error("C016", Problem::new(entry.key_place, message).hint(hint));
    }
    Some(EmailChannel { transport: transport?, user, password, ca, from: from?, to: to?, reply_to })
}

fn recipients(context: &mut Context, node: &Node, what: &str) -> Option<Vec<String>> {
    let words = context.words(node, what)?;
    if words.is_empty() {
        context.notes.error("C004", Problem::new(node.place, format!("`{what}` names nobody")));
        return None;
    }
    // Each is read, so that every wrong one is found.
    let boxes: Vec<_> = words.iter().map(|(node, _)| address::mailbox(context, node, what)).collect();
    boxes.into_iter().collect()
}
