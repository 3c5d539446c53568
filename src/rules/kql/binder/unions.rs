//! Several tables as one: `union`, `search`, `find`.

use std::borrow::Cow;
use std::collections::HashMap;

use super::super::problem::{Code, Problem};
use super::super::span::Span;
use super::super::tree::{Binary, Expr, ExprKind, FindColumn, Setting};
use super::super::types::Type;
use super::Binder;
use super::reshape::fits;
use super::scope::{Column, Table, Value};

impl<'t, 'a> Binder<'t, 'a> {
    /// `union`.
    pub(super) fn union(
        &mut self,
        input: Option<&Table<'a>>,
        settings: &'t [Setting<'a>],
        tables: &'t [Expr<'a>],
    ) -> Table<'a> {
        let bool_literal =
            |value: &Expr<'_>| matches!(&value.kind, ExprKind::Literal(literal) if literal.ty == Type::Bool);
        if let Some(value) = setting(settings, "isfuzzy").filter(|value| !bool_literal(value)) {
            self.error(Code::Parameter, value.span, "`isfuzzy` is true or false");
        }
        let fuzzy = setting(settings, "isfuzzy")
            .is_some_and(|value| !matches!(&value.kind, ExprKind::Literal(literal) if literal.text == "false"));
        let mut all: Vec<Table<'a>> = input.cloned().into_iter().collect();
        let context = self.context.take();
        self.without_row(|binder| {
            for table in tables {
                binder.member_of_union(table, fuzzy, &mut all);
            }
        });
        self.context = context;
        let mut out = merged(&all);
        let source = setting(settings, "withsource").or_else(|| setting(settings, "with_source"));
        if let Some(ExprKind::Name(name)) = source.map(|value| &value.kind) {
            let mut columns = vec![Column::new(name.text, Type::String)];
            columns.extend(out.columns.iter().filter(|column| column.name != name.text).cloned());
            out = Table { open: out.open, ..Table::of(columns) };
        }
        out
    }

    fn member_of_union(&mut self, expr: &'t Expr<'a>, fuzzy: bool, all: &mut Vec<Table<'a>>) {
        match &expr.kind {
            ExprKind::Wildcard(pattern) => {
                let mut names: Vec<&'a str> =
                    self.schema.tables().map(|table| &*table.name).filter(|name| fits(pattern.text, name)).collect();
                // The schema is in no order; what comes out must be in the same one each time.
                names.sort_unstable();
                if names.is_empty() && !self.schema.workspace() {
                    self.error_hint(
                        Code::Table,
                        expr.span,
                        format!("no table fits `{}`", pattern.text),
                        "names are case-sensitive",
                    );
                }
                if names.is_empty() || self.schema.workspace() {
                    all.push(Table::unknown());
                }
                for name in names {
                    all.extend(self.schema_table(name));
                }
            }
            ExprKind::Star => all.push(Table::unknown()),
            ExprKind::Name(name) if fuzzy && !self.has_table(name.text) => {
                let message = format!("no table `{}`: the union leaves it out", name.text);
                self.tell(Problem::warning(Code::Unknowable, name.span, message));
                all.push(Table::unknown());
            }
            ExprKind::Paren(inner) => self.member_of_union(inner, fuzzy, all),
            _ if fuzzy => {
                // What is unknown inside a fuzzy union is no error: the service leaves it out.
                let table = self.warily(|binder| binder.table(expr));
                all.push(table);
            }
            _ => all.push(self.table(expr)),
        }
    }

    /// Walks, and tells unknown tables as warnings.
    fn warily<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.problems.len();
        let done = work(self);
        for problem in self.problems.iter_mut().skip(before) {
            if matches!(problem.code, Code::Table) {
                problem.level = crate::model::place::Level::Warning;
            }
        }
        done
    }

    fn has_table(&self, name: &str) -> bool {
        self.schema.table(name).is_some() || self.locals.iter().any(|local| local.name == name)
    }

    /// `search` and `find` at the beginning: the tables that they look into.
    pub(super) fn searched(&mut self, tables: Option<&'t [Expr<'a>]>) -> Table<'a> {
        let Some(tables) = tables else { return Table::unknown() };
        let mut all = Vec::new();
        self.without_row(|binder| {
            for table in tables {
                binder.member_of_union(table, false, &mut all);
            }
        });
        merged(&all)
    }

    /// `search …`.
    pub(super) fn search(&mut self, tables: Option<&'t [Expr<'a>]>, predicate: &'t Expr<'a>) -> Table<'a> {
        let table = self.searched(tables);
        let ty = self.with_table(&table, |binder| binder.search_predicate(predicate));
        self.must_be_searchable(ty, predicate.span);
        let mut columns = vec![Column::new("$table", Type::String)];
        columns.extend(table.columns.iter().cloned());
        Table { open: table.open, ..Table::of(columns) }
    }

    /// `find …`.
    pub(super) fn find(
        &mut self,
        settings: &'t [Setting<'a>],
        tables: Option<&'t [Expr<'a>]>,
        predicate: Option<&'t Expr<'a>>,
        project: Option<&'t [FindColumn<'a>]>,
    ) -> Table<'a> {
        let table = self.searched(tables);
        if let Some(predicate) = predicate {
            let ty = self.with_table(&table, |binder| binder.search_predicate(predicate));
            self.must_be_searchable(ty, predicate.span);
        }
        let source = match setting(settings, "withsource").map(|value| &value.kind) {
            Some(ExprKind::Name(name)) => name.text,
            _ => "source_",
        };
        let mut columns = vec![Column::new(source, Type::String)];
        let Some(project) = project else {
            columns.push(Column::new("pack_", Type::DYNAMIC));
            return Table { open: true, ..Table::of(columns) };
        };
        for column in project {
            let ty = if column.pack {
                Type::DYNAMIC
            } else {
                column.ty.or(table.type_of(column.name.text)).unwrap_or(Type::Unknown)
            };
            columns.push(Column::new(if column.pack { "pack_" } else { column.name.text }, ty));
        }
        Table::of(columns)
    }

    /// A predicate in which a bare text is a term to be looked for.
    pub(super) fn search_predicate(&mut self, expr: &'t Expr<'a>) -> Type {
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Star => Type::Bool,
            ExprKind::Paren(inner) => self.search_predicate(inner),
            ExprKind::Binary { op: Binary::And | Binary::Or, left, right, .. } => {
                for side in [left, right] {
                    let ty = self.search_predicate(side);
                    self.must_be_searchable(ty, side.span);
                }
                Type::Bool
            }
            ExprKind::Call { name, args } if name.text == "not" && args.len() == 1 => {
                args.first().map_or(Type::Bool, |arg| self.search_predicate(&arg.expr))
            }
            _ => match self.value(expr) {
                Value::Scalar(ty) => ty,
                _ => Type::Unknown,
            },
        }
    }

    pub(super) fn must_be_searchable(&mut self, ty: Type, span: Span) {
        if !matches!(ty, Type::String) {
            self.must_be_bool(ty, span, "what is searched for");
        }
    }
}

/// The value of a parameter.
pub(super) fn setting<'t, 'a>(settings: &'t [Setting<'a>], name: &str) -> Option<&'t Expr<'a>> {
    settings.iter().find(|setting| setting.name.text == name).map(|setting| &setting.value)
}

/// The columns of several tables as one: a name with several types becomes one column for each.
fn merged<'a>(tables: &[Table<'a>]) -> Table<'a> {
    let mut order: Vec<(Cow<'a, str>, Vec<Type>)> = Vec::new();
    let mut places: HashMap<Cow<'a, str>, usize> = HashMap::new();
    for column in tables.iter().flat_map(|table| table.columns.iter()) {
        let place = *places.entry(column.name.clone()).or_insert_with(|| {
            order.push((column.name.clone(), Vec::new()));
            order.len() - 1
        });
        if let Some((_, types)) = order.get_mut(place)
            && !types.iter().any(|ty| ty.name() == column.ty.name())
        {
            types.push(column.ty);
        }
    }
    let mut columns = Vec::with_capacity(order.len());
    let mut open = tables.iter().any(|table| table.open);
    for (name, types) in order {
        let known: Vec<Type> = types.iter().copied().filter(|ty| *ty != Type::Unknown).collect();
        match known.as_slice() {
            [] => columns.push(Column::new(name, Type::Unknown)),
            [only] => columns.push(Column::new(name, *only)),
            several => {
                for ty in several {
                    columns.push(Column::new(format!("{name}_{ty}"), *ty));
                }
                // With tables that aren't known, the name itself may be there.
                open |= types.len() > several.len();
            }
        }
    }
    Table { open, ..Table::of(columns) }
}

#[cfg(test)]
mod tests {
    use super::{Column, Table, Type, merged};

    fn table(columns: &[(&'static str, Type)]) -> Table<'static> {
        Table::of(columns.iter().map(|(name, ty)| Column::new(*name, *ty)).collect())
    }

    fn shown(table: &Table<'_>) -> Vec<String> {
        table.columns.iter().map(|column| format!("{}:{}", column.name, column.ty)).collect()
    }

    #[test]
    fn columns_of_one_name_and_type_are_one() {
        let both = merged(&[
            table(&[("a", Type::Long), ("b", Type::String)]),
            table(&[("b", Type::String), ("c", Type::Bool), ("a", Type::Long)]),
        ]);
        assert_eq!(shown(&both), ["a:long", "b:string", "c:bool"]);
        assert!(!both.open);
    }

    #[test]
    fn a_name_with_several_types_becomes_a_column_for_each() {
        let both = merged(&[table(&[("a", Type::Long)]), table(&[("a", Type::String), ("b", Type::Bool)])]);
        assert_eq!(shown(&both), ["a_long:long", "a_string:string", "b:bool"]);
        assert!(!both.open);
    }

    #[test]
    fn an_unknown_type_gives_way_and_leaves_the_name_possible() {
        let one = merged(&[table(&[("a", Type::Unknown)]), table(&[("a", Type::Long)])]);
        assert_eq!(shown(&one), ["a:long"]);
        let several =
            merged(&[table(&[("a", Type::Unknown)]), table(&[("a", Type::Long)]), table(&[("a", Type::String)])]);
        assert_eq!(shown(&several), ["a_long:long", "a_string:string"]);
        assert!(several.open, "`a` itself may be there");
    }

    #[test]
    fn a_table_that_is_not_known_leaves_the_whole_open() {
        assert!(merged(&[table(&[("a", Type::Long)]), Table::unknown()]).open);
    }
}
