//! L012: a result that is cut; L037: a search over everything.

use super::query::{pipeline, result};
use super::{At, Note, Subject};
use crate::model::place::Level;
use crate::rules::kql::tree::{Expr, ExprKind, Operator, Stage};
use crate::rules::kql::walk::{Node, nodes};

pub(super) fn lint(subject: &Subject<'_>, notes: &mut Vec<Note>) {
    if let Some(result) = result(&subject.analysis.query) {
        let (_, stages) = pipeline(&subject.analysis.query, result);
        notes.extend(cut(&stages));
    }
    let everywhere = nodes(&subject.analysis.query).filter_map(|node| match node {
        Node::Expr(Expr { kind: ExprKind::Source(stage), .. }) => over_everything(stage),
        // A union in a pipe adds to its source.
        Node::Stage(stage) if matches!(stage.kind, Operator::Union { .. }) => over_everything(stage),
        _ => None,
    });
    let mut everywhere: Vec<Note> = everywhere.collect();
    everywhere.dedup();
    notes.extend(everywhere);
}

/// The first operator that cuts the result: a `take` of an author's tests is often forgotten.
fn cut(stages: &[&Stage<'_>]) -> Option<Note> {
    let mut ordered = false;
    for stage in stages {
        let (word, stable) = match &stage.kind {
            Operator::Sort { .. } => {
                ordered = true;
                continue;
            }
            Operator::Take { .. } => ("take", ordered),
            Operator::Sample(_) => ("sample", false),
            Operator::SampleDistinct { .. } => ("sample-distinct", false),
            Operator::Top { .. } => ("top", true),
            Operator::TopNested(_) => ("top-nested", true),
            Operator::TopHitters { .. } => ("top-hitters", false),
            Operator::Where { .. } | Operator::Extend(_) | Operator::Project(_) | Operator::ProjectReorder(_) => {
                continue;
            }
            _ => {
                ordered = false;
                continue;
            }
        };
        let at = At::Query(stage.keyword);
        return Some(if stable {
            let message = format!("`{word}` leaves out all rows but the first: hits beyond are missed");
            let note = Note::new("L012", at, message).hint("take it out: huntd tells only what is new in any case");
            Note { level: Level::Info, ..note }
        } else {
            let message = format!("`{word}` returns any rows, others each time: hits come and go");
            Note::new("L012", at, message).hint("take it out, or put the rows in an order first")
        });
    }
    None
}

fn over_everything(stage: &Stage<'_>) -> Option<Note> {
    let all = |expr: &Expr<'_>| match &expr.kind {
        ExprKind::Star => true,
        ExprKind::Wildcard(name) => name.text == "*",
        _ => false,
    };
    let word = match &stage.kind {
        Operator::Search { tables, .. } if tables.as_ref().is_none_or(|tables| tables.iter().any(all)) => "search",
        Operator::Find { tables, .. } if tables.as_ref().is_none_or(|tables| tables.iter().any(all)) => "find",
        Operator::Union { tables, .. } if tables.iter().any(all) => "union",
        _ => return None,
    };
    let message = format!("`{word}` reads every table of the tenant in each run");
    let hint = match word {
        "union" => "name the tables: `union DeviceProcessEvents, DeviceFileEvents`",
        _ => "name the tables: `in (DeviceProcessEvents, DeviceFileEvents)` after the operator",
    };
    Some(Note::new("L037", At::Query(stage.keyword), message).hint(hint))
}
