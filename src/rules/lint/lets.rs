//! L034: a `let` that nothing uses; L035: a `let` that hides a table.

use std::collections::HashMap;

use super::{At, Note, Subject};
use crate::rules::kql::tree::{ExprKind, Name, Operator, Stage, StatementKind};
use crate::rules::kql::walk::{Node, nodes};

pub(super) fn lint(subject: &Subject<'_>, notes: &mut Vec<Note>) {
    let mut declared: Vec<Name<'_>> = Vec::new();
    let mut used: HashMap<&str, u32> = HashMap::new();
    let mut whole = true;
    for node in nodes(&subject.analysis.query) {
        match node {
            Node::Statement(statement) => {
                if let StatementKind::Let { name, .. } = &statement.kind {
                    declared.push(*name);
                }
                // What a pattern or an access list names isn't followed.
                whole &= !matches!(statement.kind, StatementKind::Pattern { .. } | StatementKind::Restrict(_));
            }
            Node::Expr(expr) => match &expr.kind {
                ExprKind::Name(name) | ExprKind::Call { name, .. } => *used.entry(name.text).or_default() += 1,
                // A wildcard may mean it, and a text that isn't understood too.
                ExprKind::Wildcard(_) | ExprKind::Other | ExprKind::Missing => whole = false,
                _ => {}
            },
            Node::Stage(Stage { kind: Operator::Broken | Operator::Other, .. }) => whole = false,
            Node::Stage(_) | Node::Function(_) => {}
        }
    }
    for name in declared {
        if whole && !used.contains_key(name.text) && !name.text.is_empty() {
            let message = format!("nothing uses `{}`", name.text);
            notes.push(Note::new("L034", At::Query(name.span), message).hint("take it out, or use it"));
        }
        if subject.world.schema.table(name.text).is_some() {
            let message = format!("from here on `{}` isn't the table of that name", name.text);
            notes.push(Note::new("L035", At::Query(name.span), message).hint("give it a name that no table has"));
        }
    }
    hidden(subject, notes);
}

/// Parameters and inner `let`s of the same name as an outer `let`.
fn hidden(subject: &Subject<'_>, notes: &mut Vec<Note>) {
    let query = &subject.analysis.query;
    let outer: HashMap<&str, Name<'_>> = query
        .statements
        .iter()
        .filter_map(|statement| match &statement.kind {
            StatementKind::Let { name, .. } => Some((name.text, *name)),
            _ => None,
        })
        .collect();
    for node in nodes(query) {
        let Node::Function(function) = node else { continue };
        let params = function.params.iter().map(|param| param.name);
        let inner = function.statements.iter().filter_map(|statement| match &statement.kind {
            StatementKind::Let { name, .. } => Some(*name),
            _ => None,
        });
        for name in params.chain(inner) {
            // One that is declared later can't be meant.
            if outer.get(name.text).is_some_and(|known| known.span.end < name.span.start) {
                let message = format!("inside of this function `{}` isn't the one that is declared above", name.text);
                notes.push(Note::new("L035", At::Query(name.span), message).hint("give it another name"));
            }
        }
    }
}
