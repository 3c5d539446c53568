//! Operators that choose, make and rename columns.

use super::super::problem::Code;
use super::super::tree::{ColumnDecl, Expr, ExprKind, Item, MvColumn, ParsePart, Scan, Setting};
use super::super::types::{Dynamic, Type};
use super::output::{Named, Output};
use super::scope::{Column, Table, Value};
use super::{Binder, Row};

impl<'t, 'a> Binder<'t, 'a> {
    /// `extend`: new columns beside the old ones; none sees another of the same `extend`.
    pub(super) fn extend(&mut self, table: &Table<'a>, items: &'t [Item<'a>]) -> Table<'a> {
        let mut output = Output::over(table);
        self.making = items.iter().flat_map(|item| &item.names).map(|name| name.text).collect();
        self.with_table(table, |binder| {
            for item in items {
                let value = binder.value(&item.expr);
                binder.add(&mut output, item, &value);
            }
        });
        self.making.clear();
        output.table()
    }

    /// `project`: these columns alone.
    pub(super) fn project(&mut self, table: &Table<'a>, items: &'t [Item<'a>]) -> Table<'a> {
        // What the data alone knows may be there behind a project too.
        let mut output = Output::empty(table.open);
        self.with_table(table, |binder| {
            for item in items {
                if matches!(item.expr.kind, ExprKind::Star) {
                    binder.not_a_column(item.expr.span);
                    continue;
                }
                let value = binder.value(&item.expr);
                binder.add(&mut output, item, &value);
            }
        });
        output.table()
    }

    /// The columns of a list of names and wildcards.
    fn chosen(&mut self, table: &Table<'a>, columns: &'t [Expr<'a>]) -> Vec<Column<'a>> {
        let mut chosen: Vec<Column<'a>> = Vec::new();
        for expr in columns {
            if let ExprKind::Wildcard(pattern) = &expr.kind {
                let matching = table.columns.iter().filter(|column| fits(pattern.text, &column.name));
                let before = chosen.len();
                chosen.extend(matching.cloned());
                if chosen.len() == before && !table.open {
                    self.error_hint(
                        Code::Column,
                        expr.span,
                        format!("no column fits `{}`", pattern.text),
                        "names are case-sensitive; an operator before this one may have left the columns out",
                    );
                }
            } else if matches!(expr.kind, ExprKind::Star) {
                chosen.extend(table.columns.iter().cloned());
            } else if let Some(name) = self.column_expr(expr, table) {
                let ty = table.type_of(name.text).unwrap_or(Type::Unknown);
                chosen.push(Column::new(name.text, ty));
            }
        }
        chosen
    }

    /// `project-away`.
    pub(super) fn project_away(&mut self, table: &Table<'a>, columns: &'t [Expr<'a>]) -> Table<'a> {
        let away = self.chosen(table, columns);
        let keep = table.columns.iter().filter(|column| !away.iter().any(|away| away.name == column.name));
        Table { open: table.open, ..Table::of(keep.cloned().collect()) }
    }

    /// `project-keep`.
    pub(super) fn project_keep(&mut self, table: &Table<'a>, columns: &'t [Expr<'a>]) -> Table<'a> {
        let wild = columns.iter().any(|column| matches!(column.kind, ExprKind::Wildcard(_)));
        let keep = self.chosen(table, columns);
        let mut kept: Vec<Column<'a>> =
            table.columns.iter().filter(|column| keep.iter().any(|keep| keep.name == column.name)).cloned().collect();
        if table.open {
            kept.extend(keep.iter().filter(|keep| table.column(&keep.name).is_none()).cloned());
        }
        Table { open: table.open && wild, ..Table::of(kept) }
    }

    /// `project-reorder`.
    pub(super) fn project_reorder(&mut self, table: &Table<'a>, columns: &'t [Expr<'a>]) -> Table<'a> {
        let first = self.chosen(table, columns);
        let mut order: Vec<Column<'a>> = Vec::new();
        for column in first.into_iter().chain(table.columns.iter().cloned()) {
            if !order.iter().any(|placed| placed.name == column.name) {
                order.push(column);
            }
        }
        Table { open: table.open, ..Table::of(order) }
    }

    /// `project-rename`.
    pub(super) fn project_rename(&mut self, table: &Table<'a>, items: &'t [Item<'a>]) -> Table<'a> {
        let mut columns = table.columns.to_vec();
        for item in items {
            let Some(old) = self.column_expr(&item.expr, table) else { continue };
            let Some(new) = item.names.first() else {
                self.error_hint(
                    Code::Syntax,
                    item.span,
                    "a column is renamed as `New = Old`",
                    "write the new name and `=` before it",
                );
                continue;
            };
            if table.column(new.text).is_some() && old.text != new.text {
                self.twice(new.text, new.span);
            }
            match columns.iter_mut().find(|column| column.name == old.text) {
                Some(column) => column.name = new.text.into(),
                None => columns.push(Column::new(new.text, Type::Unknown)),
            }
        }
        Table { open: table.open, ..Table::of(columns) }
    }

    /// `distinct`.
    pub(super) fn distinct(&mut self, table: &Table<'a>, items: &'t [Item<'a>]) -> Table<'a> {
        if items.iter().any(|item| matches!(item.expr.kind, ExprKind::Star)) {
            return table.clone();
        }
        self.project(table, items)
    }

    /// What `mv-expand` and `mv-apply` make of their columns.
    fn expanded(&mut self, table: &Table<'a>, settings: &[Setting<'a>], columns: &'t [MvColumn<'a>]) -> Table<'a> {
        let mut out = table.clone();
        for column in columns {
            let expr = &column.item.expr;
            let ty = self.with_table(table, |binder| binder.scalar(expr));
            if !ty.is_dynamic() && ty != Type::Unknown {
                self.error_hint(
                    Code::Type,
                    expr.span,
                    format!("only a dynamic value can be expanded, and this is a {ty}"),
                    "make it one: parse_json(…), split(…), make_set(…)",
                );
            }
            let ty = column.ty.unwrap_or(match ty {
                Type::Dynamic(Dynamic::Bag) => Type::Dynamic(Dynamic::Bag),
                _ => Type::DYNAMIC,
            });
            match (column.item.names.as_slice(), self.made_name(expr)) {
                ([name, ..], _) => out.set(Column::new(name.text, ty)),
                ([], Named::Own(name) | Named::Made(name)) => out.set(Column::new(name, ty)),
                ([], Named::None) => out.append(Column::new("Column1", ty)),
            }
        }
        for setting in settings.iter().filter(|setting| setting.name.text == "with_itemindex") {
            if let ExprKind::Name(name) = &setting.value.kind {
                out.set(Column::new(name.text, Type::Long));
            }
        }
        out
    }

    /// `mv-expand`.
    pub(super) fn mv_expand(
        &mut self,
        table: &Table<'a>,
        settings: &[Setting<'a>],
        columns: &'t [MvColumn<'a>],
    ) -> Table<'a> {
        self.expanded(table, settings, columns)
    }

    /// `mv-apply`: the outer columns, and over them what the inner query makes.
    pub(super) fn mv_apply(
        &mut self,
        table: &Table<'a>,
        settings: &[Setting<'a>],
        columns: &'t [MvColumn<'a>],
        body: Option<&'t Expr<'a>>,
    ) -> Table<'a> {
        let expanded = self.expanded(table, settings, columns);
        let Some(body) = body else { return expanded };
        let inner = self.within(&expanded, body);
        let mut out = table.clone();
        for column in inner.columns.iter() {
            out.set(column.clone());
        }
        Table { open: table.open || inner.open, ..out }
    }

    /// `parse`, `parse-where`.
    pub(super) fn parse(&mut self, table: &Table<'a>, source: &'t Expr<'a>, pattern: &'t [ParsePart<'a>]) -> Table<'a> {
        self.with_table(table, |binder| binder.scalar(source));
        let mut out = table.clone();
        let mut before: Option<&ParsePart<'a>> = None;
        for part in pattern {
            self.parse_order(before, part);
            before = Some(part);
            match part {
                ParsePart::Column { name, ty } => out.set(Column::new(name.text, ty.unwrap_or(Type::String))),
                ParsePart::Text(text) => {
                    self.without_row(|binder| binder.scalar(text));
                }
                ParsePart::Star(_) => {}
            }
        }
        out
    }

    /// Which part of a pattern may follow which.
    fn parse_order(&mut self, before: Option<&ParsePart<'a>>, part: &ParsePart<'a>) {
        match (before, part) {
            (Some(ParsePart::Column { ty: None | Some(Type::String), .. }), ParsePart::Star(span)) => self.error_hint(
                Code::Syntax,
                *span,
                "`*` can't stand right behind a text column",
                "put the text between them that ends the column, or give the column another type",
            ),
            (Some(ParsePart::Column { .. } | ParsePart::Star(_)), ParsePart::Column { name, .. }) => self.error_hint(
                Code::Syntax,
                name.span,
                format!("a text must stand before `{}`", name.text),
                "a pattern has texts and names by turns: \"text\" Name \"text\" *",
            ),
            _ => {}
        }
    }

    /// `parse-kv`.
    pub(super) fn parse_kv(
        &mut self,
        table: &Table<'a>,
        source: &'t Expr<'a>,
        columns: &[ColumnDecl<'a>],
    ) -> Table<'a> {
        self.with_table(table, |binder| binder.scalar(source));
        let mut out = table.clone();
        for column in columns {
            out.set(Column::new(column.name.text, column.ty));
        }
        out
    }

    /// `scan`.
    pub(super) fn scan(&mut self, table: &Table<'a>, scan: &'t Scan<'a>) -> Table<'a> {
        let mut out = table.clone();
        for param in &scan.declare {
            let ty = match &param.kind {
                super::super::tree::ParamKind::Scalar(ty) => *ty,
                _ => Type::Unknown,
            };
            out.set(Column::new(param.name.text, ty));
        }
        let qualified = scan.steps.iter().map(|step| (step.name.text, out.clone())).collect();
        let row = Row { table: Some(out.clone()), qualified, ..Row::default() };
        self.with_row(row, |binder| {
            for ordering in &scan.order {
                binder.scalar(&ordering.item.expr);
            }
            for expr in &scan.partition {
                binder.scalar(expr);
            }
            for step in &scan.steps {
                let ty = binder.scalar(&step.condition);
                binder.must_be_bool(ty, step.condition.span, "the condition of a step");
                for assignment in &step.assignments {
                    binder.scalar(&assignment.expr);
                }
            }
        });
        let id = scan.settings.iter().find(|setting| setting.name.text == "with_match_id");
        let id = match id.map(|setting| &setting.value.kind) {
            Some(ExprKind::Name(name)) => name.text,
            _ => "match_id",
        };
        out.set(Column::new(id, Type::Long));
        out
    }

    /// The value of an item, as a scalar.
    pub(super) fn item(&mut self, item: &'t Item<'a>) -> Type {
        match self.value(&item.expr) {
            Value::Scalar(ty) => ty,
            _ => Type::Unknown,
        }
    }
}

/// Whether a name fits a pattern with stars.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return false };
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}
