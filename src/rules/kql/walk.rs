//! Every node of a tree, one after the other.

use super::tree::{
    Condition, Expr, ExprKind, Function, Item, LetValue, Operator, ParsePart, Query, Setting, Stage, Statement,
    StatementKind,
};

/// A node.
#[derive(Debug, Clone, Copy)]
pub enum Node<'t, 'a> {
    /// A statement.
    Statement(&'t Statement<'a>),
    /// A function of the query's own.
    Function(&'t Function<'a>),
    /// An expression.
    Expr(&'t Expr<'a>),
    /// A query operator.
    Stage(&'t Stage<'a>),
}

/// Goes through nodes in the order of the text, each before what is inside it. Long chains don't
/// overflow the stack: what is still to come is kept in a list.
#[derive(Debug, Default)]
pub struct Nodes<'t, 'a> {
    rest: Vec<Node<'t, 'a>>,
    /// Where in `rest` the children of the last node begin.
    from: usize,
}

/// So many nodes wait at once in nearly every query.
const WAITING: usize = 32;

impl<'t, 'a> From<Node<'t, 'a>> for Nodes<'t, 'a> {
    fn from(node: Node<'t, 'a>) -> Self {
        let mut rest = Vec::with_capacity(WAITING);
        rest.push(node);
        Self { rest, from: 0 }
    }
}

impl Nodes<'_, '_> {
    /// Leaves out what is inside the last node.
    pub fn skip_inside(&mut self) {
        self.rest.truncate(self.from);
    }
}

/// Every node of a query.
#[must_use]
pub fn nodes<'t, 'a>(query: &'t Query<'a>) -> Nodes<'t, 'a> {
    let mut rest = Vec::with_capacity(query.statements.len().max(WAITING));
    rest.extend(query.statements.iter().rev().map(Node::Statement));
    Nodes { rest, from: 0 }
}

/// Every node of an expression, itself first.
#[must_use]
pub fn within<'t, 'a>(expr: &'t Expr<'a>) -> Nodes<'t, 'a> {
    Nodes::from(Node::Expr(expr))
}

/// Every node of an operator, itself first.
#[must_use]
pub fn within_stage<'t, 'a>(stage: &'t Stage<'a>) -> Nodes<'t, 'a> {
    Nodes::from(Node::Stage(stage))
}

impl<'t, 'a> Iterator for Nodes<'t, 'a> {
    type Item = Node<'t, 'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let node = self.rest.pop()?;
        self.from = self.rest.len();
        if is_leaf(node) {
            return Some(node);
        }
        children(node, &mut self.rest);
        if let Some(new) = self.rest.get_mut(self.from..) {
            new.reverse();
        }
        Some(node)
    }
}

/// Whether there can be nothing inside: of most expressions.
fn is_leaf(node: Node<'_, '_>) -> bool {
    matches!(node, Node::Expr(Expr { kind: ExprKind::Name(_) | ExprKind::Literal(_), .. }))
}

fn children<'t, 'a>(node: Node<'t, 'a>, out: &mut Vec<Node<'t, 'a>>) {
    match node {
        Node::Statement(statement) => of_statement(statement, out),
        Node::Function(function) => {
            out.extend(function.params.iter().filter_map(|param| param.default.as_ref()).map(Node::Expr));
            out.extend(function.statements.iter().map(Node::Statement));
            out.extend(function.result.iter().map(|result| Node::Expr(result)));
        }
        Node::Expr(expr) => of_expr(expr, out),
        Node::Stage(stage) => of_stage(stage, out),
    }
}

fn of_statement<'t, 'a>(statement: &'t Statement<'a>, out: &mut Vec<Node<'t, 'a>>) {
    match &statement.kind {
        StatementKind::Let { value: LetValue::Expr(expr), .. } | StatementKind::Query(expr) => {
            out.push(Node::Expr(expr));
        }
        StatementKind::Let { value: LetValue::Function(function), .. } => out.push(Node::Function(function)),
        StatementKind::Alias { value, .. } => out.push(Node::Expr(value)),
        StatementKind::Set { value, .. } => out.extend(value.iter().map(Node::Expr)),
        StatementKind::Pattern { cases, .. } => out.extend(cases.iter().map(Node::Function)),
        StatementKind::QueryParameters(params) => {
            out.extend(params.iter().filter_map(|param| param.default.as_ref()).map(Node::Expr));
        }
        StatementKind::Restrict(exprs) => out.extend(exprs.iter().map(Node::Expr)),
    }
}

fn of_expr<'t, 'a>(expr: &'t Expr<'a>, out: &mut Vec<Node<'t, 'a>>) {
    match &expr.kind {
        ExprKind::Missing
        | ExprKind::Literal(_)
        | ExprKind::Dynamic(_)
        | ExprKind::TypeOf(_)
        | ExprKind::Name(_)
        | ExprKind::Wildcard(_)
        | ExprKind::Star
        | ExprKind::Other => {}
        ExprKind::Call { args, .. } => items(args, out),
        ExprKind::Member { object, member } => out.extend([Node::Expr(object), Node::Expr(member)]),
        ExprKind::Index { object, index } => out.extend([Node::Expr(object), Node::Expr(index)]),
        ExprKind::Unary { operand, .. } => out.push(Node::Expr(operand)),
        ExprKind::Binary { left, right, .. } => out.extend([Node::Expr(left), Node::Expr(right)]),
        ExprKind::In { value, items, .. } => {
            out.push(Node::Expr(value));
            out.extend(items.iter().map(Node::Expr));
        }
        ExprKind::Between { value, low, high, .. } => {
            out.extend([Node::Expr(value), Node::Expr(low), Node::Expr(high)]);
        }
        ExprKind::Paren(inner) | ExprKind::Wrapped { inner, .. } => out.push(Node::Expr(inner)),
        ExprKind::Pipe { source, stages } => {
            out.push(Node::Expr(source));
            out.extend(stages.iter().map(Node::Stage));
        }
        ExprKind::Source(stage) => out.push(Node::Stage(stage)),
    }
}

fn items<'t, 'a>(items: &'t [Item<'a>], out: &mut Vec<Node<'t, 'a>>) {
    out.extend(items.iter().map(|item| Node::Expr(&item.expr)));
}

fn settings<'t, 'a>(settings: &'t [Setting<'a>], out: &mut Vec<Node<'t, 'a>>) {
    out.extend(settings.iter().map(|setting| Node::Expr(&setting.value)));
}

#[expect(clippy::too_many_lines, reason = "one arm an operator, nothing but its parts in the order of the text")]
fn of_stage<'t, 'a>(stage: &'t Stage<'a>, out: &mut Vec<Node<'t, 'a>>) {
    match &stage.kind {
        Operator::Broken
        | Operator::Getschema
        | Operator::Other
        | Operator::AssertSchema(_)
        | Operator::GraphToTable(_) => {}
        Operator::Where { predicate, settings: all } => {
            settings(all, out);
            out.push(Node::Expr(predicate));
        }
        Operator::Extend(list)
        | Operator::Project(list)
        | Operator::ProjectRename(list)
        | Operator::Print(list)
        | Operator::Serialize(list) => {
            items(list, out);
        }
        Operator::ProjectAway(list)
        | Operator::ProjectKeep(list)
        | Operator::ProjectReorder(list)
        | Operator::ProjectByNames(list) => out.extend(list.iter().map(Node::Expr)),
        Operator::Summarize { aggregates, by, settings: all } => {
            settings(all, out);
            items(aggregates, out);
            items(by.as_deref().unwrap_or_default(), out);
        }
        Operator::Distinct { columns, settings: all } => {
            settings(all, out);
            items(columns, out);
        }
        Operator::Count { settings: all, .. }
        | Operator::As { settings: all, .. }
        | Operator::Render { settings: all, .. } => {
            settings(all, out);
        }
        Operator::Consume(all) | Operator::GraphMarkComponents(all) => settings(all, out),
        Operator::Take { settings: all, count } => {
            settings(all, out);
            out.push(Node::Expr(count));
        }
        Operator::Sample(expr) | Operator::Invoke(expr) | Operator::GraphWhere(expr) => out.push(Node::Expr(expr)),
        Operator::SampleDistinct { count, of } => out.extend([Node::Expr(count), Node::Expr(of)]),
        Operator::Top { settings: all, count, by } => {
            settings(all, out);
            out.push(Node::Expr(count));
            out.extend(by.iter().map(|by| Node::Expr(&by.item.expr)));
        }
        Operator::TopHitters { count, of, by } => {
            out.extend([Node::Expr(count), Node::Expr(&of.expr)]);
            out.extend(by.iter().map(|by| Node::Expr(&by.expr)));
        }
        Operator::TopNested(levels) => {
            for level in levels {
                out.extend(level.count.iter().map(Node::Expr));
                out.push(Node::Expr(&level.of.expr));
                out.extend(level.others.iter().map(Node::Expr));
                out.extend(level.by.iter().map(|by| Node::Expr(&by.expr)));
            }
        }
        Operator::Sort { by, settings: all } => {
            settings(all, out);
            out.extend(by.iter().map(|by| Node::Expr(&by.item.expr)));
        }
        Operator::Join { settings: all, right, condition } | Operator::Lookup { settings: all, right, condition } => {
            settings(all, out);
            out.push(Node::Expr(right));
            match condition {
                Condition::On(exprs) => out.extend(exprs.iter().map(Node::Expr)),
                Condition::Where(expr) => out.push(Node::Expr(expr)),
                Condition::None => {}
            }
        }
        Operator::Union { settings: all, tables } => {
            settings(all, out);
            out.extend(tables.iter().map(Node::Expr));
        }
        Operator::MvExpand { settings: all, columns, limit } => {
            settings(all, out);
            out.extend(columns.iter().map(|column| Node::Expr(&column.item.expr)));
            out.extend(limit.iter().map(Node::Expr));
        }
        Operator::MvApply { settings: all, columns, limit, context, body } => {
            settings(all, out);
            out.extend(columns.iter().map(|column| Node::Expr(&column.item.expr)));
            out.extend(limit.iter().chain(context).map(Node::Expr));
            out.extend(body.iter().map(|body| Node::Expr(body)));
        }
        Operator::Parse { settings: all, source, pattern, .. } => {
            settings(all, out);
            out.push(Node::Expr(source));
            out.extend(pattern.iter().filter_map(|part| match part {
                ParsePart::Text(text) => Some(Node::Expr(text)),
                _ => None,
            }));
        }
        Operator::ParseKv { source, settings: all, .. } => {
            out.push(Node::Expr(source));
            settings(all, out);
        }
        Operator::MakeSeries { settings: all, aggregates, on, from, to, step, range, by } => {
            settings(all, out);
            for (item, default) in aggregates {
                out.push(Node::Expr(&item.expr));
                out.extend(default.iter().map(Node::Expr));
            }
            out.extend(on.iter().map(|on| Node::Expr(&on.expr)));
            out.extend([from, to, step].into_iter().flatten().chain(range).map(Node::Expr));
            items(by.as_deref().unwrap_or_default(), out);
        }
        Operator::Range { from, to, step, .. } => out.extend([from, to, step].map(Node::Expr)),
        Operator::Datatable { values, .. } => out.extend(values.iter().map(Node::Expr)),
        Operator::Externaldata { sources, settings: all, .. } => {
            out.extend(sources.iter().map(Node::Expr));
            settings(all, out);
        }
        Operator::Search { settings: all, tables, predicate } => {
            settings(all, out);
            out.extend(tables.iter().flatten().map(Node::Expr));
            out.push(Node::Expr(predicate));
        }
        Operator::Find { settings: all, tables, predicate, away, .. } => {
            settings(all, out);
            out.extend(tables.iter().flatten().map(Node::Expr));
            out.extend(predicate.iter().map(Node::Expr));
            out.extend(away.iter().flatten().map(Node::Expr));
        }
        Operator::Scan(scan) => {
            settings(&scan.settings, out);
            out.extend(scan.order.iter().map(|by| Node::Expr(&by.item.expr)));
            out.extend(scan.partition.iter().map(Node::Expr));
            out.extend(scan.declare.iter().filter_map(|param| param.default.as_ref()).map(Node::Expr));
            for step in &scan.steps {
                out.push(Node::Expr(&step.condition));
                items(&step.assignments, out);
            }
        }
        Operator::Partition { settings: all, by, body } => {
            settings(all, out);
            out.push(Node::Expr(by));
            out.extend(body.iter().map(|body| Node::Expr(body)));
        }
        Operator::Fork(branches) => out.extend(branches.iter().map(|(_, branch)| Node::Expr(branch))),
        Operator::Facet { by, with } => {
            out.extend(by.iter().map(Node::Expr));
            out.extend(with.iter().map(|with| Node::Expr(with)));
        }
        Operator::Evaluate { settings: all, call, .. } => {
            settings(all, out);
            out.push(Node::Expr(call));
        }
        Operator::Reduce { settings: all, by, with } => {
            settings(all, out);
            out.push(Node::Expr(&by.expr));
            settings(with, out);
        }
        Operator::MakeGraph { settings: all, source, target, nodes, rest } => {
            settings(all, out);
            out.extend([Node::Expr(source), Node::Expr(target)]);
            for (table, key) in nodes {
                out.push(Node::Expr(table));
                out.extend(key.iter().map(Node::Expr));
            }
            settings(rest, out);
        }
        Operator::GraphMatch { settings: all, predicate, project, .. }
        | Operator::GraphShortestPaths { settings: all, predicate, project, .. } => {
            settings(all, out);
            out.extend(predicate.iter().map(Node::Expr));
            items(project.as_deref().unwrap_or_default(), out);
        }
    }
}
