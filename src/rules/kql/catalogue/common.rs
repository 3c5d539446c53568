//! The type that several values share.

use super::Shared;
use crate::rules::kql::types::{Dynamic, Element, Type};

/// The type that arguments of [`super::Accepts::Common`] share; `None` where they share none and must.
///
/// Numbers widen (`int`, `long`, `real`, `decimal`), nothing else turns into another type. Where a
/// `dynamic` stands beside a scalar the two share nothing, unless `dynamic` is allowed for: then the
/// scalars alone decide. What isn't known is left out.
#[must_use]
pub fn common(shared: Shared, types: impl IntoIterator<Item = Type>) -> Option<Type> {
    let (mut plain, mut dynamic) = (Meet::Nothing, Meet::Nothing);
    for ty in types {
        match ty {
            Type::Unknown => {}
            Type::Dynamic(_) => dynamic = dynamic.with(ty, |a, b| Some(merge(a, b))),
            _ => plain = plain.with(ty, meet),
        }
    }
    match (shared, plain, dynamic) {
        (_, Meet::Nothing, Meet::Nothing) => Some(Type::Unknown),
        (_, Meet::At(ty), Meet::Nothing)
        | (Shared::ScalarOrDynamic, Meet::At(ty), _)
        | (Shared::Scalar | Shared::ScalarOrDynamic, Meet::Nothing, Meet::At(ty)) => Some(ty),
        (Shared::ScalarOrDynamic, _, _) => Some(Type::DYNAMIC),
        _ => None,
    }
}

/// A dynamic array of elements of type `ty`.
#[must_use]
pub fn array_of(ty: Type) -> Type {
    Type::Dynamic(Dynamic::Array(element(ty)))
}

/// A dynamic array of the type that `types` share, of anything where they share none.
#[must_use]
pub fn array_of_common(types: impl IntoIterator<Item = Type>) -> Type {
    let mut shared = Meet::Nothing;
    for ty in types {
        let ty = if ty == Type::Unknown { Element::Any } else { element(ty) };
        shared = shared.with(ty, widen);
    }
    Type::Dynamic(Dynamic::Array(if let Meet::At(element) = shared { element } else { Element::Any }))
}

/// What holds the elements of all `arrays`. An array of anything where one isn't known to be an array;
/// not even that if it isn't `certain` that an array comes out.
#[must_use]
pub fn joined(arrays: impl IntoIterator<Item = Type>, certain: bool) -> Type {
    let mut shared = Meet::Nothing;
    for ty in arrays {
        match ty {
            Type::Dynamic(Dynamic::Array(element)) => {
                shared = shared.with(element, |a, b| (a == b).then_some(a));
            }
            _ if certain => shared = Meet::Apart,
            _ => return Type::DYNAMIC,
        }
    }
    Type::Dynamic(Dynamic::Array(if let Meet::At(element) = shared { element } else { Element::Any }))
}

/// Where several meet.
#[derive(Clone, Copy)]
enum Meet<T> {
    Nothing,
    At(T),
    Apart,
}

impl<T> Meet<T> {
    fn with(self, next: T, meet: impl FnOnce(T, T) -> Option<T>) -> Self {
        match self {
            Self::Nothing => Self::At(next),
            Self::At(so_far) => meet(so_far, next).map_or(Self::Apart, Self::At),
            Self::Apart => Self::Apart,
        }
    }
}

fn meet(a: Type, b: Type) -> Option<Type> {
    let width = |ty| [Type::Int, Type::Long, Type::Real, Type::Decimal].iter().position(|number| *number == ty);
    match (width(a), width(b)) {
        _ if a == b => Some(a),
        (Some(left), Some(right)) => Some(if left < right { b } else { a }),
        _ => None,
    }
}

fn merge(a: Type, b: Type) -> Type {
    match (a, b) {
        _ if a == b => a,
        (Type::Dynamic(Dynamic::Array(_)), Type::Dynamic(Dynamic::Array(_))) => array_of(Type::DYNAMIC),
        _ => Type::DYNAMIC,
    }
}

fn widen(a: Element, b: Element) -> Option<Element> {
    match (a, b) {
        _ if a == b => Some(a),
        (Element::Real, Element::Long) | (Element::Long, Element::Real) => Some(Element::Real),
        _ => None,
    }
}

/// As an element of a dynamic: there is no `int` in it, and a `decimal` can be anything.
fn element(ty: Type) -> Element {
    match ty {
        Type::Bool => Element::Bool,
        Type::Int | Type::Long => Element::Long,
        Type::Real => Element::Real,
        Type::String => Element::String,
        Type::Datetime => Element::Datetime,
        Type::Timespan => Element::Timespan,
        Type::Guid => Element::Guid,
        Type::Dynamic(Dynamic::Array(_)) => Element::Array,
        Type::Dynamic(Dynamic::Bag) => Element::Bag,
        Type::Dynamic(Dynamic::Value(element)) => element,
        Type::Decimal | Type::Dynamic(Dynamic::Any) | Type::TypeOf | Type::Unknown => Element::Any,
    }
}
