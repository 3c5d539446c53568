//! What is known before a query runs.

use super::super::catalogue;
use super::super::tree::{Expr, ExprKind};
use super::Binder;
use super::scope::LocalKind;

impl<'a> Binder<'_, 'a> {
    /// Whether the expression's value is known before the query runs.
    pub(super) fn is_constant(&self, expr: &Expr<'a>) -> bool {
        match &expr.kind {
            // The service works out what is wrapped first.
            ExprKind::Literal(_)
            | ExprKind::Dynamic(_)
            | ExprKind::TypeOf(_)
            | ExprKind::Missing
            | ExprKind::Wrapped { .. } => true,
            ExprKind::Paren(inner) => self.is_constant(inner),
            ExprKind::Unary { operand, .. } => self.is_constant(operand),
            ExprKind::Binary { .. } => self.is_constant_chain(expr),
            ExprKind::Index { object, index } => self.is_constant(object) && self.is_constant(index),
            ExprKind::Member { object, .. } => self.is_constant(object),
            ExprKind::Name(name) => self
                .locals
                .iter()
                .rev()
                .find(|local| local.name == name.text)
                .is_some_and(|local| matches!(local.kind, LocalKind::Value { constant: true, .. })),
            ExprKind::Call { name, args } => {
                let known = catalogue::function(name.text).is_some_and(|function| function.constant)
                    || self.locals.iter().any(|local| local.name == name.text);
                known && args.iter().all(|arg| self.is_constant(&arg.expr))
            }
            _ => false,
        }
    }

    /// A long chain hangs down on the left: without a loop it would overflow the stack.
    fn is_constant_chain(&self, expr: &Expr<'a>) -> bool {
        let mut expr = expr;
        while let ExprKind::Binary { left, right, .. } = &expr.kind {
            if !self.is_constant(right) {
                return false;
            }
            expr = left;
        }
        self.is_constant(expr)
    }
}
