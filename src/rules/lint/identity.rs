//! L010 to L015: what makes a row the same hit, against the columns that come out.

use std::collections::{BTreeMap, BTreeSet};

use super::query::{keeps_columns, name, pipeline, result};
use super::{At, Note, Subject};
use crate::model::place::Level;
use crate::rules::check::nearest::nearest;
use crate::rules::kql::span::Span;
use crate::rules::kql::tree::{Binary, Expr, ExprKind, Item, Operator, Stage};

pub(super) fn lint(subject: &Subject<'_>, notes: &mut Vec<Note>) {
    missing(subject, notes);
    let changing = Changing::of(subject);
    match &subject.hunt.key {
        Some(key) => volatile_key(key, &changing, notes),
        None => no_key(subject, &changing, notes),
    }
}

/// Columns that the hunt names and the query doesn't return.
fn missing(subject: &Subject<'_>, notes: &mut Vec<Note>) {
    let hunt = subject.hunt;
    let by = hunt.suppress.as_ref().map(|suppress| suppress.by.as_slice()).unwrap_or_default();
    let key = hunt.key.as_deref().unwrap_or_default();
    for (code, list, columns) in [
        ("L010", "key", key),
        ("L011", "ignore", &hunt.ignore),
        ("L011", "suppress.by", by),
        ("L011", "entities", &hunt.entities),
    ] {
        for (index, column) in columns.iter().enumerate() {
            if subject.returns(column) != Some(false) {
                continue;
            }
            let at = At::Key(vec![format!("{list}[{index}]"), list.to_owned(), "suppress".to_owned()]);
            let message = format!("`{list}` names `{}`, and the query doesn't return it", column.escape_debug());
            let mut note = Note::new(code, at, message).hint(returned(subject, column));
            if code == "L011" && subject.is_foreign() {
                note.level = Level::Info;
            }
            notes.push(note);
        }
    }
}

/// What the query returns instead.
fn returned(subject: &Subject<'_>, column: &str) -> String {
    const MOST: usize = 12;
    let columns = subject.analysis.columns.as_deref().unwrap_or_default();
    if let Some(near) = nearest(column, columns.iter().map(|column| &*column.name)) {
        return format!("did you mean `{near}`?");
    }
    let mut names: Vec<&str> = columns.iter().take(MOST).map(|column| &*column.name).collect();
    if columns.len() > MOST {
        names.push("…");
    }
    format!("it returns {}", names.join(", "))
}

fn volatile_key(key: &[String], changing: &Changing<'_>, notes: &mut Vec<Note>) {
    for (index, column) in key.iter().enumerate() {
        let at = || At::Key(vec![format!("key[{index}]"), "key".to_owned()]);
        let shown = column.escape_debug();
        if changing.volatile.contains_key(column.as_str()) {
            let message = format!("the key column `{shown}` is another in each run, so each hit is new each time");
            notes.push(Note::new("L013", at(), message).hint("take it out of `key`"));
        } else if changing.counts.contains(column.as_str()) {
            let message = format!("the key column `{shown}` is a count, so a hit is new each time that it grows");
            notes.push(Note::new("L013", at(), message).hint("take it out of `key`, and the change is no new hit"));
        }
    }
}

fn no_key(subject: &Subject<'_>, changing: &Changing<'_>, notes: &mut Vec<Note>) {
    let ignore = &subject.hunt.ignore;
    let counted = |column: &str| !ignore.iter().any(|ignored| ignored == column);
    for (column, span) in changing.volatile.iter().filter(|(column, _)| counted(column)) {
        let message = format!("`{column}` is another in each run, and without a key it makes every row a new hit");
        notes
            .push(Note::new("L013", At::Query(*span), message).hint(format!("write `ignore: [{column}]`, or a `key`")));
    }
    if let Some(group) = &changing.group {
        let grows: Vec<&str> = changing.grows.iter().copied().filter(|column| counted(column)).collect();
        if let (Some(first), false) = (grows.first(), group.is_empty()) {
            let message = format!("without a key, a group is a new hit each time that `{first}` changes");
            let hint = format!("write `key: [{}]`", group.join(", "));
            notes.push(Note::new("L015", At::Query(changing.span), message).hint(hint));
        }
        return;
    }
    let has = |column: &str| subject.returns(column) == Some(true);
    let device = ["DeviceId", "DeviceName"].into_iter().find(|column| has(column));
    if let Some(device) = device.filter(|_| has("ReportId") && has("Timestamp")) {
        let message =
            format!("without a key every column makes the hit; `Timestamp`, `{device}` and `ReportId` would do");
        let first = subject.facts.leaves.first().map(|leaf| leaf.span);
        let at = first.map_or_else(|| At::key(&["query"]), At::Query);
        notes.push(Note::new("L014", at, message).hint(format!("write `key: [Timestamp, {device}, ReportId]`")));
    }
}

/// Which columns of a result change though the thing that they tell of stays.
#[derive(Default)]
struct Changing<'a> {
    /// Other in each run, and where they are made.
    volatile: BTreeMap<&'a str, Span>,
    /// Counts of a group.
    counts: BTreeSet<&'a str>,
    /// All that an aggregate makes of a group, unless it stays when rows are added.
    grows: BTreeSet<&'a str>,
    /// The columns after `by` of the last `summarize`, where all are plain names that still come out.
    group: Option<Vec<&'a str>>,
    /// Where that `summarize` stands.
    span: Span,
}

impl<'a> Changing<'a> {
    fn of(subject: &'a Subject<'a>) -> Self {
        let mut changing = Self::default();
        let Some(result) = result(&subject.analysis.query) else { return changing };
        let (_, stages) = pipeline(&subject.analysis.query, result);
        for stage in stages {
            changing.stage(stage);
        }
        changing
    }

    fn stage(&mut self, stage: &'a Stage<'a>) {
        match &stage.kind {
            operator if keeps_columns(operator) => {}
            Operator::Extend(items) | Operator::Serialize(items) => {
                for item in items {
                    self.made(item);
                }
            }
            Operator::Project(items) => {
                let before = std::mem::take(self);
                (self.group, self.span) = (before.group.clone(), before.span);
                for item in items {
                    self.taken(item, &before);
                }
                let columns: Vec<&str> = items.iter().filter_map(made_name).collect();
                self.keep_group(&columns);
            }
            Operator::ProjectAway(exprs) => {
                for column in exprs.iter().filter_map(name) {
                    self.forget(column);
                    if self.group.as_ref().is_some_and(|group| group.contains(&column)) {
                        self.group = None;
                    }
                }
            }
            Operator::ProjectReorder(_) => {}
            Operator::Summarize { aggregates, by, .. } => {
                let by = by.as_deref().unwrap_or_default();
                let before = std::mem::take(self);
                self.span = stage.keyword;
                for item in by {
                    self.taken(item, &before);
                }
                self.group = by.iter().map(|item| made_name(item).or_else(|| binned(item))).collect();
                for item in aggregates {
                    self.aggregate(item);
                }
            }
            // Whatever else it does, what was known before may not hold.
            _ => *self = Self::default(),
        }
    }

    /// A column that is made anew.
    fn made(&mut self, item: &Item<'a>) {
        let Some(column) = made_name(item) else { return };
        let volatile = self.is_volatile(&item.expr);
        self.forget(column);
        if volatile {
            self.volatile.insert(column, item.span);
        }
    }

    /// A column that is taken over, perhaps under another name.
    fn taken(&mut self, item: &Item<'a>, before: &Self) {
        let Some(column) = made_name(item) else { return };
        if let Some(old) = name(&item.expr) {
            if let Some(span) = before.volatile.get(old) {
                self.volatile.insert(column, *span);
            }
            for (from, to) in [(&before.counts, &mut self.counts), (&before.grows, &mut self.grows)] {
                if from.contains(old) {
                    to.insert(column);
                }
            }
        } else if before.is_volatile(&item.expr) {
            self.volatile.insert(column, item.span);
        }
    }

    fn aggregate(&mut self, item: &Item<'a>) {
        const STAYS: [&str; 6] = ["any", "take_any", "anyif", "take_anyif", "arg_min", "min"];
        const COUNTS: [&str; 9] =
            ["count", "countif", "dcount", "dcountif", "sum", "sumif", "count_distinct", "count_distinctif", "avg"];
        let ExprKind::Call { name: function, args } = &item.expr.kind else { return };
        let column = item.names.first().map(|name| name.text);
        let counts = COUNTS.contains(&function.text);
        // Columns that get their name from the function are told of by name only where it is simple.
        let column = column.or_else(|| (function.text == "count" && args.is_empty()).then_some("count_"));
        if let Some(column) = column.filter(|_| !STAYS.contains(&function.text)) {
            self.grows.insert(column);
            if counts {
                self.counts.insert(column);
            }
        }
    }

    fn forget(&mut self, column: &str) {
        self.volatile.remove(column);
        self.counts.remove(column);
        self.grows.remove(column);
    }

    /// Keeps the group only while all its columns come out.
    fn keep_group(&mut self, columns: &[&str]) {
        if self.group.as_ref().is_some_and(|group| !group.iter().all(|column| columns.contains(column))) {
            self.group = None;
        }
    }

    /// Whether a value is another in each run. What a comparison says of the clock seldom changes.
    fn is_volatile(&self, expr: &Expr<'_>) -> bool {
        const MAKES: [&str; 8] =
            ["now", "rand", "ingestion_time", "row_number", "new_guid", "row_cumsum", "row_rank_dense", "row_rank_min"];
        match &expr.kind {
            ExprKind::Call { name, args } => {
                let first = usize::from(matches!(name.text, "iff" | "iif" | "case"));
                MAKES.contains(&name.text) || args.iter().skip(first).any(|arg| self.is_volatile(&arg.expr))
            }
            ExprKind::Name(name) => self.volatile.contains_key(name.text),
            ExprKind::Paren(inner) => self.is_volatile(inner),
            ExprKind::Unary { operand, .. } => self.is_volatile(operand),
            ExprKind::Binary { op, left, right, .. } => {
                let computes =
                    matches!(op, Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Modulo);
                computes && (self.is_volatile(left) || self.is_volatile(right))
            }
            _ => false,
        }
    }
}

/// The name of the column that an item makes, where it says it.
fn made_name<'a>(item: &Item<'a>) -> Option<&'a str> {
    item.names.first().map(|name| name.text).or_else(|| name(&item.expr))
}

/// `bin(Timestamp, 1h)` makes a column of the name of what it rounds.
fn binned<'a>(item: &Item<'a>) -> Option<&'a str> {
    let ExprKind::Call { name: function, args } = &item.expr.kind else { return None };
    matches!(function.text, "bin" | "floor").then(|| name(&args.first()?.expr)).flatten()
}
