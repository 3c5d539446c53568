//! Reads the text tables.
//!
//! A line is a signature; the signatures of one function follow one another:
//!
//! ```text
//! name(parameter:[form ]kind[occurrences][ <values>][ ~], …) result [@naming] [!instead] [~mark …]
//! ```
//!
//! Occurrences: `?` none or one, `+` one or more, `*` any number, `{2,64}`, `{2,}`; else exactly one.
//! Naming: `@first`, `@only`, `@column`, `@name_first`, `@name_only`, `@set_`, `@only:set_`, `@=fixed`.
//! Marks: `~hidden`, `~graph` (only in operators of graphs), `~run` (never a constant), `~varies` (not deterministic).

use super::{Accepts, Entity, Form, Function, Naming, Output, Param, Returns, Shared, Signature};
use crate::rules::kql::known::Known;
use crate::rules::kql::types::{Dynamic, Element, Type};

/// Scalar functions.
pub(super) const FUNCTIONS: &str = include_str!("functions.txt");
/// Aggregates.
pub(super) const AGGREGATES: &str = include_str!("aggregates.txt");
/// Plugins.
pub(super) const PLUGINS: &str = include_str!("plugins.txt");

/// All functions of a table by name, or the first line that can't be read.
pub(super) fn table(text: &'static str) -> Result<Known<&'static str, Function>, &'static str> {
    let mut found: Known<&'static str, Function> = Known::default();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut read = function(line).ok_or(line)?;
        if let Some(earlier) = found.get_mut(read.name) {
            earlier.signatures.append(&mut read.signatures);
        } else {
            found.insert(read.name, read);
        }
    }
    for function in found.values_mut() {
        // Retired is what all signatures are; else it is said of the one.
        function.retired = function.signatures.first().and_then(|first| first.retired);
        if function.signatures.iter().any(|signature| signature.retired.is_none()) {
            function.retired = None;
        }
    }
    Ok(found)
}

fn function(line: &'static str) -> Option<Function> {
    let (name, rest) = line.split_once('(')?;
    let (inside, rest) = closing(rest, '(', ')')?;
    let (result, marks) = marks(rest);
    let mut function = Function {
        name,
        signatures: Vec::new(),
        naming: Naming::None,
        retired: None,
        hidden: false,
        graph: false,
        deterministic: true,
        constant: true,
    };
    for mark in marks.split_whitespace() {
        match mark {
            "~hidden" => function.hidden = true,
            "~graph" => function.graph = true,
            "~run" => function.constant = false,
            "~varies" => function.deterministic = false,
            _ => match mark.split_at_checked(1)? {
                ("!", instead) => function.retired = Some(instead),
                ("@", how) => function.naming = naming(how),
                _ => return None,
            },
        }
    }
    let params = pieces(inside).map(param).collect::<Option<_>>()?;
    function.signatures.push(Signature { params, returns: returns(result)?, retired: function.retired });
    Some(function)
}

/// What stands before the bracket that closes, and behind it.
fn closing(text: &'static str, open: char, close: char) -> Option<(&'static str, &'static str)> {
    let mut depth = 0u32;
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            if depth == 0 {
                return Some((text.get(..at)?, text.get(at + 1..)?));
            }
            depth -= 1;
        }
    }
    None
}

/// The result, and the marks behind it.
fn marks(rest: &'static str) -> (&'static str, &'static str) {
    let at = [" @", " !", " ~"].iter().filter_map(|mark| rest.find(mark)).min().unwrap_or(rest.len());
    let (result, marks) = rest.split_at(at);
    (result.trim(), marks)
}

/// The parts between commas.
fn pieces(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split(", ").map(str::trim).filter(|piece| !piece.is_empty())
}

fn naming(how: &'static str) -> Naming {
    match how {
        "first" => Naming::First,
        "only" => Naming::Only,
        "column" => Naming::FirstIfColumn,
        "name_first" => Naming::NameAndFirst,
        "name_only" => Naming::NameAndOnly,
        _ => {
            if let Some(fixed) = how.strip_prefix('=') {
                Naming::Fixed(fixed)
            } else if let Some(prefix) = how.strip_prefix("only:") {
                Naming::PrefixAndOnly(prefix)
            } else {
                Naming::Prefix(how)
            }
        }
    }
}

fn param(text: &'static str) -> Option<Param> {
    let (name, rest) = text.split_once(':')?;
    let (rest, tilde) = rest.strip_suffix(" ~").map_or((rest, false), |rest| (rest, true));
    let (rest, values) = rest.split_once(" <").map_or((rest, ""), |(rest, values)| (rest, values));
    let values = values.strip_suffix('>').unwrap_or(values).split('|').filter(|v| !v.is_empty()).collect();
    let (form, rest) = rest.split_once(' ').map_or(("", rest), |(form, rest)| (form, rest));
    let (kind, min, max) = occurrences(rest)?;
    Some(Param { name, accepts: accepts(kind)?, form: self::form(form)?, min, max, values, tilde })
}

fn form(word: &str) -> Option<Form> {
    Some(match word {
        "" => Form::Expression,
        "star" => Form::Star,
        "starred" => Form::StarAllowed,
        "aggregate" => Form::Aggregate,
        "column" => Form::Column,
        "column0" => Form::ColumnOf0,
        "literal" => Form::Literal,
        "filled" => Form::LiteralNotEmpty,
        "constant" => Form::Constant,
        _ => return None,
    })
}

fn occurrences(text: &'static str) -> Option<(&'static str, u32, u32)> {
    if let Some((kind, range)) = text.split_once('{') {
        let (min, max) = range.strip_suffix('}')?.split_once(',')?;
        let max = if max.is_empty() { u32::MAX } else { max.parse().ok()? };
        return Some((kind, min.parse().ok()?, max));
    }
    let counts = [('?', 0, 1), ('+', 1, u32::MAX), ('*', 0, u32::MAX)];
    let count = counts.iter().find_map(|(mark, min, max)| Some((text.strip_suffix(*mark)?, *min, *max)));
    Some(count.unwrap_or((text, 1, 1)))
}

fn accepts(kind: &str) -> Option<Accepts> {
    Some(match kind {
        "any" => Accepts::Any,
        "scalar" => Accepts::Scalar,
        "integer" => Accepts::Integer,
        "real_or_decimal" => Accepts::RealOrDecimal,
        "number" => Accepts::Number,
        "number_or_bool" => Accepts::NumberOrBool,
        "summable" => Accepts::Summable,
        "orderable" => Accepts::Orderable,
        "text" => Accepts::StringOrDynamic,
        "strings" => Accepts::StringOrArray,
        "integers" => Accepts::IntegerOrArray,
        "array" => Accepts::DynamicArray,
        "bag" => Accepts::DynamicBag,
        "not_dynamic" => Accepts::NotDynamic,
        "not_bool" => Accepts::NotBool,
        "not_real_or_bool" => Accepts::NotRealOrBool,
        "common" => Accepts::Common(Shared::Scalar),
        "common_orderable" => Accepts::Common(Shared::Orderable),
        "common_or_dynamic" => Accepts::Common(Shared::ScalarOrDynamic),
        "table" => Accepts::Tabular,
        _ => Accepts::Type(named(kind)?),
    })
}

fn named(word: &str) -> Option<Type> {
    Some(match word {
        "type" => Type::TypeOf,
        "bag" => Type::Dynamic(Dynamic::Bag),
        "array" => Type::Dynamic(Dynamic::Array(Element::Any)),
        _ => match word.strip_prefix("array<").and_then(|rest| rest.strip_suffix('>')) {
            Some(element) => Type::Dynamic(Dynamic::Array(self::element(element)?)),
            None => Type::named(word)?,
        },
    })
}

fn element(word: &str) -> Option<Element> {
    Some(match word {
        "bool" => Element::Bool,
        "long" => Element::Long,
        "real" => Element::Real,
        "string" => Element::String,
        "array" => Element::Array,
        "bag" => Element::Bag,
        _ => return None,
    })
}

fn returns(text: &'static str) -> Option<Returns> {
    if let Some(parts) = text.strip_prefix("rows(").and_then(|rest| rest.strip_suffix(')')) {
        return Some(Returns::Rows(pieces(parts).map(output).collect::<Option<_>>()?));
    }
    if let Some((head, rest)) = text.split_once('(') {
        let columns = pieces(rest.strip_suffix(')')?).map(|piece| {
            let (name, ty) = piece.split_once(':')?;
            Some((name, named(ty)?))
        });
        let columns = columns.collect::<Option<_>>()?;
        return match head {
            "columns" => Some(Returns::Table(columns)),
            "tuple" => Some(Returns::Tuple(columns)),
            _ => None,
        };
    }
    Some(match text {
        "as 0" => Returns::Argument(0),
        "as 1" => Returns::Argument(1),
        "typeof last" => Returns::LiteralOfLast,
        "typeof 0" => Returns::LiteralOf(0),
        "typeof 1" => Returns::LiteralOf(1),
        "promoted" => Returns::Promoted0,
        "widest" => Returns::Widest,
        "common" => Returns::Common,
        "common_or_dynamic" => Returns::CommonNotDynamic,
        "array of 0" => Returns::Array0,
        "array of common 0" => Returns::ArrayOfCommon(0),
        "array of common 1" => Returns::ArrayOfCommon(1),
        "concatenated" => Returns::Concatenated,
        "united" => Returns::United,
        "sorted" => Returns::Sorted,
        "custom" => Returns::Custom,
        _ => match text.strip_prefix("entity ") {
            Some(entity) => Returns::Entity(self::entity(entity)?),
            None => Returns::Type(named(text)?),
        },
    })
}

/// `in`, `in -0`, `right`, `right -1`, `open`, `1`, `from 5`, `typeof 0`, `a:long`, `a:=6`, `a_[1]_b:long`.
fn output(text: &'static str) -> Option<Output> {
    if let Some((name, ty)) = text.split_once(':') {
        if let Some(argument) = ty.strip_prefix('=') {
            return Some(Output::ColumnAs(name, argument.parse().ok()?));
        }
        let Some((before, rest)) = name.split_once('[') else {
            return Some(Output::Column(name, named(ty)?));
        };
        let (argument, after) = rest.split_once(']')?;
        return Some(Output::Named { before, argument: argument.parse().ok()?, after, ty: named(ty)? });
    }
    Some(match text.split_once(' ') {
        Some(("in", without)) => Output::InputWithout(without.strip_prefix('-')?.parse().ok()?),
        Some(("right", without)) => Output::LookedWithout(without.strip_prefix('-')?.parse().ok()?),
        Some(("from", argument)) => Output::ArgumentsFrom(argument.parse().ok()?),
        Some(("typeof", argument)) => Output::TypeOf(argument.parse().ok()?),
        Some(_) => return None,
        None => match text {
            "in" => Output::Input,
            "right" => Output::Looked,
            "open" => Output::Open,
            _ => Output::Argument(text.parse().ok()?),
        },
    })
}

fn entity(word: &str) -> Option<Entity> {
    Some(match word {
        "cluster" => Entity::Cluster,
        "database" => Entity::Database,
        "table" => Entity::Table,
        "external_table" => Entity::ExternalTable,
        "materialized_view" => Entity::MaterializedView,
        "entity_group" => Entity::EntityGroup,
        "stored_query_result" => Entity::StoredQueryResult,
        "graph" => Entity::Graph,
        _ => return None,
    })
}
