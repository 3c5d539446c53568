//! Bytes eight at a time, in a word whose lowest byte comes first.

/// One byte in each of eight.
pub(super) const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The highest bit of each byte that is zero, up to the first; those above it say nothing.
pub(super) const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(each(1)) & !word & each(0x80)
}
