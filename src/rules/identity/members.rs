//! The members of an object, without the annotations that Graph's transport adds.

use super::json::{self, Span};

/// The deepest level of nesting that is looked into, counted in objects and arrays, whether they
/// stand as themselves or as JSON text inside a string. Below it a value counts by its text.
pub(super) const DEEPEST: usize = 64;

/// The name of an annotation, and the ending of the name of one that stands beside its member.
const ANNOTATION: &[u8] = b"@odata.type";

/// One member.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    /// The decoded key's place among [`Members`]' keys.
    key: Span,
    /// The key's place in the text, between its quotes.
    pub(super) raw_key: Span,
    /// The value's place in the text.
    pub(super) value: Span,
}

/// A stack of the members of the objects that a walk is inside of: memory is used again from row to
/// row.
#[derive(Debug, Default)]
pub(super) struct Members {
    all: Vec<Member>,
    keys: Vec<u8>,
    /// Those that stay, while annotations are left out.
    kept: Vec<Member>,
}

/// Where the members of one object lie on the stack.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    first: usize,
    end: usize,
    keys: usize,
}

impl Frame {
    /// The members' places, for [`Members::get`].
    pub(super) fn range(self) -> std::ops::Range<usize> {
        self.first..self.end
    }
}

impl Members {
    /// Takes the members of the object that `text` is: sorted by key, those of one key in the order
    /// of the text, annotations left out. Give the frame back by [`close`](Self::close).
    pub(super) fn open(&mut self, text: &[u8]) -> Frame {
        let (first, keys) = (self.all.len(), self.keys.len());
        for (raw_key, value) in json::members(text) {
            let start = self.keys.len();
            json::decode(raw_key.of(text), &mut self.keys);
            self.all.push(Member { key: Span { start, end: self.keys.len() }, raw_key, value });
        }
        let own = self.all.get_mut(first..).unwrap_or_default();
        own.sort_unstable_by(|a, b| {
            a.key.of(&self.keys).cmp(b.key.of(&self.keys)).then(a.value.start.cmp(&b.value.start))
        });
        self.drop_annotations(first, text);
        Frame { first, end: self.all.len(), keys }
    }

    /// Puts the members back into the order of the text.
    pub(super) fn in_text_order(&mut self, frame: Frame) {
        self.all.get_mut(frame.range()).unwrap_or_default().sort_unstable_by_key(|member| member.value.start);
    }

    /// A member by its place in the frame's range.
    pub(super) fn get(&self, at: usize) -> Option<Member> {
        self.all.get(at).copied()
    }

    /// A member's decoded key.
    pub(super) fn key(&self, member: Member) -> &[u8] {
        member.key.of(&self.keys)
    }

    /// Gives a frame's memory back.
    pub(super) fn close(&mut self, frame: Frame) {
        self.all.truncate(frame.first);
        self.keys.truncate(frame.keys);
    }

    /// Leaves out what Graph's transport has added, and nothing that only looks like it: who writes
    /// rows may choose the keys of a dynamic, and must not be able to hide a value behind a name.
    fn drop_annotations(&mut self, first: usize, text: &[u8]) {
        let own = self.all.get(first..).unwrap_or_default();
        if !own.iter().any(|member| member.key.of(&self.keys).ends_with(ANNOTATION)) {
            return;
        }
        self.kept.clear();
        for member in own.iter().filter(|member| !Self::is_annotation(&self.keys, own, **member, text)) {
            self.kept.push(*member);
        }
        self.all.truncate(first);
        self.all.append(&mut self.kept);
    }

    fn is_annotation(keys: &[u8], own: &[Member], member: Member, text: &[u8]) -> bool {
        let Some(of) = member.key.of(keys).strip_suffix(ANNOTATION) else { return false };
        let Some(name) = type_name(member.value.of(text)) else { return false };
        if of.is_empty() {
            return name == BAG;
        }
        is_type(name) && own.binary_search_by(|other| other.key.of(keys).cmp(of)).is_ok()
    }
}

/// The type of a dynamic's bag on Graph.
const BAG: &[u8] = b"microsoft.graph.security.dynamicColumnValue";

/// The primitive types of OData (OData CSDL JSON 4.01, section 3.3), by which an annotation may name a
/// value. A closed list: an open one would let who writes rows hide a text of his own in a type.
const PRIMITIVES: [&[u8]; 18] = [
    b"Binary",
    b"Boolean",
    b"Byte",
    b"Date",
    b"DateTimeOffset",
    b"Decimal",
    b"Double",
    b"Duration",
    b"Guid",
    b"Int16",
    b"Int32",
    b"Int64",
    b"SByte",
    b"Single",
    b"Stream",
    b"String",
    b"TimeOfDay",
    b"Untyped",
];

/// The name in `"#Int64"`, `"#Collection(String)"`: what an annotation's value looks like.
fn type_name(value: &[u8]) -> Option<&[u8]> {
    value.strip_prefix(b"\"#")?.strip_suffix(b"\"")
}

fn is_type(name: &[u8]) -> bool {
    let of_list = name.strip_prefix(b"Collection(").and_then(|rest| rest.strip_suffix(b")"));
    let name = of_list.unwrap_or(name);
    name == BAG || PRIMITIVES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<String> {
        let mut members = Members::default();
        let frame = members.open(text.as_bytes());
        let keys = frame.range().map(|at| members.key(members.get(at).unwrap()).to_vec());
        let keys = keys.map(|key| String::from_utf8(key).unwrap()).collect();
        members.close(frame);
        assert!(members.all.is_empty() && members.keys.is_empty());
        keys
    }

    #[test]
    fn annotations_go_and_what_looks_like_one_stays() {
        let cases: [(&str, &[&str]); 9] = [
            (r#"{"b":1,"a":2}"#, &["a", "b"]),
            (r##"{"@odata.type":"#microsoft.graph.security.dynamicColumnValue","a":1}"##, &["a"]),
            (r##"{"a@odata.type":"#Collection(String)","a":[]}"##, &["a"]),
            (r##"{"a":1,"\u0061@odata.type":"#Int64"}"##, &["a"]),
            (r##"{"a@odata.type":"#Int64"}"##, &["a@odata.type"]),
            (r#"{"a@odata.type":"mimikatz","a":1}"#, &["a", "a@odata.type"]),
            (r##"{"a@odata.type":"#x y","a":1}"##, &["a", "a@odata.type"]),
            (r#"{"a@odata.type":5,"a":1}"#, &["a", "a@odata.type"]),
            (r##"{"@odata.type":"#evil"}"##, &["@odata.type"]),
        ];
        for (text, want) in cases {
            assert_eq!(keys(text), want, "{text}");
        }
    }
}
