//! A notice as a mail's bytes.
//!
//! The same notice gives the same bytes, so that a repeat after a crash is one in every respect. All
//! of it is ASCII with short lines, so that any server takes it as it is.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use lettre::Message;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment as Attached, Body, Mailbox, MultiPart, SinglePart};

use crate::model::delivery::Notice;
use crate::model::time::Timestamp;
use crate::rules::render::csv;
use crate::rules::render::mail::{Attachment, html, subject, text};
use crate::rules::render::visible::visible;

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

/// Why a mail can't be put together.
#[derive(Debug, thiserror::Error)]
pub(super) enum ComposeError {
    #[error(transparent)]
    Mail(#[from] lettre::error::Error),
    #[error(transparent)]
    Type(#[from] lettre::message::header::ContentTypeErr),
    #[error("the CSV can't be compressed: {0}")]
    Gzip(#[from] io::Error),
    #[error("a part can't be encoded")]
    Encoding,
}

/// Puts the mail together.
pub(super) fn compose(parties: &Parties, notice: &Notice, attachment: Attachment) -> Result<Message, ComposeError> {
    // httpdate, below lettre, panics on dates before 1970.
    let date = notice.run.finished.max(Timestamp::EPOCH).chrono().into();
    let mut builder = Message::builder()
        .message_id(Some(format!("<{}>", notice.message_id())))
        .date(date)
        .from(parties.from.clone())
        .subject(subject(notice));
    for to in &parties.to {
        builder = builder.to(to.clone());
    }
    if let Some(reply_to) = &parties.reply_to {
        builder = builder.reply_to(reply_to.clone());
    }
    for (name, value) in headers(notice) {
        builder = builder.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
    }
    // `=_` can't stand in quoted-printable or base64 text (RFC 2045, 6.7), so no row can end a part.
    let boundary = |part: &str| format!("=_huntd_{part}_{}", notice.delivery);
    let both = MultiPart::alternative()
        .boundary(boundary("a"))
        .singlepart(part(text(notice, attachment), ContentType::TEXT_PLAIN)?)
        .singlepart(part(html(notice, attachment), ContentType::TEXT_HTML)?);
    let parts = if notice.hits.is_empty() || attachment == Attachment::TooLarge {
        both
    } else {
        MultiPart::mixed().boundary(boundary("m")).multipart(both).singlepart(csv_part(notice)?)
    };
    Ok(builder.multipart(parts)?)
}

fn headers(notice: &Notice) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("X-Huntd-Hunt", visible(&notice.hunt.id).replace("=?", "= ?")),
        ("X-Huntd-Tenant", notice.run.tenant.to_string()),
        ("X-Huntd-Run", notice.run.run.to_string()),
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("X-Auto-Response-Suppress", "All".to_owned()),
    ];
    if !notice.hits.is_empty() {
        let hits: Vec<_> = notice.hits.iter().take(HITS).map(|hit| hit.hit.to_string()).collect();
        headers.insert(3, ("X-Huntd-Hits", hits.join(" ")));
    }
    headers
}

fn part(text: String, kind: ContentType) -> Result<SinglePart, ComposeError> {
    let body =
        Body::new_with_encoding(text, ContentTransferEncoding::QuotedPrintable).map_err(|_| ComposeError::Encoding)?;
    Ok(SinglePart::builder().header(kind).body(body))
}

/// All hits, as `hits-RUN.csv` or, over [`PLAIN`], `hits-RUN.csv.gz`.
fn csv_part(notice: &Notice) -> Result<SinglePart, ComposeError> {
    let table = csv::table(&notice.hits);
    let name = format!("hits-{}.csv", notice.run.run);
    let (name, kind, bytes) = if table.len() > PLAIN {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(&table)?;
        (format!("{name}.gz"), ContentType::parse("application/gzip")?, gzip.finish()?)
    } else {
        (name, ContentType::parse("text/csv; charset=utf-8")?, table)
    };
    let body = Body::new_with_encoding(bytes, ContentTransferEncoding::Base64).map_err(|_| ComposeError::Encoding)?;
    Ok(Attached::new(name).body(body, kind))
}
