//! The phone number: the only field that Truecaller verifies.

use std::sync::Arc;

use zeroize::Zeroize;

/// A phone number in E.164 form: `+`, then 7 to 15 digits of which the first is not 0.
///
/// # Security
///
/// It is personal data, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber(Arc<Wiped>);

/// A text that is overwritten when it is dropped.
#[derive(PartialEq, Eq, Hash)]
struct Wiped(Box<str>);

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl PhoneNumber {
    /// Takes a number in international form, with or without the plus. It does not guess a country.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let plain = DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        (plain && !digits.starts_with('0')).then(|| Self(Arc::new(Wiped(["+", digits].concat().into()))))
    }

    /// The number as `+919999999999`.
    pub fn as_str(&self) -> &str {
        &self.0.0
    }
}

redacted!(PhoneNumber);

/// E.164 §6 sets the upper bound; no country has numbers shorter than the lower one.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_form() {
        for (text, number) in [
            ("919999999999", Some("+919999999999")),
            ("+919999999999", Some("+919999999999")),
            ("2903456", Some("+2903456")),
            ("123456789012345", Some("+123456789012345")),
            ("1234567890123456", None),
            ("123456", None),
            ("0919999999999", None),
            ("++919999999999", None),
            ("919999999999 ", None),
            ("91 99999 99999", None),
            ("٩١٩٩٩٩٩٩٩٩٩٩", None),
            ("９１９９９９９９９９９９", None),
            ("919999999999\r\n", None),
            ("-919999999999", None),
            ("", None),
        ] {
            assert_eq!(PhoneNumber::parse(text).as_ref().map(PhoneNumber::as_str), number, "{text:?}");
        }
    }
}
