//! What a function takes, in words.

use super::super::catalogue::{Accepts, Form, Param, Shared, Signature};
use super::super::types::Type;

/// How a function is called.
pub(super) fn shape(name: &str, signature: &Signature) -> String {
    let params: Vec<String> = signature
        .params
        .iter()
        .map(|param| match (param.min, param.max) {
            (0, 1) => format!("[{}]", param.name),
            (_, 1) => param.name.to_owned(),
            _ => format!("{}, …", param.name),
        })
        .collect();
    format!("{name}({})", params.join(", "))
}

/// What a parameter takes, in words, and how to give it.
pub(super) fn expectation(param: &Param, ty: Type) -> (String, Option<&'static str>) {
    if !param.values.is_empty() {
        return (format!("one of \"{}\"", param.values.join("\", \"")), None);
    }
    match param.form {
        Form::Constant => {
            let hint = "a value that is known before the query runs: a literal or a `let`";
            return ("a constant".to_owned(), Some(hint));
        }
        Form::Literal | Form::LiteralNotEmpty => return ("a literal".to_owned(), Some("write the value itself here")),
        Form::Column | Form::ColumnOf0 => {
            return ("the name of a column".to_owned(), Some("make the column first: `| extend Name = …`"));
        }
        Form::Star => return ("`*`".to_owned(), None),
        _ => {}
    }
    let (text, hint): (&str, Option<&str>) = match param.accepts {
        Accepts::Type(wanted) => {
            let hint = match (wanted, ty) {
                (Type::Timespan, _) => Some("a duration is written without quotes: 1d, 2h, 5m"),
                (Type::String, Type::Dynamic(_)) => Some("wrap it in tostring()"),
                (Type::String, _) => Some("put it in quotes, or wrap it in tostring()"),
                (Type::Datetime, _) => Some("use todatetime(), or datetime(2026-01-31)"),
                (Type::Bool, _) => Some("write a condition: a comparison, or tobool()"),
                _ => None,
            };
            return (format!("a {wanted}"), hint);
        }
        Accepts::Integer => ("a whole number", Some("write it without quotes, or use toint()")),
        Accepts::RealOrDecimal => ("a real number", Some("use todouble()")),
        Accepts::Number | Accepts::NumberOrBool => {
            ("a number", Some("turn it into one: toint(), tolong(), todouble()"))
        }
        Accepts::Summable => {
            ("a number, datetime or timespan", Some("turn it into a number: toint(), tolong(), todouble()"))
        }
        Accepts::Orderable | Accepts::Common(Shared::Orderable) => {
            ("a value that can be ordered", Some("give the dynamic value a type: tostring(), tolong()"))
        }
        Accepts::StringOrDynamic | Accepts::StringOrArray => ("a string", Some("wrap it in tostring()")),
        Accepts::DynamicArray | Accepts::IntegerOrArray => {
            ("a dynamic array", Some("make one: parse_json(…), split(…), make_set(…)"))
        }
        Accepts::DynamicBag => ("a dynamic bag", Some("make one: parse_json(…), bag_pack(…)")),
        Accepts::NotDynamic => ("a value that isn't dynamic", Some("give it a type first: tostring(), tolong()")),
        Accepts::Tabular => ("a table", None),
        _ => ("a single value", Some("wrap a table in toscalar(…)")),
    };
    (text.to_owned(), hint)
}
