//! Which columns of a result say when an event happened, and when it arrived.

use super::super::binder::Column;
use super::super::schema::Schema;
use super::super::tree::{Expr, ExprKind, Item, LetValue, Operator, ParsePart, Query, Stage, StatementKind, Wrapper};
use super::super::types::Type;
use super::back::{gives, gives_right_rows};
use super::reach::Lets;

/// How deep names of the query's own are followed.
const DEEP: u32 = 12;
/// How many tables are looked at.
const STEPS: u32 = 1_000;

/// The columns that hold an event's own time and its `ingestion_time()`.
#[must_use]
pub(super) fn arrival<'a>(
    query: &Query<'a>,
    lets: &Lets<'_, 'a>,
    columns: Option<&[Column<'a>]>,
    schema: &Schema,
) -> Option<(String, String)> {
    let result = query.statements.iter().rev().find_map(|statement| match &statement.kind {
        StatementKind::Query(expr) => Some(expr),
        _ => None,
    })?;
    let names = Flow { lets, schema, steps: STEPS }.table(result, 0)?;
    let (event, ingestion) = (names.event?, names.ingestion?);
    let comes_out = |name: &str| columns?.iter().find(|column| column.name == name && column.ty == Type::Datetime);
    comes_out(event).zip(comes_out(ingestion)).map(|_| (event.to_owned(), ingestion.to_owned()))
}

/// How the two are called at a place in the query.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Names<'a> {
    event: Option<&'a str>,
    ingestion: Option<&'a str>,
}

struct Flow<'l, 't, 'a, 's> {
    lets: &'l Lets<'t, 'a>,
    schema: &'s Schema,
    steps: u32,
}

impl<'a> Flow<'_, '_, 'a, '_> {
    /// Of a table; `None` where its rows aren't those of events.
    fn table(&mut self, expr: &Expr<'a>, deep: u32) -> Option<Names<'a>> {
        self.steps = self.steps.checked_sub(1)?;
        if deep > DEEP {
            return None;
        }
        match &expr.kind {
            ExprKind::Name(name) => match self.lets.get(name.text) {
                Some(LetValue::Expr(expr)) => self.table(expr, deep + 1),
                Some(LetValue::Function(_)) => None,
                None => {
                    let time = self.schema.table(name.text)?.time.as_deref()?;
                    let known = ["Timestamp", "TimeGenerated", "ActivityTimestamp"];
                    Some(Names { event: known.into_iter().find(|known| *known == time), ingestion: None })
                }
            },
            ExprKind::Paren(inner) | ExprKind::Wrapped { wrapper: Wrapper::Materialize, inner } => {
                self.table(inner, deep + 1)
            }
            ExprKind::Pipe { source, stages } => {
                let names = self.table(source, deep + 1)?;
                stages.iter().try_fold(names, |names, stage| self.stage(names, stage, deep + 1))
            }
            ExprKind::Source(stage) => match &stage.kind {
                Operator::Union { tables, .. } => self.same(None, tables, deep + 1),
                _ => None,
            },
            _ => None,
        }
    }

    /// Of several tables, where they call the two alike.
    fn same(&mut self, first: Option<Names<'a>>, tables: &[Expr<'a>], deep: u32) -> Option<Names<'a>> {
        let mut all = first;
        for table in tables {
            let names = self.table(table, deep)?;
            if *all.get_or_insert(names) != names {
                return None;
            }
        }
        all
    }

    /// Behind an operator.
    fn stage(&mut self, names: Names<'a>, stage: &Stage<'a>, deep: u32) -> Option<Names<'a>> {
        let without = |lost: &dyn Fn(&str) -> bool| Names {
            event: names.event.filter(|name| !lost(name)),
            ingestion: names.ingestion.filter(|name| !lost(name)),
        };
        Some(match &stage.kind {
            Operator::Where { .. }
            | Operator::Sort { .. }
            | Operator::As { .. }
            | Operator::Take { .. }
            | Operator::Top { .. }
            | Operator::Render { .. }
            | Operator::Lookup { .. }
            | Operator::ProjectReorder(_)
            // What they take away doesn't come out: that is seen in the end.
            | Operator::ProjectKeep(_) => names,
            Operator::ProjectAway(columns) => without(&|lost| {
                columns.iter().any(|column| matches!(&column.kind, ExprKind::Name(name) if name.text == lost))
            }),
            Operator::Join { settings, .. } if !gives_right_rows(settings) => names,
            Operator::Union { tables, .. } => self.same(Some(names), tables, deep)?,
            Operator::Extend(items) => {
                let kept = without(&|lost| items.iter().any(|item| gives(item, lost)));
                let made = named(names, items);
                Names { event: kept.event.or(made.event), ingestion: made.ingestion.or(kept.ingestion) }
            }
            Operator::Project(items) => named(names, items),
            Operator::Distinct { columns, .. } if columns.iter().any(|item| matches!(item.expr.kind, ExprKind::Star)) => names,
            Operator::Distinct { columns, .. } => named(names, columns),
            Operator::ProjectRename(items) => {
                let made = named(names, items);
                let kept = without(&|lost| items.iter().any(|item| matches!(&item.expr.kind, ExprKind::Name(name) if name.text == lost)));
                Names { event: made.event.or(kept.event), ingestion: made.ingestion.or(kept.ingestion) }
            }
            Operator::MvExpand { columns, .. } => without(&|lost| columns.iter().any(|column| gives(&column.item, lost))),
            Operator::Parse { pattern, .. } => without(&|lost| {
                pattern.iter().any(|part| matches!(part, ParsePart::Column { name, .. } if name.text == lost))
            }),
            Operator::ParseKv { columns, .. } => without(&|lost| columns.iter().any(|column| column.name.text == lost)),
            _ => return None,
        })
    }
}

/// How the two are called in a list of columns.
fn named<'a>(names: Names<'a>, items: &[Item<'a>]) -> Names<'a> {
    let mut made = Names::default();
    for item in items {
        let mut expr = &item.expr;
        while let ExprKind::Paren(inner) = &expr.kind {
            expr = inner;
        }
        let given = item.names.first().map(|name| name.text);
        match &expr.kind {
            ExprKind::Name(name) if names.event == Some(name.text) => {
                made.event = made.event.or(given).or(Some(name.text));
            }
            ExprKind::Name(name) if names.ingestion == Some(name.text) => {
                made.ingestion = made.ingestion.or(given).or(Some(name.text));
            }
            ExprKind::Call { name, .. } if name.text == "ingestion_time" => {
                made.ingestion = made.ingestion.or(given).or(Some("$IngestionTime"));
            }
            _ => {}
        }
    }
    made
}
