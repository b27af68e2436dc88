//! Ids as text.

/// Appends bytes as hexadecimal digits, in small letters.
pub(super) fn push_hex(text: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        text.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0xf)]]);
    }
}

const DIGITS: [u8; 16] = *b"0123456789abcdef";
