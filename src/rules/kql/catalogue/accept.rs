//! Which values a parameter takes.
//!
//! Little turns into another type by itself: an `int` into a `long`, both into a `real`, and a
//! `dynamic` of which nothing more is known into a `string`. A literal is as strict as a column.

use super::{Accepts, Shared};
use crate::rules::kql::types::{Dynamic, Element, Type};

/// A scalar of type `ty` may stand for a parameter that accepts `accepts`.
///
/// What isn't known is taken. A table is never a scalar: [`Accepts::Tabular`] takes no type. For
/// [`Accepts::Common`] this says only that the type can be one of several; that they share one, the
/// caller must see.
#[must_use]
pub fn accepts(accepts: Accepts, ty: Type) -> bool {
    if ty == Type::Unknown {
        return accepts != Accepts::Tabular;
    }
    match accepts {
        Accepts::Tabular => false,
        Accepts::Any | Accepts::Scalar | Accepts::Common(Shared::Scalar | Shared::ScalarOrDynamic) => true,
        Accepts::Type(wanted) => becomes(ty, wanted),
        Accepts::Integer => ty.is_integer(),
        Accepts::RealOrDecimal => matches!(ty, Type::Real | Type::Decimal),
        Accepts::Number => ty.is_number(),
        Accepts::NumberOrBool => ty.is_number() || ty == Type::Bool,
        Accepts::Summable => ty.is_summable(),
        Accepts::Orderable | Accepts::Common(Shared::Orderable) => orderable(ty),
        Accepts::StringOrDynamic => ty == Type::String || ty.is_dynamic(),
        Accepts::StringOrArray => ty == Type::String || dynamic_of(ty, &[Element::String]),
        Accepts::IntegerOrArray => ty.is_integer() || dynamic_of(ty, &[Element::Int, Element::Long]),
        Accepts::DynamicArray => matches!(ty, Type::Dynamic(Dynamic::Any | Dynamic::Array(_))),
        Accepts::DynamicBag => matches!(ty, Type::Dynamic(Dynamic::Any | Dynamic::Bag)),
        Accepts::NotDynamic => !ty.is_dynamic(),
        Accepts::NotBool => ty != Type::Bool,
        Accepts::NotRealOrBool => !matches!(ty, Type::Real | Type::Bool),
    }
}

/// A value of type `from` is taken where `wanted` is wanted.
fn becomes(from: Type, wanted: Type) -> bool {
    match (wanted, from) {
        (Type::Unknown, _)
        | (Type::Dynamic(Dynamic::Any), Type::Dynamic(_))
        | (Type::Long, Type::Int)
        | (Type::Real, Type::Int | Type::Long)
        | (Type::String, Type::Dynamic(Dynamic::Any | Dynamic::Value(Element::Any))) => true,
        _ => wanted == from,
    }
}

fn orderable(ty: Type) -> bool {
    ty.is_summable() || matches!(ty, Type::String | Type::Bool)
}

/// A dynamic that may be an array of one of these, or one value of them.
fn dynamic_of(ty: Type, elements: &[Element]) -> bool {
    match ty {
        Type::Dynamic(Dynamic::Any) => true,
        Type::Dynamic(Dynamic::Array(of) | Dynamic::Value(of)) => of == Element::Any || elements.contains(&of),
        _ => false,
    }
}
