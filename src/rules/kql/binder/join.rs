//! `join` and `lookup`.

use super::super::problem::Code;
use super::super::span::Span;
use super::super::tree::{Binary, Condition, Expr, ExprKind, Setting};
use super::super::types::Type;
use super::scope::Table;
use super::{Binder, Row};

impl<'t, 'a> Binder<'t, 'a> {
    /// `join`: both sides' columns, those of the right side renamed where the name is taken.
    pub(super) fn join(
        &mut self,
        left: &Table<'a>,
        settings: &'t [Setting<'a>],
        right: &'t Expr<'a>,
        condition: &'t Condition<'a>,
    ) -> Table<'a> {
        let right = self.without_row(|binder| binder.table(right));
        self.condition(left, &right, condition);
        match kind(settings) {
            "leftanti" | "leftantisemi" | "anti" | "leftsemi" => return left.clone(),
            "rightanti" | "rightantisemi" | "rightsemi" => return right,
            _ => {}
        }
        let mut out = left.clone();
        for column in right.columns.iter() {
            out.append(column.clone());
        }
        Table { open: left.open || right.open, ..out }
    }

    /// `lookup`: the right side's keys don't come out.
    pub(super) fn lookup(
        &mut self,
        left: &Table<'a>,
        _settings: &'t [Setting<'a>],
        right: &'t Expr<'a>,
        condition: &'t Condition<'a>,
    ) -> Table<'a> {
        let right = self.without_row(|binder| binder.table(right));
        let keys = self.condition(left, &right, condition);
        let mut out = left.clone();
        for column in right.columns.iter().filter(|column| !keys.iter().any(|key| *key == column.name)) {
            out.append(column.clone());
        }
        Table { open: left.open || right.open, ..out }
    }

    /// Checks the condition; the right side's key columns.
    fn condition(&mut self, left: &Table<'a>, right: &Table<'a>, condition: &'t Condition<'a>) -> Vec<&'a str> {
        let mut keys = Vec::new();
        let row = Row { sides: Some((left.clone(), right.clone())), ..Row::default() };
        self.with_row(row, |binder| match condition {
            Condition::On(exprs) => {
                let mut rest: Vec<&'t Expr<'a>> = exprs.iter().rev().collect();
                while let Some(expr) = rest.pop() {
                    match &expr.kind {
                        ExprKind::Paren(inner) => rest.push(inner),
                        ExprKind::Binary { op: Binary::And, left, right, .. } => rest.extend([&**right, &**left]),
                        _ => binder.key(left, right, expr, &mut keys),
                    }
                }
            }
            // Other keys than equal columns can't be told from here.
            Condition::Where(_) | Condition::None => {}
        });
        keys
    }

    fn key(&mut self, left: &Table<'a>, right: &Table<'a>, expr: &'t Expr<'a>, keys: &mut Vec<&'a str>) {
        match &expr.kind {
            ExprKind::Missing => {}
            ExprKind::Name(name) => {
                let types = (left.type_of(name.text), right.type_of(name.text));
                match types {
                    (Some(a), Some(b)) => self.comparable(a, b, expr.span),
                    (None, None) => self.unknown_column(*name, left, Some("either side of the join")),
                    (a, _) => {
                        let side = if a.is_some() { "right" } else { "left" };
                        self.error_hint(
                            Code::Join,
                            name.span,
                            format!("the {side} side of the join has no column `{}`", name.text),
                            "columns with different names are joined as `$left.A == $right.B`",
                        );
                    }
                }
                keys.push(name.text);
            }
            ExprKind::Binary { op: Binary::Equal, left: a, right: b, .. } => {
                let (a_side, b_side) = (side(a), side(b));
                match (a_side, b_side) {
                    (Some(("$left", a_name)), Some(("$right", b_name))) => {
                        let a = self.side_type(a, left, a_name);
                        let b = self.side_type(b, right, b_name);
                        self.comparable(a, b, expr.span);
                        keys.push(b_name);
                    }
                    (Some(("$right", a_name)), Some(("$left", b_name))) => self.error_hint(
                        Code::Join,
                        expr.span,
                        "`$left` must stand on the left of `==`",
                        format!("write $left.{b_name} == $right.{a_name}"),
                    ),
                    _ => self.error_hint(
                        Code::Join,
                        expr.span,
                        "a join compares a column of each side",
                        "write the name of a column that both sides have, or $left.A == $right.B",
                    ),
                }
            }
            _ => self.error_hint(
                Code::Join,
                expr.span,
                "a join's condition is a column that both sides have, or $left.A == $right.B",
                "make the column first: `| extend Key = tolower(A)` on each side",
            ),
        }
    }

    fn side_type(&mut self, expr: &'t Expr<'a>, table: &Table<'a>, name: &'a str) -> Type {
        table.type_of(name).unwrap_or_else(|| {
            if let ExprKind::Member { member, .. } = &expr.kind
                && let ExprKind::Name(name) = &member.kind
            {
                self.unknown_column(*name, table, Some("that side of the join"));
            }
            Type::Unknown
        })
    }

    fn comparable(&mut self, left: Type, right: Type, span: Span) {
        let number = |ty: Type| ty.is_number();
        let fits = left == right
            || left == Type::Unknown
            || right == Type::Unknown
            || left.is_dynamic()
            || right.is_dynamic()
            || number(left) && number(right);
        if !fits {
            self.error_hint(
                Code::Join,
                span,
                format!("the keys of a join are of the same type, and these are {left} and {right}"),
                "turn one of them into the other's type before the join, for instance with tostring()",
            );
        }
    }
}

/// `$left.A` as its side and name.
fn side<'a>(expr: &Expr<'a>) -> Option<(&'a str, &'a str)> {
    match &expr.kind {
        ExprKind::Paren(inner) => side(inner),
        ExprKind::Member { object, member } => match (&object.kind, &member.kind) {
            (ExprKind::Name(object), ExprKind::Name(member)) if matches!(object.text, "$left" | "$right") => {
                Some((object.text, member.text))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The kind of a join.
fn kind<'a>(settings: &[Setting<'a>]) -> &'a str {
    let kind = settings.iter().find(|setting| setting.name.text == "kind");
    match kind.map(|setting| &setting.value.kind) {
        Some(ExprKind::Name(name)) => name.text,
        _ => "innerunique",
    }
}
