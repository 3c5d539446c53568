//! `evaluate`: what plugins make of a table.

use super::super::catalogue::{self, Kind, Output as Part, Returns};
use super::super::problem::Code;
use super::super::tree::{ColumnDecl, Expr, ExprKind, Item, Name};
use super::super::types::Type;
use super::super::words::nearest;
use super::Binder;
use super::scope::{Column, Table};

impl<'t, 'a> Binder<'t, 'a> {
    /// `evaluate plugin(…)`.
    pub(super) fn evaluate(
        &mut self,
        table: &Table<'a>,
        call: &'t Expr<'a>,
        schema: Option<&'t [Option<ColumnDecl<'a>>]>,
    ) -> Table<'a> {
        let (name, args): (Name<'a>, &'t [Item<'a>]) = match &call.kind {
            ExprKind::Call { name, args } => (*name, args),
            ExprKind::Name(name) => (*name, &[]),
            _ => return Table::unknown(),
        };
        let Some(plugin) = catalogue::plugin(name.text) else {
            self.unknown_plugin(name);
            return Table::unknown();
        };
        self.with_table(table, |binder| binder.check(name, plugin, args));
        if let Some(schema) = schema {
            let mut out = if schema.iter().any(Option::is_none) { table.clone() } else { Table::default() };
            for column in schema.iter().flatten() {
                out.set(Column::new(column.name.text, column.ty));
            }
            return out;
        }
        let signature = plugin.signatures.iter().find(|signature| {
            let (least, most) = signature.arity();
            (least as usize..=most as usize).contains(&args.len())
        });
        match signature.map(|signature| &signature.returns) {
            Some(Returns::Table(columns)) => {
                Table::of(columns.iter().map(|(name, ty)| Column::new(*name, *ty)).collect())
            }
            Some(Returns::Rows(parts)) => self.rows(table, parts, args),
            _ if name.text == "pivot" => pivot(table, args),
            _ => Table { open: true, ..table.clone() },
        }
    }

    fn rows(&mut self, table: &Table<'a>, parts: &[Part], args: &'t [Item<'a>]) -> Table<'a> {
        let mut out = Table::default();
        for part in parts {
            match part {
                Part::Input => extend(&mut out, table, None),
                Part::InputWithout(at) => extend(&mut out, table, named(args, *at)),
                Part::Looked | Part::LookedWithout(_) => {
                    let Some(first) = args.first() else { continue };
                    let other = self.silently(|binder| binder.without_row(|binder| binder.table(&first.expr)));
                    let without = if let Part::LookedWithout(at) = part { named(args, *at) } else { None };
                    extend(&mut out, &other, without);
                }
                Part::Open => out.open = true,
                Part::Argument(at) => column(&mut out, table, args.get(*at)),
                Part::ArgumentsFrom(at) => {
                    for arg in args.iter().skip(*at) {
                        column(&mut out, table, Some(arg));
                    }
                }
                Part::TypeOf(at) => {
                    if let Some(ExprKind::TypeOf(columns)) = args.get(*at).map(|arg| &arg.expr.kind) {
                        for declared in columns {
                            match declared {
                                Some(declared) => out.append(Column::new(declared.name.text, declared.ty)),
                                None => extend(&mut out, table, None),
                            }
                        }
                    } else {
                        out.open = true;
                    }
                }
                Part::Column(name, ty) => out.append(Column::new(*name, *ty)),
                Part::ColumnAs(name, at) => {
                    let ty = named(args, *at).and_then(|of| table.type_of(of)).unwrap_or(Type::Unknown);
                    out.append(Column::new(*name, ty));
                }
                Part::Named { before, argument, after, ty } => {
                    let of = named(args, *argument).unwrap_or_default();
                    out.append(Column::new(format!("{before}{of}{after}"), *ty));
                }
            }
        }
        out
    }

    fn unknown_plugin(&mut self, name: Name<'a>) {
        if name.text.is_empty() {
            return;
        }
        let message = format!("no plugin `{}`", name.text);
        match nearest(name.text, catalogue::names(Kind::Plugin)) {
            Some(near) => self.error_hint(Code::Function, name.span, message, format!("did you mean `{near}`?")),
            None => self.error(Code::Function, name.span, message),
        }
    }
}

/// The name that an argument is.
fn named<'a>(args: &[Item<'a>], at: usize) -> Option<&'a str> {
    match &args.get(at)?.expr.kind {
        ExprKind::Name(name) => Some(name.text),
        _ => None,
    }
}

fn column<'a>(out: &mut Table<'a>, table: &Table<'a>, arg: Option<&Item<'a>>) {
    if let Some(ExprKind::Name(name)) = arg.map(|arg| &arg.expr.kind) {
        out.append(Column::new(name.text, table.type_of(name.text).unwrap_or(Type::Unknown)));
    }
}

fn extend<'a>(out: &mut Table<'a>, table: &Table<'a>, without: Option<&str>) {
    for column in table.columns.iter().filter(|column| Some(&*column.name) != without) {
        out.append(column.clone());
    }
    out.open |= table.open;
}

/// `pivot(x, sum(y), a, …)`: the columns named, or all that it doesn't use, and one for each value.
fn pivot<'a>(table: &Table<'a>, args: &[Item<'a>]) -> Table<'a> {
    let mut out = Table::default();
    for arg in args.iter().skip(2) {
        column(&mut out, table, Some(arg));
    }
    if args.len() <= 2 {
        extend(&mut out, table, named(args, 0));
    }
    out.open = true;
    out
}
