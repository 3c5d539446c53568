use proptest::prelude::*;

use super::*;
use crate::rules::yaml::{Value, parse};

/// The scalar at `q` of a file, or of its first list's first entry, with its origin.
fn origin(file: &str) -> (Scalar, Origin) {
    let document = parse(file.as_bytes()).remove(0);
    assert_eq!(document.problems, [], "{file:?}");
    let root = document.root.unwrap();
    let node = match &root.value {
        Value::List(nodes) => nodes[0].get("q").unwrap_or(&nodes[0]).clone(),
        _ => root.get("q").unwrap().clone(),
    };
    let Value::Scalar(scalar) = node.value else { panic!("no scalar: {file:?}") };
    let origin = Origin::of(file, node.place, &scalar);
    (scalar, origin.unwrap_or_else(|| panic!("no origin: {file:?}")))
}

fn lines(file: &str) -> Vec<&str> {
    let file = file.strip_prefix('\u{feff}').unwrap_or(file);
    file.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect()
}

/// What stands in the file at a place.
fn at(file: &str, place: Place) -> String {
    assert_eq!(place.line, place.end_line, "{file:?}");
    let line = lines(file)[place.line as usize - 1];
    line.chars().skip(place.column as usize - 1).take((place.end_column - place.column) as usize).collect()
}

/// Whether a file is one sound document, and has a text at all.
fn is_sound(file: &str) -> bool {
    let documents = parse(file.as_bytes());
    let [document] = documents.as_slice() else { return false };
    let text = document.root.as_ref().map(|root| root.to_json().to_string()).unwrap_or_default();
    // Neither the key nor an escape of the JSON is a text.
    let bare = ["q", "\\n", "\\t", "\\r"].iter().fold(text, |text, part| text.replace(part, ""));
    document.problems.is_empty() && bare.contains(char::is_alphanumeric)
}

/// Each character that isn't blank comes from the same character of the file, or from an escape.
fn every_character_is_itself(file: &str) {
    let (scalar, origin) = origin(file);
    let mut last = (0, 0);
    for (offset, c) in scalar.text.char_indices() {
        let place = origin.place(offset..offset + c.len_utf8());
        let found = at(file, place);
        let escape = found.starts_with('\\') || found == "''";
        let end = c == '\n' || (c == ' ' && found.is_empty());
        assert!(found == c.to_string() || escape || (end && found.is_empty()), "{file:?} {offset} {c:?}: {found:?}");
        assert!((place.line, place.column) >= last, "{file:?} {offset}: goes back");
        last = (place.line, place.column);
    }
}

/// The place of a word of the text.
fn place_of(file: &str, word: &str) -> (u32, u32, u32) {
    let (scalar, origin) = origin(file);
    let start = scalar.text.find(word).unwrap_or_else(|| panic!("{word} in {:?}", scalar.text));
    let place = origin.place(start..start + word.len());
    (place.line, place.column, place.end_column)
}

#[test]
fn words_are_found_in_every_style() {
    for (file, line, column) in [
        ("q: |\n  a\n  | xyz\n", 3, 5),
        ("q: |\n    a\n      xyz\n", 3, 7),
        ("q: |2\n    a\n  | xyz\n", 3, 5),
        ("q: |-\n\n\n  a\n\n  xyz", 6, 3),
        ("q: |\n     \n\n  xyz\n", 4, 3),
        ("q: |\r\n  a\r\n\r\n  \txyz\r\n", 4, 4),
        ("\u{feff}q: |+\r\n  é漢\r\n  ü xyz\r\n\r\n", 3, 5),
        ("- q: |\n    a\n    xyz\n", 3, 5),
        ("- |\n a\n xyz", 3, 2),
        ("q: >\n  a\n  b\n\n  c\n    d\n  xyz\n", 7, 3),
        ("q: >-\n\n  a\n  c xyz\n", 4, 5),
        ("q: \"a\\n\\u00e9 xyz\"\n", 1, 15),
        ("q: \"a\n\n  b \\\n   xyz\"\n", 4, 4),
        ("q: \"\\uD83D\\uDE00\\\"xyz\"\n", 1, 19),
        ("q: 'a ''b''\n   xyz'\n", 2, 4),
        ("q: a b\n  c\n\n  xyz\n", 4, 3),
        ("{\"z\": [a], q: b xyz}\n", 1, 17),
        ("# top\na: &x |\n  xyz\nq: *x\n", 3, 3),
    ] {
        assert_eq!(place_of(file, "xyz"), (line, column, column + 3), "{file:?}");
        every_character_is_itself(file);
    }
}

#[test]
fn a_place_may_cross_lines_and_be_empty() {
    let file = "q: |\n  ab\n  cd\n\nz: 1\n";
    let (scalar, origin) = origin(file);
    assert_eq!(scalar.text, "ab\ncd\n");
    assert_eq!(origin.place(1..4), Place { line: 2, column: 4, end_line: 3, end_column: 4 });
    assert_eq!(origin.place(3..3), Place::in_line(3, 3, 3));
    for end in [5, 6, 60] {
        assert_eq!(origin.place(end..end), Place::in_line(3, 5, 5), "{end}");
    }
}

#[test]
fn what_doesnt_fit_has_no_origin() {
    let place = Place::in_line(2, 3, 3);
    let lay = |style, text: &str| Origin::lay("q: |\n  ab\n", place, style, text);
    assert!(lay(Style::Literal, "ab\n").is_some());
    assert_eq!(lay(Style::Literal, "abc\n"), None);
    assert_eq!(lay(Style::Quoted, "ab"), None);
    assert_eq!(Origin::lay("", Place::in_line(7, 3, 3), Style::Literal, "ab"), None);
}

#[test]
fn an_edit_is_written_in_the_scalars_style() {
    let written = |file: &str, text: &str| origin(file).1.written(text);
    assert_eq!(written("q: |\n  a\n", "'=~' \"\\\"").as_deref(), Some("'=~' \"\\\""));
    assert_eq!(written("q: 'a'\n", "it's").as_deref(), Some("it''s"));
    assert_eq!(written("q: \"a\"\n", "\"\\\"").as_deref(), Some("\\\"\\\\\\\""));
    assert_eq!(written("q: a\n", "b: c"), None);
    assert_eq!(written("q: |\n  a\n", "b\nc"), None);
}

fn lines_of_text() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[ \t]{0,2}[a-z|é漢:\"'#\\\\]{0,6}[ \t]{0,2}[a-z]?", 1..7)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn blocks(lines in lines_of_text(), indent in 1_usize..5, mark in "[|>][+-]?", end in prop::sample::select(vec!["\n", "\r\n"]), list in any::<bool>(), last in any::<bool>()) {
        // The mark of the indentation, so that the first line may begin with blanks.
        let head = if list { format!("- q: {}{}", &mark[..1], indent + 2) } else { format!("q: {}{indent}", &mark[..1]) };
        let indent = if list { indent + 4 } else { indent };
        let indented: Vec<String> = lines.iter().map(|line| if line.is_empty() { String::new() } else { " ".repeat(indent) + line }).collect();
        let file = format!("{head}{}{end}{}{}", &mark[1..], indented.join(end), if last { end } else { "" });
        prop_assume!(is_sound(&file));
        every_character_is_itself(&file);
    }

    #[test]
    fn marks_and_plain(lines in lines_of_text(), escapes in "(\\\\[nt\"\\\\0aeN]|\\\\x4[1-9]|\\\\u00e9|\\\\U0001F600|[a-z ]){0,8}", tail in "[a-z]{1,3}") {
        let pad = |text: &str| text.replace(['\\', '"', '\'', '#', ':'], "");
        let body = |lines: &[String]| lines.join("\n   ");
        let single = format!("q: '{}{tail}'\n", body(&lines).replace('\'', "''"));
        let double = format!("q: \"{escapes}{}\\\n  {tail}\"\n", pad(&body(&lines)));
        let plain = format!("q: {tail}{}\n", pad(&body(&lines)));
        for file in [single, double, plain] {
            prop_assume!(is_sound(&file));
            every_character_is_itself(&file);
        }
    }

    #[test]
    fn huntds_own_yaml_maps_back(text in "([ \t]{0,2}[a-z|é\"'\\\\#:]{0,6}\n?){0,6}[a-z]") {
        for file in [format!("q: {}\n", crate::rules::yaml::block_text(&text, 2)), format!("q: {}\n", crate::rules::yaml::quoted(&text))] {
            every_character_is_itself(&file);
        }
    }

    #[test]
    fn nothing_panics(file in "[a|>'\"\\\\ \n\r-]{0,30}", text in "[a \n]{0,6}", line in 0_u32..5, column in 0_u32..6, from in 0_usize..9, to in 0_usize..9) {
        for style in [Style::Plain, Style::Quoted, Style::Literal, Style::Folded] {
            if let Some(origin) = Origin::lay(&file, Place::in_line(line, column, column), style, &text) {
                let place = origin.place(from..to);
                prop_assert!(place.line <= place.end_line);
            }
        }
    }
}
