//! How a text is written into a header value.

use std::{borrow::Cow, fmt::Write as _};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::HeaderValue;

/// An encoding that carries any text through a header and can be undone exactly, but for [`Encoding::Utf8`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// Printable ASCII but `%` stays; every other byte of the UTF-8 text becomes `%XX` (`decodeURIComponent`).
    Percent,
    /// Raw UTF-8; a control character becomes U+FFFD, for HTTP cannot carry it.
    Utf8,
    /// RFC 4648 §5 without padding.
    Base64Url,
    /// Printable ASCII but `=` stays; every other byte becomes `=XX` (RFC 2045 §6.7; what Grafana reads).
    QuotedPrintable,
}

impl Encoding {
    /// The encodings by their names in a configuration.
    pub const NAMES: [(&str, Self); 4] = [
        ("percent", Self::Percent),
        ("utf8", Self::Utf8),
        ("base64url", Self::Base64Url),
        ("quoted-printable", Self::QuotedPrintable),
    ];

    /// Finds an encoding by its name in a configuration.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, encoding)| *encoding)
    }

    /// Encodes a text into a sensitive header value.
    pub fn encode(self, text: &str) -> HeaderValue {
        let encoded = match self {
            Self::Percent => escape(text, '%'),
            Self::Utf8 => text.replace(char::is_control, "\u{fffd}"),
            Self::Base64Url => URL_SAFE_NO_PAD.encode(text),
            Self::QuotedPrintable => escape(text, '='),
        };
        let mut value = HeaderValue::try_from(encoded).expect("no encoding leaves a control character");
        value.set_sensitive(true);
        value
    }
}

/// Cuts a text to at most `limit` bytes on a character boundary, and leaves no white space at its end.
pub(super) fn cut(text: Cow<'_, str>, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit {
        return text;
    }
    let end = text.floor_char_boundary(limit);
    Cow::Owned(text[..end].trim_end().to_owned())
}

fn escape(text: &str, mark: char) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if char::from(byte) != mark => escaped.push(char::from(byte)),
            _ => write!(escaped, "{mark}{byte:02X}").expect("writing into a string cannot fail"),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_makes_a_header_value_of_any_text() {
        for (encoding, text, value) in [
            (Encoding::Percent, "Rajat Kapoor", "Rajat Kapoor"),
            (Encoding::Percent, "100%41", "100%2541"),
            (Encoding::Percent, "A\r\nX-Truecaller-Phone: +1", "A%0D%0AX-Truecaller-Phone: +1"),
            (Encoding::Percent, "राम", "%E0%A4%B0%E0%A4%BE%E0%A4%AE"),
            (Encoding::Percent, "\0\u{7f}", "%00%7F"),
            (Encoding::Utf8, "Zoë\r\n\0", "Zoë\u{fffd}\u{fffd}\u{fffd}"),
            (Encoding::Base64Url, "a?>é", "YT8-w6k"),
            (Encoding::QuotedPrintable, "Zoë = 1%", "Zo=C3=AB =3D 1%"),
        ] {
            let encoded = encoding.encode(text);
            assert_eq!(encoded.as_bytes(), value.as_bytes(), "{encoding:?} of {text:?}");
            assert!(encoded.is_sensitive());
        }
    }

    #[test]
    fn a_cut_falls_on_a_character_boundary() {
        for (text, limit, kept) in
            [("abc", 3, "abc"), ("abcd", 3, "abc"), ("क", 2, ""), ("aक", 3, "a"), ("a bc", 2, "a")]
        {
            assert_eq!(cut(text.into(), limit), kept, "{text:?} at {limit}");
        }
    }
}
