//! A query as of a time: what it would have asked then.
//!
//! `now()` and `ago(x)` are written as the time itself, wherever they stand, and nothing else is
//! touched: every other byte stays. A run is so reproducible, and a missed moment can be asked again.

use std::time::Duration;

use super::edits::Edits;
use super::span::Span;
use super::tree::{Expr, ExprKind, Item, Name, Query, StatementKind};
use super::walk::{Node, nodes};
use crate::model::time::Timestamp;

/// A place where a query reads the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockRead {
    /// The whole call.
    pub span: Span,
    /// What is between its parentheses; none where they are empty.
    pub offset: Option<Span>,
    /// `ago` rather than `now`.
    pub ago: bool,
}

/// Tells reads of the clock from other calls.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    now: bool,
    ago: bool,
}

impl Clock {
    /// Of a query: it may give the names another meaning.
    #[must_use]
    pub fn of(query: &Query<'_>) -> Self {
        let own = |name: &str| {
            query.statements.iter().any(|statement| match &statement.kind {
                StatementKind::Let { name: declared, .. } => declared.text == name,
                _ => false,
            })
        };
        Self { now: !own("now"), ago: !own("ago") }
    }

    /// Whether an expression is a read of the clock.
    #[must_use]
    pub fn is_own(self, expr: &Expr<'_>) -> bool {
        self.read(Node::Expr(expr)).is_some()
    }

    /// What a node reads of the clock by itself.
    #[must_use]
    pub fn read(self, node: Node<'_, '_>) -> Option<ClockRead> {
        let Node::Expr(Expr { kind: ExprKind::Call { name, args }, span }) = node else { return None };
        read(*name, args, *span).filter(|read| if read.ago { self.ago } else { self.now })
    }
}

/// Where a query reads the clock, in the order of the text; outer calls before those inside them.
#[must_use]
pub fn clock_reads(query: &Query<'_>) -> Vec<ClockRead> {
    let clock = Clock::of(query);
    nodes(query).filter_map(|node| clock.read(node)).collect()
}

fn read(name: Name<'_>, args: &[Item<'_>], span: Span) -> Option<ClockRead> {
    let ago = match name.text {
        "now" => false,
        "ago" => true,
        _ => return None,
    };
    match args {
        [] if !ago => Some(ClockRead { span, offset: None, ago }),
        [only] => Some(ClockRead { span, offset: Some(only.span), ago }),
        _ => None,
    }
}

/// The text of a query as of a time.
#[must_use]
pub fn as_of(text: &str, query: &Query<'_>, at: Timestamp) -> String {
    let mut edits = Edits::default();
    write_as_of(query, at, &mut edits);
    // Clock reads lie apart from each other, or whole inside an offset, which stays.
    edits.applied(text).unwrap_or_else(|| text.to_owned())
}

/// The edits that make a query one as of a time.
pub(super) fn write_as_of(query: &Query<'_>, at: Timestamp, edits: &mut Edits) {
    // KQL counts in hundreds of nanoseconds; microseconds are written as all readers read them.
    let time = format!("datetime({})", at.floor_to(Duration::from_micros(1)));
    for read in clock_reads(query) {
        match read.offset {
            None => edits.replace(read.span, time.clone()),
            // What stands between the parentheses stays, and may read the clock itself.
            Some(offset) => {
                let sign = if read.ago { '-' } else { '+' };
                edits.replace(Span::new(read.span.start, offset.start), format!("({time} {sign} ("));
                edits.replace(Span::new(offset.end, read.span.end), "))".to_owned());
            }
        }
    }
}
