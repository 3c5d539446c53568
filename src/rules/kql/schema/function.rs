//! The functions that Defender XDR adds to KQL's own.

use super::read::rows;
use crate::rules::kql::known::Known;
use crate::rules::kql::types::Type;

const FUNCTIONS: &str = include_str!("functions.tsv");

/// A function that Defender XDR adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaFunction {
    /// Its name.
    pub name: &'static str,
    /// In order; a [`ParamKind::Table`] is what is piped into it (`… | invoke F(…)`), and comes first.
    pub params: Vec<FunctionParam>,
    /// The columns of the table that is piped in come out too.
    pub keeps_input: bool,
    /// What comes out is documented well enough to call a column unknown behind it.
    pub certain: bool,
    /// The columns that come out (behind the input's, with a number at the end of a name that is
    /// there already).
    pub columns: Vec<(&'static str, Type)>,
}

impl SchemaFunction {
    /// It works on a table that is piped into it, and is called with `invoke`.
    #[must_use]
    pub fn invoked(&self) -> bool {
        matches!(self.params.first(), Some(FunctionParam { kind: ParamKind::Table(_), .. }))
    }
}

/// A parameter of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionParam {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: ParamKind,
    /// It may be left out.
    pub optional: bool,
    /// What is meant then, where that is documented.
    pub default: Option<&'static str>,
}

/// What a parameter takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParamKind {
    /// A value of this type.
    Scalar(Type),
    /// A table with at least these columns.
    Table(Vec<(&'static str, Type)>),
}

/// All of them by name.
pub(super) fn all() -> Known<&'static str, SchemaFunction> {
    rows(FUNCTIONS).filter_map(|row| read(&row)).map(|function| (function.name, function)).collect()
}

fn read(row: &[&'static str]) -> Option<SchemaFunction> {
    let [name, params, output, rest @ ..] = row else { return None };
    Some(SchemaFunction {
        name,
        params: params_of(params)?,
        keeps_input: output.starts_with('+'),
        certain: !output.ends_with('~'),
        columns: columns(rest.first().copied().unwrap_or_default()).collect(),
    })
}

/// `T:(IP:string,*),x:string=IP,y:datetime=`.
fn params_of(text: &'static str) -> Option<Vec<FunctionParam>> {
    let (table, scalars) = match text.strip_prefix("T:(") {
        Some(rest) => rest.split_once(')').map(|(inside, rest)| (Some(inside), rest))?,
        None => (None, text),
    };
    let table = table.map(|inside| FunctionParam {
        name: "T",
        kind: ParamKind::Table(columns(inside).collect()),
        optional: false,
        default: None,
    });
    let scalars = scalars.split(',').filter(|piece| !piece.is_empty()).map(|piece| {
        let (name, rest) = piece.split_once(':')?;
        let (ty, default) = rest.split_once('=').map_or((rest, None), |(ty, default)| (ty, Some(default)));
        Some(FunctionParam {
            name,
            kind: ParamKind::Scalar(Type::named(ty)?),
            optional: default.is_some(),
            default: default.filter(|text| !text.is_empty()),
        })
    });
    table.into_iter().map(Some).chain(scalars).collect()
}

/// `a:long,b:string,*`.
fn columns(text: &'static str) -> impl Iterator<Item = (&'static str, Type)> {
    text.split(',').filter_map(|piece| {
        let (name, ty) = piece.split_once(':')?;
        Some((name, Type::named(ty)?))
    })
}
