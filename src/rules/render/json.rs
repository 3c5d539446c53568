//! A hit as one line of JSON: the shape of `hits --json` and of a `file` channel.
//!
//! The row's values are the API's, in the API's spelling. Two things only are spelt otherwise, which
//! changes no value: line ends between tokens are dropped, and characters that act on a terminal or
//! turn text around are written as `\u` escapes.

use std::fmt::Write as _;

use crate::model::hit::Hit;
use crate::model::id::DeliveryId;

use super::visible::is_hidden;

/// The hit as one line without its line end; `delivery` only on lines of a `file` channel, before
/// the row, so that it can be found without reading the row.
#[must_use]
pub fn line(hit: &Hit, delivery: Option<&DeliveryId>) -> String {
    let mut out = String::with_capacity(hit.row.get().len() + 320);
    let members = [
        ("hit", hit.hit.to_string()),
        ("hunt", hit.hunt.clone()),
        ("tenant", hit.tenant.clone()),
        ("kind", hit.kind.to_string()),
        ("run", hit.run.clone()),
        ("first_seen", hit.first_seen.to_string()),
        ("last_seen", hit.last_seen.to_string()),
        ("severity", hit.severity.to_string()),
    ];
    for (name, value) in members {
        member(&mut out, name, &value);
    }
    if let Some(delivery) = delivery {
        member(&mut out, "delivery", delivery.as_str());
    }
    out.push_str(",\"row\":");
    out.push_str(&one_line(hit.row.get()));
    out.push('}');
    out
}

fn member(out: &mut String, name: &str, value: &str) {
    out.push(if out.is_empty() { '{' } else { ',' });
    out.push('"');
    out.push_str(name);
    out.push_str("\":");
    out.push_str(&one_line(&serde_json::Value::from(value).to_string()));
}

/// JSON text on one line, safe to print. Outside of strings JSON has only ASCII, and inside them no
/// raw control below U+0020: so line ends can be dropped, and the rest escaped, without a parser.
#[must_use]
pub fn one_line(json: &str) -> String {
    if !json.contains(is_hidden) {
        return json.to_owned();
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match c {
            '\n' | '\r' | '\t' => {}
            c if is_hidden(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a String can't fail.
                    write!(out, "\\u{unit:04x}").unwrap_or_default();
                }
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;
    use serde_json::value::RawValue;

    use super::super::samples;
    use super::*;

    #[test]
    fn the_shape_of_the_reference() {
        let hit = samples::hit(7, r#"{"DeviceName":"ws","Count":1.50}"#);
        insta::assert_snapshot!(line(&hit, None), @r#"{"hit":"0707070707070707070707070707070707070707","hunt":"endpoint/encoded","tenant":"contoso","kind":"new","run":"20261124T161300Z-3fa9c1d2","first_seen":"2026-11-24T15:40:00Z","last_seen":"2026-11-24T16:13:00Z","severity":"high","row":{"DeviceName":"ws","Count":1.50}}"#);
        let delivery = samples::notice(&[]).delivery;
        let with = line(&hit, Some(&delivery));
        let value: Value = serde_json::from_str(&with).unwrap();
        assert_eq!(value["delivery"], delivery.as_str());
        assert!(with.find("\"delivery\"") < with.find("\"row\""));
    }

    #[test]
    fn line_ends_and_acting_characters_never_stand_raw() {
        let row = "{\n \"a\": \"x\u{202e}\u{9b}\u{2028}\u{e0041}\",\r\n\t\"b\":\"q\\n\\u0000\"\n}";
        let out = line(&samples::hit(1, row), None);
        assert!(!out.contains(is_hidden), "{out}");
        let value: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(value["row"], serde_json::from_str::<Value>(row).unwrap());
    }

    proptest! {
        #[test]
        fn values_survive(text in any::<String>(), name in any::<String>()) {
            let row = serde_json::json!({ name: text });
            let out = one_line(&row.to_string());
            prop_assert!(!out.contains(is_hidden));
            prop_assert!(RawValue::from_string(out.clone()).is_ok());
            prop_assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), row);
        }
    }
}
