//! A notice as a mail's bytes.
//!
//! The same notice gives the same bytes, so that a repeat after a crash is one in every respect. All
//! of it is ASCII with short lines, so that any server takes it as it is.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use lettre::Message;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment as Attached, Body, Mailbox, MessageBuilder, MultiPart, SinglePart};

use crate::model::delivery::{Notice, message_id};
use crate::model::id::DeliveryId;
use crate::model::time::Timestamp;
use crate::model::told::Told;
use crate::model::trouble::Warning;
use crate::rules::render::csv;
use crate::rules::render::mail::{Attachment, html, subject, text};
use crate::rules::render::visible::visible;
use crate::rules::render::warning;

/// A larger CSV is compressed.
const PLAIN: usize = 4 * 1024 * 1024;
/// How many hit ids the `X-Huntd-Hits` header holds.
const HITS: usize = 50;

/// Who writes to whom.
#[derive(Debug, Clone)]
pub(super) struct Parties {
    pub(super) from: Mailbox,
    pub(super) to: Vec<Mailbox>,
    pub(super) reply_to: Option<Mailbox>,
}

/// All hits as a file.
pub(super) struct Table {
    bytes: Vec<u8>,
    is_compressed: bool,
}

/// Why a mail can't be put together.
#[derive(Debug, thiserror::Error)]
pub(super) enum ComposeError {
    #[error(transparent)]
    Mail(#[from] lettre::error::Error),
    #[error(transparent)]
    Type(#[from] lettre::message::header::ContentTypeErr),
    #[error("a part can't be encoded")]
    Encoding,
}

/// Puts the mail together, with its hits as a file where `table` is one.
pub(super) fn compose(
    parties: &Parties,
    notice: &Notice,
    attachment: Attachment,
    table: Option<Table>,
) -> Result<Message, ComposeError> {
    let builder = envelope(parties, &notice.delivery, notice.run.finished, subject(notice), headers(notice));
    let both = both(&notice.delivery, text(notice, attachment), html(notice, attachment))?;
    let parts = match table {
        None => both,
        Some(table) => {
            let whole = MultiPart::mixed().boundary(boundary("m", &notice.delivery));
            whole.multipart(both).singlepart(csv_part(notice, table)?)
        }
    };
    Ok(builder.multipart(parts)?)
}

/// Puts the mail of a warning together.
pub(super) fn compose_warning(
    parties: &Parties,
    delivery: &DeliveryId,
    warning: &Warning,
) -> Result<Message, ComposeError> {
    let mut headers = vec![("X-Huntd-Trouble", warning.trouble.kind.to_string())];
    headers.extend(AUTOMATIC.map(|(name, value)| (name, value.to_owned())));
    let subject = warning::subject(warning);
    let builder = envelope(parties, delivery, warning.at, subject, headers);
    Ok(builder.multipart(both(delivery, warning::text(warning), warning::html(warning))?)?)
}

fn envelope(
    parties: &Parties,
    delivery: &DeliveryId,
    at: Timestamp,
    subject: String,
    headers: Vec<(&'static str, String)>,
) -> MessageBuilder {
    // httpdate, below lettre, panics on dates before 1970.
    let date = at.max(Timestamp::EPOCH).chrono().into();
    let mut builder = Message::builder()
        .message_id(Some(format!("<{}>", message_id(delivery))))
        .date(date)
        .from(parties.from.clone())
        .subject(subject);
    for to in &parties.to {
        builder = builder.to(to.clone());
    }
    if let Some(reply_to) = &parties.reply_to {
        builder = builder.reply_to(reply_to.clone());
    }
    for (name, value) in headers {
        builder = builder.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
    }
    builder
}

/// `=_` can't stand in quoted-printable or base64 text (RFC 2045, 6.7), so no row can end a part.
fn boundary(part: &str, delivery: &DeliveryId) -> String {
    format!("=_huntd_{part}_{delivery}")
}

fn both(delivery: &DeliveryId, text: String, html: String) -> Result<MultiPart, ComposeError> {
    let both = MultiPart::alternative().boundary(boundary("a", delivery));
    Ok(both.singlepart(part(text, ContentType::TEXT_PLAIN)?).singlepart(part(html, ContentType::TEXT_HTML)?))
}

/// Keeps machines from answering (RFC 3834).
const AUTOMATIC: [(&str, &str); 2] = [("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All")];

fn headers(notice: &Notice) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("X-Huntd-Hunt", visible(&notice.hunt.id).replace("=?", "= ?")),
        ("X-Huntd-Tenant", notice.run.tenant.to_string()),
        ("X-Huntd-Run", notice.run.run.to_string()),
    ];
    headers.extend(AUTOMATIC.map(|(name, value)| (name, value.to_owned())));
    if !notice.hits.is_empty() {
        let hits: Vec<_> = notice.hits.first().iter().take(HITS).map(|hit| hit.hit.to_string()).collect();
        headers.insert(3, ("X-Huntd-Hits", hits.join(" ")));
    }
    headers
}

fn part(text: String, kind: ContentType) -> Result<SinglePart, ComposeError> {
    let body =
        Body::new_with_encoding(text, ContentTransferEncoding::QuotedPrintable).map_err(|_| ComposeError::Encoding)?;
    Ok(SinglePart::builder().header(kind).body(body))
}

/// The table as `hits-RUN.csv` or, compressed, `hits-RUN.csv.gz`.
fn csv_part(notice: &Notice, table: Table) -> Result<SinglePart, ComposeError> {
    let name = format!("hits-{}.csv", notice.run.run);
    let (name, kind) = if table.is_compressed {
        (format!("{name}.gz"), ContentType::parse("application/gzip")?)
    } else {
        (name, ContentType::parse("text/csv; charset=utf-8")?)
    };
    let body =
        Body::new_with_encoding(table.bytes, ContentTransferEncoding::Base64).map_err(|_| ComposeError::Encoding)?;
    Ok(Attached::new(name).body(body, kind))
}

impl Table {
    /// All `hits`, read twice: once for the columns, once for the records. Of the text, no more than [`PLAIN`] is in
    /// memory. Takes seconds for a hundred thousand hits, and may wait for a disk.
    pub(super) fn of(hits: &Told) -> io::Result<Self> {
        let mut columns = csv::Columns::default();
        for hit in hits {
            columns.meet(&hit?);
        }
        let table = csv::Table::new(columns);
        let mut text = Text::Plain(Vec::new());
        text.add(table.heading().as_bytes())?;
        for hit in hits {
            text.add(table.record(&hit?).as_bytes())?;
        }
        Ok(match text {
            Text::Plain(bytes) => Self { bytes, is_compressed: false },
            Text::Compressed(gzip) => Self { bytes: gzip.finish()?, is_compressed: true },
        })
    }
}

/// Text that is compressed once it has become too long.
enum Text {
    Plain(Vec<u8>),
    Compressed(Box<GzEncoder<Vec<u8>>>),
}

impl Text {
    fn add(&mut self, more: &[u8]) -> io::Result<()> {
        if let Self::Plain(bytes) = self {
            if bytes.len() + more.len() <= PLAIN {
                bytes.extend_from_slice(more);
                return Ok(());
            }
            let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
            gzip.write_all(bytes)?;
            *self = Self::Compressed(Box::new(gzip));
        }
        if let Self::Compressed(gzip) = self {
            gzip.write_all(more)?;
        }
        Ok(())
    }
}
