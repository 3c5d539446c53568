//! L020: names of Sentinel's in a workspace, where Defender has its own.

use std::collections::HashSet;

use super::{At, Note, Subject};
use crate::rules::kql::tree::ExprKind;
use crate::rules::kql::walk::{Node, nodes};

/// Columns that a workspace alone adds to Defender's tables.
const ADDED: [(&str, &str); 1] = [("TimeGenerated", "Timestamp")];

pub(super) fn lint(subject: &Subject<'_>, notes: &mut Vec<Note>) {
    let schema = &subject.world.schema;
    // Without a workspace these are errors of the query, with the same hint.
    if !schema.workspace() {
        return;
    }
    let defender = subject.facts.leaves.iter().all(|leaf| leaf.time == Some("Timestamp"));
    let mut told = HashSet::new();
    for node in nodes(&subject.analysis.query) {
        let Node::Expr(expr) = node else { continue };
        let ExprKind::Name(name) = &expr.kind else { continue };
        let column = ADDED.iter().find(|(added, _)| defender && *added == name.text).map(|(_, ours)| *ours);
        let table = || schema.of_workspace(name.text)?.first().copied().filter(|ours| schema.table(ours).is_some());
        let Some(ours) = column.or_else(table) else { continue };
        if told.insert(name.text) {
            let message = format!("`{}` is there only where a Sentinel workspace is connected", name.text);
            notes.push(Note::new("L020", At::Query(expr.span), message).hint(format!("Defender's own is `{ours}`")));
        }
    }
}
