//! How phone numbers start.

use std::{fmt, str::FromStr};

use crate::profile::PhoneNumber;

/// The start of phone numbers in E.164 form, such as `+91`: `+`, then 1 to 15 digits of which the first is not 0.
///
/// # Security
///
/// It may be a whole number, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhonePrefix(Box<str>);

impl PhonePrefix {
    /// Takes a start of international form; nothing else is guessed.
    ///
    /// # Errors
    ///
    /// When it is not of the form that the type tells.
    pub fn parse(text: &str) -> Result<Self, PhonePrefixError> {
        let digits = text.strip_prefix('+').ok_or(PhonePrefixError)?;
        let plain = DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if plain && !digits.starts_with('0') { Ok(Self(text.into())) } else { Err(PhonePrefixError) }
    }

    /// Whether a number starts so.
    pub fn matches(&self, phone: &PhoneNumber) -> bool {
        phone.as_str().starts_with(&*self.0)
    }
}

impl FromStr for PhonePrefix {
    type Err = PhonePrefixError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Debug for PhonePrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhonePrefix(redacted)")
    }
}

/// A text is no start of a phone number. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `+` and 1 to 15 digits, of which the first is not 0")]
#[non_exhaustive]
pub struct PhonePrefixError;

const DIGITS: std::ops::RangeInclusive<usize> = 1..=15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_has_one_form() {
        for taken in ["+9", "+91", "+919999999999", "+123456789012345"] {
            assert!(PhonePrefix::parse(taken).is_ok(), "{taken}");
        }
        for refused in ["", "+", "91", "+0", "+091", "++91", "+91 ", "+9a", "+\u{ff19}", "+1234567890123456", "+91*"] {
            assert_eq!(PhonePrefix::parse(refused), Err(PhonePrefixError), "{refused}");
        }
    }

    #[test]
    fn a_prefix_matches_what_starts_so() {
        let prefix = PhonePrefix::parse("+9199").unwrap();
        for (phone, matched) in
            [("+919999999999", true), ("+9199123", true), ("+919899999999", false), ("+1919999999", false)]
        {
            assert_eq!(prefix.matches(&PhoneNumber::parse(phone).unwrap()), matched, "{phone}");
        }
        assert_eq!(format!("{prefix:?}"), "PhonePrefix(redacted)");
    }
}
