//! Addresses: hosts, mail servers, mailboxes.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr as _;

use lettre::message::Mailbox;
use url::{Host, Url};

use super::section::Context;
use crate::model::config::{MailTls, MailTransport};
use crate::rules::yaml::{Node, Problem};

/// Whether a host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// An HTTP address: https, or plain http to this machine.
pub(super) fn http(context: &mut Context, node: &Node, what: &str) -> Option<Url> {
    let text = context.text(node, what)?;
    let url = context.notes.keep("C010", parse(&text, node, what))?;
    let host = url.host().map(|host| host.to_string()).unwrap_or_default();
    let wrong = match url.scheme() {
        "https" => None,
        "http" if is_loopback(&host) => None,
        "http" => Some("goes over plain http, which is allowed to this machine only"),
        _ => Some("must begin with https://"),
    };
    let wrong = wrong.or_else(|| {
        let bare = url.username().is_empty() && url.password().is_none();
        (!bare).then_some("must not hold a user or a password")
    });
    let Some(wrong) = wrong else { return Some(url) };
    context.notes.error("C010", Problem::new(node.place, format!("`{what}` {wrong}")).hint("write https://HOST"));
    None
}

/// The text isn't repeated: an address may hold a password by mistake.
fn parse(text: &str, node: &Node, what: &str) -> Result<Url, Problem> {
    Url::parse(text).map_err(|error| Problem::new(node.place, format!("`{what}` is no address: {error}")))
}

/// How a mail server is reached.
pub(super) fn mail_server(context: &mut Context, node: &Node, what: &str) -> Option<MailTransport> {
    let text = context.text(node, what)?;
    let hint = "write smtp://HOST:587?tls=required, smtps://HOST:465, or file:///FOLDER";
    context.notes.keep("C010", transport(&text, node, what).map_err(|problem| problem.hint(hint)))
}

fn transport(text: &str, node: &Node, what: &str) -> Result<MailTransport, Problem> {
    let url = parse(text, node, what)?;
    let wrong = |why: &str| Problem::new(node.place, format!("`{what}` {why}"));
    if url.scheme() == "file" {
        let folder: PathBuf = url.to_file_path().map_err(|()| wrong("names no folder of this machine"))?;
        return Ok(MailTransport::Folder(folder));
    }
    let (port, mut tls) = match url.scheme() {
        "smtp" => (587, MailTls::Required),
        "smtps" => (465, MailTls::Implicit),
        _ => return Err(wrong("must begin with smtp://, smtps:// or file://")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must not hold a user or a password: they have keys of their own, `user` and `password`"));
    }
    if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
        return Err(wrong("has a path, which a mail server has not"));
    }
    for (key, value) in url.query_pairs() {
        tls = match (url.scheme(), key.as_ref(), value.as_ref()) {
            ("smtp", "tls", "required") => MailTls::Required,
            ("smtp", "tls", "none") => MailTls::None,
            ("smtp", "tls", _) => return Err(wrong("takes tls=required or tls=none")),
            ("smtps", "tls", _) => return Err(wrong("begins with smtps://, which is TLS always, and takes no tls=")),
            _ => return Err(wrong("takes no other parameter than tls")),
        };
    }
    let host = match url.host() {
        Some(Host::Domain(host)) if !host.is_empty() => host.to_owned(),
        Some(Host::Ipv4(host)) => host.to_string(),
        Some(Host::Ipv6(host)) => host.to_string(),
        _ => return Err(wrong("names no host")),
    };
    Ok(MailTransport::Smtp { host, port: url.port().unwrap_or(port), tls })
}

/// A mail address, as `Name <address>` or an address.
pub(super) fn mailbox(context: &mut Context, node: &Node, what: &str) -> Option<String> {
    let text = context.text(node, what)?;
    if is_mailbox(&text) {
        return Some(text);
    }
    let message = format!("`{what}`: `{}` is no mail address", text.escape_debug());
    context.notes.error("C011", Problem::new(node.place, message).hint("write user@host, or \"Name <user@host>\""));
    None
}

/// The mail library reads as far as it understands, so what it read must be all there is.
fn is_mailbox(text: &str) -> bool {
    let whole = |read: &Mailbox| text.trim_end_matches('>').ends_with(&read.email.to_string());
    !text.contains(char::is_control) && Mailbox::from_str(text).is_ok_and(|read| whole(&read))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_are_whole() {
        for text in ["soc@example", "huntd <huntd@example.org>", "\"A, B\" <a.b@example.org>", "Ä <a@example.org>"] {
            assert!(is_mailbox(text), "{text}");
        }
        for text in ["soc", "a@b c@d", "a@b, c@d", "a@b\r\nBcc: c@d", "<a@b", "a@b <c@d> e@f", ""] {
            assert!(!is_mailbox(text), "{text}");
        }
    }

    #[test]
    fn loopback_is_this_machine() {
        for host in ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "::1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example", "10.0.0.1", "127.0.0.1.example", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
