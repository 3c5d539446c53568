//! Canonical forms of single values: each is a tag, and contents whose length is told beforehand, so
//! that no two different values share a form and no value is the beginning of another. Those of numbers
//! and of time have files of their own.

/// Tags of canonical values. Changing one makes every hit new.
pub(super) mod tag {
    /// Nothing: null, `{}`. Only inside a dynamic: a column that is nothing is left out.
    pub(in super::super) const NOTHING: u8 = b'z';
    /// A bool inside a dynamic.
    pub(in super::super) const BOOL: u8 = b'b';
    /// A number.
    pub(in super::super) const NUMBER: u8 = b'n';
    /// A number whose exponent is beyond reason, by its text.
    pub(in super::super) const HUGE: u8 = b'N';
    /// A text.
    pub(in super::super) const STRING: u8 = b's';
    /// An instant.
    pub(in super::super) const INSTANT: u8 = b't';
    /// A length of time.
    pub(in super::super) const SPAN: u8 = b'd';
    /// An array, up to [`END`].
    pub(in super::super) const ARRAY: u8 = b'a';
    /// An object, up to [`END`].
    pub(in super::super) const OBJECT: u8 = b'o';
    /// The end of an array or object.
    pub(in super::super) const END: u8 = b'e';
    /// A container below the deepest level that is looked into, by its text.
    pub(in super::super) const DEEP: u8 = b'r';
}

/// Writes `tag`, the length of what `fill` writes, and that.
pub(super) fn sized(tag: u8, out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    out.push(tag);
    let begin = out.len();
    fill(out);
    let length = out.len() - begin;
    write_length(length, out);
    let behind = out.len() - begin - length;
    out.get_mut(begin..).unwrap_or_default().rotate_right(behind);
}

/// Writes a length: seven bits a byte, the lowest first, the highest bit set in all but the last (LEB128).
pub(super) fn write_length(mut length: usize, out: &mut Vec<u8>) {
    loop {
        let low = u8::try_from(length & 0x7f).unwrap_or(0);
        length >>= 7;
        if length == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

/// Writes a text by its bytes.
pub(super) fn string(text: &[u8], out: &mut Vec<u8>) {
    out.push(tag::STRING);
    write_length(text.len(), out);
    out.extend_from_slice(text);
}

/// Writes a GUID as text, in small letters with hyphens, whichever of .NET's forms it has; false
/// where `text` is none.
pub(super) fn guid(text: &[u8], out: &mut Vec<u8>) -> bool {
    let bare = match text {
        [b'{', inside @ .., b'}'] | [b'(', inside @ .., b')'] => inside,
        _ => text,
    };
    let hyphens = [8, 13, 18, 23];
    let hyphenated = bare.len() == 36 && hyphens.iter().all(|at| bare.get(*at) == Some(&b'-'));
    if !hyphenated && bare.len() != 32 {
        return false;
    }
    let is_digit = |(at, byte): (usize, &u8)| byte.is_ascii_hexdigit() || (hyphenated && hyphens.contains(&at));
    if !bare.iter().enumerate().all(is_digit) {
        return false;
    }
    sized(tag::STRING, out, |out| {
        let digits = bare.iter().filter(|byte| **byte != b'-').map(u8::to_ascii_lowercase);
        for (count, digit) in digits.enumerate() {
            if matches!(count, 8 | 12 | 16 | 20) {
                out.push(b'-');
            }
            out.push(digit);
        }
    });
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_are_equal_in_any_dress() {
        let form = |text: &str| {
            let mut out = Vec::new();
            guid(text.as_bytes(), &mut out).then_some(out)
        };
        let plain = form("00112233-4455-6677-8899-aabbccddeeff");
        let mut text = Vec::new();
        string(b"00112233-4455-6677-8899-aabbccddeeff", &mut text);
        assert_eq!(plain, Some(text));
        for text in ["{00112233-4455-6677-8899-AABBCCDDEEFF}", "00112233445566778899aabbccddeeff"] {
            assert_eq!(form(text), plain, "{text}");
        }
        for text in [
            "",
            "00112233-4455-6677-8899-aabbccddeef",
            "0011223-34455-6677-8899-aabbccddeeff",
            "g0112233445566778899aabbccddeeff",
        ] {
            assert_eq!(form(text), None, "{text}");
        }
    }
}
