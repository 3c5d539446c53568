//! Where one JSON value ends.

use crate::rules::identity::string_stop;

/// White space of JSON.
pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Finds the end of one JSON value: follows strings, escapes and brackets through any number of
/// pieces.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The closing brackets that are due, innermost last.
    due: Vec<u8>,
    in_string: bool,
    escaped: bool,
    /// In a number, `true`, `false` or `null` that is the whole value.
    in_word: bool,
}

impl Scan {
    /// How many bytes of `bytes` belong to the value, where it ends in them. `Err` is the place of
    /// a bracket that doesn't match, or of a byte that can't be a value.
    pub(super) fn run(&mut self, bytes: &[u8]) -> Result<Option<usize>, usize> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let (took, ended) = if self.in_string {
                self.string(rest)
            } else if self.in_word {
                return Self::word(rest).map_err(|bad| at + bad).map(|end| end.map(|end| at + end));
            } else {
                self.outside(rest).map_err(|bad| at + bad)?
            };
            at += took;
            if ended {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    fn string(&mut self, rest: &[u8]) -> (usize, bool) {
        if self.escaped {
            self.escaped = false;
            return (1, false);
        }
        match string_stop(rest) {
            None => (rest.len(), false),
            Some(found) if rest.get(found) == Some(&b'"') => {
                self.in_string = false;
                (found + 1, self.due.is_empty())
            }
            Some(found) => {
                self.escaped = true;
                (found + 1, false)
            }
        }
    }

    /// Up to and with the next byte that changes something.
    fn outside(&mut self, rest: &[u8]) -> Result<(usize, bool), usize> {
        for (at, byte) in rest.iter().enumerate() {
            match byte {
                b'"' => {
                    self.in_string = true;
                    return Ok((at + 1, false));
                }
                b'{' => self.due.push(b'}'),
                b'[' => self.due.push(b']'),
                b'}' | b']' => {
                    if self.due.pop() != Some(*byte) {
                        return Err(at);
                    }
                    if self.due.is_empty() {
                        return Ok((at + 1, true));
                    }
                }
                b'-' | b'0'..=b'9' | b'a'..=b'z' if self.due.is_empty() => {
                    self.in_word = true;
                    return Ok((at + 1, false));
                }
                _ if self.due.is_empty() => return Err(at),
                _ => {}
            }
        }
        Ok((rest.len(), false))
    }

    fn word(rest: &[u8]) -> Result<Option<usize>, usize> {
        let end = rest.iter().position(|byte| !matches!(byte, b'-' | b'+' | b'.') && !byte.is_ascii_alphanumeric());
        match end.and_then(|end| rest.get(end).map(|byte| (end, *byte))) {
            None => Ok(None),
            Some((end, byte)) if is_blank(byte) || matches!(byte, b',' | b'}') => Ok(Some(end)),
            Some((end, _)) => Err(end),
        }
    }
}
