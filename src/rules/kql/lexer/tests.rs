use proptest::prelude::*;

use super::{Mark, Token, TokenKind, tokens};
use crate::rules::kql::types::Type;

/// The tokens of a text without blanks, each as its text and its kind.
fn kinds(text: &str) -> Vec<(&str, TokenKind)> {
    let shown = tokens(text).into_iter().filter(|token| token.kind != TokenKind::Blank);
    shown.map(|token| (token.span.of(text), token.kind)).collect()
}

/// Each text is one token of this kind.
fn all_are(kind: TokenKind, texts: &[&str]) {
    for text in texts {
        assert_eq!(kinds(text), [(*text, kind)], "{text}");
    }
}

#[test]
fn numbers() {
    all_are(TokenKind::Literal(Type::Long), &["0", "42", "0x1F", "0XfF", "9223372036854775807"]);
    all_are(TokenKind::Literal(Type::Real), &["1.5", "1.", "1e5", "1E+5", "1.5e-3"]);
}

#[test]
fn timespans() {
    all_are(TokenKind::Literal(Type::Timespan), &["1d", "2.5h", "30m", "10s", "100ms", "5min", "3days", "1tick"]);
    all_are(TokenKind::Literal(Type::Timespan), &["timespan(1.02:03:04)", "time(1d)"]);
}

#[test]
fn what_begins_with_a_digit_and_is_no_number_is_a_name() {
    all_are(TokenKind::Name, &["3DObjects", "7zip", "2fa_enabled", "0x1Fg", "1e5x", "5mins"]);
}

#[test]
fn numbers_end_where_a_range_or_a_member_begins() {
    let long = TokenKind::Literal(Type::Long);
    assert_eq!(kinds("1..2"), [("1", long), ("..", TokenKind::Mark(Mark::DotDot)), ("2", long)]);
    assert_eq!(kinds("1.a"), [("1", long), (".", TokenKind::Mark(Mark::Dot)), ("a", TokenKind::Name)]);
    assert_eq!(kinds("1-2"), [("1", long), ("-", TokenKind::Mark(Mark::Minus)), ("2", long)]);
}

#[test]
fn texts_of_every_form() {
    all_are(
        TokenKind::Literal(Type::String),
        &[
            r#""a""#,
            "'a'",
            r#""it's""#,
            r#""a \"b\" \\""#,
            r#"@"C:\Windows\""#,
            r"@'C:\Users\'",
            r#"@"a ""b"" c""#,
            r#"h"secret""#,
            r"H'secret'",
            r#"h@"C:\""#,
            "```a\n\"b\"```",
            "~~~a `b`~~~",
            r#""\u00e9\x41\101""#,
            "''",
        ],
    );
}

#[test]
fn texts_without_an_end() {
    all_are(TokenKind::Unended(Type::String), &["\"a", "'a\\'", "@'a''", "h\"a", "```a``", "\"a\\"]);
    all_are(TokenKind::Unended(Type::Datetime), &["datetime(2026-01-31"]);
    // It ends with its line, so that the rest of the query still makes sense.
    let found = kinds("'a\nb");
    assert_eq!(found, [("'a", TokenKind::Unended(Type::String)), ("b", TokenKind::Name)]);
}

#[test]
fn escapes_that_kql_does_not_know() {
    all_are(TokenKind::BadEscape, &[r#""C:\Windows""#, r"'\d+'"]);
}

#[test]
fn literals_with_a_content_of_their_own() {
    for (text, ty) in [
        ("datetime(2026-01-31 10:00)", Type::Datetime),
        ("date(null)", Type::Datetime),
        ("guid(74be27de-1e4e-49d9-b579-fe0b331d3642)", Type::Guid),
        ("real(nan)", Type::Real),
        ("decimal(0.1)", Type::Decimal),
        ("int(7)", Type::Int),
        ("long(7)", Type::Long),
        ("bool(1)", Type::Bool),
        ("true", Type::Bool),
        ("False", Type::Bool),
    ] {
        assert_eq!(kinds(text), [(text, TokenKind::Literal(ty))], "{text}");
    }
    // A word alone, and one with a blank before its parenthesis, is a name.
    assert_eq!(kinds("datetime"), [("datetime", TokenKind::Name)]);
    assert_eq!(kinds("datetime (1)").first(), Some(&("datetime", TokenKind::Name)));
    assert_eq!(kinds("tRue"), [("tRue", TokenKind::Name)]);
}

#[test]
fn words_with_marks_in_them() {
    all_are(TokenKind::Name, &["!has", "!in", "in~", "!in~", "!between", "$left", "_x", "größe", "naïve_1"]);
    let tilde = TokenKind::Mark(Mark::Tilde);
    assert_eq!(kinds("has~"), [("has", TokenKind::Name), ("~", tilde)]);
    assert_eq!(kinds("!has~"), [("!has", TokenKind::Name), ("~", tilde)]);
    // Hyphens part names: operators with one are put together by the parser.
    let parts = [("mv", TokenKind::Name), ("-", TokenKind::Mark(Mark::Minus)), ("expand", TokenKind::Name)];
    assert_eq!(kinds("mv-expand"), parts);
}

#[test]
fn marks() {
    for (text, mark) in [
        ("!=", Mark::NotEqual),
        ("<>", Mark::LessGreater),
        ("<=", Mark::LessEqual),
        (">=", Mark::GreaterEqual),
        ("==", Mark::Equal),
        ("=~", Mark::EqualTilde),
        ("!~", Mark::NotTilde),
        ("=>", Mark::Arrow),
        ("=", Mark::Assign),
        ("..", Mark::DotDot),
        ("|", Mark::Pipe),
    ] {
        assert_eq!(kinds(text), [(text, TokenKind::Mark(mark))], "{text}");
    }
}

#[test]
fn comments_end_with_their_line() {
    assert_eq!(
        kinds("a // b | c\r\nd"),
        [("a", TokenKind::Name), ("// b | c", TokenKind::Comment), ("d", TokenKind::Name)]
    );
    assert_eq!(kinds("a / b").get(1), Some(&("/", TokenKind::Mark(Mark::Slash))));
}

#[test]
fn blanks_beyond_ascii_are_blanks_and_other_characters_are_bad() {
    assert_eq!(kinds("\u{feff}a\u{a0}\u{200b}b"), [("a", TokenKind::Name), ("b", TokenKind::Name)]);
    all_are(TokenKind::Bad, &["#", "?", "“", "–", "!"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Nothing of a text is lost, and no token is empty.
    #[test]
    fn tokens_put_together_are_the_text(text in r#"([a-z0-9 !~=<>.|"'@`\\/\n(h]|é|“){0,40}"#) {
        let parts: Vec<Token> = tokens(&text);
        let whole: String = parts.iter().map(|token| token.span.of(&text)).collect();
        prop_assert_eq!(whole, text.as_str());
        prop_assert!(parts.iter().all(|token| token.span.start < token.span.end));
    }
}
