//! Whether arguments fit what a function takes, and what it returns for them.

use super::super::catalogue::{self, Accepts, Form, Param, Returns, Shared, Signature};
use super::super::span::Span;
use super::super::tree::{Expr, ExprKind};
use super::super::types::Type;
use super::scope::Value;

/// An argument, walked.
#[expect(clippy::struct_excessive_bools, reason = "each is one fact of an argument, free of the others")]
#[derive(Debug, Clone)]
pub(super) struct Argument<'a> {
    pub(super) value: Value<'a>,
    pub(super) span: Span,
    pub(super) constant: bool,
    pub(super) literal: bool,
    /// It is a bare name.
    pub(super) name: bool,
    /// The parameter that it is given to by name.
    pub(super) given: Option<&'a str>,
    /// The content of a literal text.
    pub(super) text: Option<&'a str>,
    pub(super) star: bool,
    /// Of `typeof(…)`.
    pub(super) names_type: Option<Type>,
}

impl Argument<'_> {
    /// The type of a single value.
    pub(super) fn ty(&self) -> Type {
        match &self.value {
            Value::Scalar(ty) => *ty,
            _ => Type::Unknown,
        }
    }
}

/// The first argument that the signature doesn't take.
pub(super) fn misfit(signature: &'static Signature, given: &[Argument<'_>]) -> Option<(usize, &'static Param)> {
    given.iter().enumerate().find_map(|(at, argument)| {
        let param = param_for(signature, at, given.len(), argument.given)?;
        (!fits(param, argument)).then_some((at, param))
    })
}

/// Least and most arguments.
pub(super) fn bounds(signature: &Signature) -> (usize, usize) {
    let (least, most) = signature.arity();
    (least as usize, most as usize)
}

/// Whether a signature takes so many arguments.
pub(super) fn takes(signature: &Signature, count: usize) -> bool {
    let (least, most) = bounds(signature);
    (least..=most).contains(&count) && (!in_pairs(signature) || (count - least).is_multiple_of(2))
}

/// Whether two parameters in a row repeat together.
fn in_pairs(signature: &Signature) -> bool {
    signature.params.windows(2).any(|pair| pair.iter().all(|param| param.max > 1))
}

/// The parameter that an argument is for: by its name, or else by its place.
pub(super) fn param_for(
    signature: &'static Signature,
    at: usize,
    count: usize,
    given: Option<&str>,
) -> Option<&'static Param> {
    let named = given.and_then(|given| signature.params.iter().find(|param| param.name == given));
    named.or_else(|| param_at(signature, at, count))
}

/// The parameter that the argument at a place is for, of so many in all.
fn param_at(signature: &'static Signature, at: usize, count: usize) -> Option<&'static Param> {
    let params = &signature.params;
    let repeated = params.iter().position(|param| param.max > 1);
    let Some(repeated) = repeated else { return params.get(at) };
    // Pairs that repeat together, and one at the end: `case`.
    if params.get(repeated + 1).is_some_and(|next| next.max > 1) {
        let last = params.get(repeated + 2);
        if at + 1 == count && last.is_some() {
            return last;
        }
        return params.get(repeated + (at - at.min(repeated)) % 2);
    }
    let behind = params.len() - repeated - 1;
    if at < repeated {
        params.get(at)
    } else if behind > 0 && params.iter().skip(repeated + 1).all(|param| param.min > 0) && at + behind >= count {
        params.get(params.len() - (count - at))
    } else {
        params.get(repeated)
    }
}

/// Whether an argument fits its parameter.
fn fits(param: &Param, argument: &Argument<'_>) -> bool {
    match argument.text {
        Some("~") if param.tilde => return true,
        Some(text)
            if !param.values.is_empty() && !param.values.iter().any(|value| value.eq_ignore_ascii_case(text)) =>
        {
            return false;
        }
        _ => {}
    }
    let form = match param.form {
        Form::Constant => argument.constant,
        Form::Literal | Form::LiteralNotEmpty => argument.literal,
        Form::Column | Form::ColumnOf0 => argument.name,
        Form::Star => argument.star,
        _ => true,
    };
    let star = !argument.star || matches!(param.form, Form::Star | Form::StarAllowed);
    form && star && type_fits(param, argument)
}

pub(super) fn type_fits(param: &Param, argument: &Argument<'_>) -> bool {
    match &argument.value {
        Value::Unknown => true,
        Value::Table(_) => matches!(param.accepts, Accepts::Tabular | Accepts::Any),
        Value::Database { .. } | Value::Graph(_) => param.accepts == Accepts::Any,
        Value::Scalar(ty) => catalogue::accepts(param.accepts, *ty),
    }
}

/// Whether a literal stands there, perhaps in parentheses or with a sign.
pub(super) fn is_literal(expr: &Expr<'_>) -> bool {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Dynamic(_) | ExprKind::TypeOf(_) | ExprKind::Missing => true,
        ExprKind::Paren(inner) => is_literal(inner),
        ExprKind::Unary { operand, .. } => is_literal(operand),
        _ => false,
    }
}

/// The content of a plain literal text.
pub(super) fn literal_text<'a>(expr: &Expr<'a>) -> Option<&'a str> {
    match &expr.kind {
        ExprKind::Literal(literal) if literal.ty == Type::String => {
            Some(literal.text.trim_start_matches('@').trim_matches(['"', '\'']))
        }
        ExprKind::Paren(inner) => literal_text(inner),
        _ => None,
    }
}

/// The types of the arguments that must agree.
pub(super) fn commons<'g>(signature: &'static Signature, given: &'g [Argument<'_>]) -> impl Iterator<Item = Type> + 'g {
    given.iter().enumerate().filter_map(move |(at, argument)| {
        let param = param_for(signature, at, given.len(), argument.given)?;
        matches!(param.accepts, Accepts::Common(_)).then(|| argument.ty())
    })
}

/// What arguments that must agree share.
pub(super) fn shared(signature: &Signature) -> Option<Shared> {
    signature.params.iter().find_map(|param| match param.accepts {
        Accepts::Common(shared) => Some(shared),
        _ => None,
    })
}

/// The wider of two numbers.
pub(super) fn widest(a: Type, b: Type) -> Type {
    let rank = |ty| match ty {
        Type::Int => 0,
        Type::Long => 1,
        Type::Real => 2,
        _ => 3,
    };
    if rank(a) >= rank(b) { a } else { b }
}

/// What a call returns.
pub(super) fn returned(signature: &'static Signature, given: &[Argument<'_>]) -> Type {
    let at = |place: usize| given.get(place).map_or(Type::Unknown, Argument::ty);
    match &signature.returns {
        Returns::Type(ty) => *ty,
        Returns::Argument(place) => at(*place),
        Returns::LiteralOf(place) => {
            given.get(*place).and_then(|argument| argument.names_type).unwrap_or(Type::Unknown)
        }
        Returns::LiteralOfLast => given.iter().rev().find_map(|argument| argument.names_type).unwrap_or(Type::Unknown),
        Returns::Promoted0 => match at(0) {
            Type::Int => Type::Long,
            other => other,
        },
        Returns::Array0 => catalogue::array_of(at(0)),
        Returns::Widest => given.iter().map(Argument::ty).filter(|ty| ty.is_number()).fold(Type::Long, widest),
        Returns::Common | Returns::CommonNotDynamic => {
            let shared = shared(signature).unwrap_or(Shared::Scalar);
            catalogue::common(shared, commons(signature, given)).unwrap_or(Type::Unknown)
        }
        Returns::ArrayOfCommon(from) => catalogue::array_of_common(given.iter().skip(*from).map(Argument::ty)),
        Returns::Concatenated => catalogue::joined(given.iter().map(Argument::ty), false),
        Returns::United => catalogue::joined(given.iter().map(Argument::ty), true),
        Returns::Sorted => at(0),
        Returns::Tuple(values) => values.first().map_or(Type::Unknown, |(_, ty)| *ty),
        Returns::Table(_) | Returns::Rows(_) | Returns::Entity(_) | Returns::Custom => Type::Unknown,
    }
}
