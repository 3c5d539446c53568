//! Which operands an operator takes, and what it gives.
//!
//! Where an operand isn't known the answer is the likeliest type, and never that the operator isn't
//! defined.

use crate::rules::kql::tree::{Binary, Membership, TextOp, TextWord};
use crate::rules::kql::types::{Dynamic, Element, Type};

/// The type of `left op right`; `None` where the operator isn't defined for them.
#[must_use]
pub fn binary(op: Binary, left: Type, right: Type) -> Option<Type> {
    let known = left != Type::Unknown && right != Type::Unknown;
    match op {
        Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Modulo => {
            if known {
                arithmetic(op, left, right)
            } else {
                Some(Type::Unknown)
            }
        }
        _ => (!known || compares(op, left, right)).then_some(Type::Bool),
    }
}

/// The type of `-operand` and `+operand`; `None` where it isn't defined.
#[must_use]
pub fn unary(_minus: bool, operand: Type) -> Option<Type> {
    match operand {
        Type::Int => Some(Type::Long),
        _ if operand.is_summable() || operand.is_dynamic() || operand == Type::Unknown => Some(operand),
        _ => None,
    }
}

/// `value op (…)` may be asked of a value of this type. The items may be of any type, or a table.
#[must_use]
pub fn membership(op: Membership, value: Type) -> bool {
    match op {
        Membership::In | Membership::NotIn => value != Type::TypeOf,
        Membership::InTilde | Membership::NotInTilde | Membership::HasAny | Membership::HasAll => {
            value == Type::Unknown || text(value)
        }
    }
}

/// `value between (low .. high)` may be asked of these types.
#[must_use]
pub fn between(value: Type, low: Type, high: Type) -> bool {
    if [value, low, high].contains(&Type::Unknown) || [value, low, high].iter().all(|ty| ty.is_number()) {
        return true;
    }
    match (value, low, high) {
        (Type::Datetime, Type::Datetime, Type::Datetime | Type::Timespan)
        | (Type::Timespan, Type::Timespan, Type::Timespan) => true,
        // A dynamic may stand in one of the first two places, if the last is as the second.
        _ => low == high && (value.is_number() && low.is_dynamic() || value.is_dynamic() && low.is_number()),
    }
}

fn logical(ty: Type) -> bool {
    matches!(ty, Type::Bool | Type::Dynamic(_))
}

fn text(ty: Type) -> bool {
    matches!(ty, Type::String | Type::Dynamic(_))
}

/// What the words that compare strings take: `has` and its like are stricter on the right.
fn words(op: TextOp, left: Type, right: Type) -> bool {
    let strict = matches!(op.word, TextWord::Has | TextWord::HasPrefix | TextWord::HasSuffix);
    text(left)
        && text(right)
        && (!strict || matches!(right, Type::String | Type::Dynamic(Dynamic::Any | Dynamic::Value(Element::Any))))
}

fn compares(op: Binary, left: Type, right: Type) -> bool {
    match op {
        Binary::Or | Binary::And => logical(left) && logical(right),
        Binary::Equal | Binary::NotEqual => true,
        Binary::EqualTilde | Binary::NotTilde | Binary::Search => text(left) && text(right),
        Binary::Text(op) => words(op, left, right),
        _ => ordered(left, right),
    }
}

fn ordered(left: Type, right: Type) -> bool {
    use Type::{Bool, Datetime, Timespan};
    match (left, right) {
        (Datetime, Datetime) | (Timespan, Timespan) | (Bool, Bool) => true,
        (Bool, other) | (other, Bool) => other.is_number(),
        _ => [left, right].iter().all(|ty| ty.is_number() || ty.is_dynamic()),
    }
}

fn arithmetic(op: Binary, left: Type, right: Type) -> Option<Type> {
    use Binary::{Add, Divide, Modulo, Multiply, Subtract};
    use Type::{Datetime, Timespan};
    if left.is_dynamic() || right.is_dynamic() {
        return with_dynamic(op, left, right);
    }
    if left.is_number() && right.is_number() {
        return Some(widest(left, right));
    }
    match (op, left, right) {
        (Add, Datetime, Datetime | Timespan)
        | (Add | Subtract, Timespan, Datetime)
        | (Subtract, Datetime, Timespan) => Some(Datetime),
        (Add | Subtract | Multiply | Modulo, Timespan, Timespan)
        | (Subtract, Datetime, Datetime)
        | (Modulo, Datetime, Datetime | Timespan) => Some(Timespan),
        (Divide, Datetime, Datetime | Timespan) | (Divide, Timespan, Timespan) => Some(Type::Real),
        (Multiply | Divide | Modulo, Datetime | Timespan, number) if number.is_number() => Some(left),
        (Multiply, number, Datetime | Timespan) if number.is_number() => Some(right),
        _ => None,
    }
}

/// A dynamic takes the other's type; only with `+` and `-` may that be a time.
fn with_dynamic(op: Binary, left: Type, right: Type) -> Option<Type> {
    let other = if left.is_dynamic() { right } else { left };
    let times = matches!(op, Binary::Add | Binary::Subtract);
    match other {
        Type::Dynamic(_) => Some(Type::DYNAMIC),
        Type::Int => Some(Type::Long),
        Type::Long | Type::Real | Type::Decimal => Some(other),
        Type::Datetime if op == Binary::Subtract => Some(Type::Timespan),
        Type::Datetime | Type::Timespan if times => Some(other),
        _ => None,
    }
}

/// The wider of two numbers, at least a `long`.
fn widest(left: Type, right: Type) -> Type {
    let wide = |wanted: Type| left == wanted || right == wanted;
    if wide(Type::Decimal) {
        Type::Decimal
    } else if wide(Type::Real) {
        Type::Real
    } else {
        Type::Long
    }
}
