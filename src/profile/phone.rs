//! The phone number: the only field that Truecaller verifies.

use std::sync::Arc;

use zeroize::{DefaultIsZeroes, Zeroize};

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
        digits(text).map(|digits| Self(Arc::new(Wiped(["+", digits].concat().into()))))
    }

    /// The number as `+919999999999`.
    pub fn as_str(&self) -> &str {
        &self.0.0
    }
}

/// The digits of a phone number as an integer, by which long lists keep numbers: 15 digits fit, and no number begins with 0.
///
/// # Security
///
/// It is personal data, so `Debug` does not show it, and a list can be wiped.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PhoneDigits(u64);

impl PhoneDigits {
    /// Takes a number as [`PhoneNumber::parse`] does, without allocating.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        digits(text)?.parse().ok().map(Self)
    }
}

impl From<&PhoneNumber> for PhoneDigits {
    fn from(phone: &PhoneNumber) -> Self {
        Self::parse(phone.as_str()).expect("15 digits fit into the integer")
    }
}

impl DefaultIsZeroes for PhoneDigits {}

redacted!(PhoneNumber, PhoneDigits);

/// The digits of a number in international form, with or without the plus.
fn digits(text: &str) -> Option<&str> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let plain = DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    (plain && !digits.starts_with('0')).then_some(digits)
}

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
            let integer = number.map(|number| PhoneDigits(number[1..].parse().unwrap()));
            assert_eq!(PhoneDigits::parse(text), integer, "{text:?}");
            assert_eq!(PhoneNumber::parse(text).as_ref().map(PhoneDigits::from), integer, "{text:?}");
        }
    }
}
