//! The text of a row that is stored and told: every column of the schema, in its order, values as the
//! API sent them.

use super::json;
use super::members::{DEEPEST, Members};

/// Writes `value`, valid JSON, as it stands but for the white space between tokens and the
/// annotations of Graph's transport: numbers keep their digits and strings their escapes, and no
/// line feed is inside.
pub(super) fn write_value(value: &[u8], members: &mut Members, out: &mut Vec<u8>) {
    write_level(value, 0, members, out);
}

fn write_level(value: &[u8], depth: usize, members: &mut Members, out: &mut Vec<u8>) {
    match value.first() {
        Some(b'{' | b'[') if depth >= DEEPEST => json::minify(value, out),
        Some(b'{') => {
            let frame = members.open(value);
            members.in_text_order(frame);
            out.push(b'{');
            for at in frame.range() {
                let Some(member) = members.get(at) else { break };
                if at > frame.range().start {
                    out.push(b',');
                }
                out.push(b'"');
                out.extend_from_slice(member.raw_key.of(value));
                out.extend_from_slice(b"\":");
                write_level(member.value.of(value), depth + 1, members, out);
            }
            out.push(b'}');
            members.close(frame);
        }
        Some(b'[') => {
            out.push(b'[');
            for (at, element) in json::elements(value).enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_level(element.of(value), depth + 1, members, out);
            }
            out.push(b']');
        }
        _ => out.extend_from_slice(value),
    }
}
