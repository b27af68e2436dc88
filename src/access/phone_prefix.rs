//! The first digits of phone numbers, by which a list names all numbers of a country or a company.

use std::str::FromStr;

use crate::profile::PhoneNumber;

/// The first digits of phone numbers in E.164 form, such as `+91`: `+`, then 1 to 15 digits of which the first is not 0.
///
/// # Security
///
/// It may be a whole number, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhonePrefix(Box<str>);

impl PhonePrefix {
    /// Whether a number starts with it.
    pub(super) fn begins(&self, phone: &PhoneNumber) -> bool {
        phone.as_str().starts_with(&*self.0)
    }
}

impl FromStr for PhonePrefix {
    type Err = PhonePrefixError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('+').ok_or(PhonePrefixError)?;
        let plain = (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if plain && !digits.starts_with('0') { Ok(Self(text.into())) } else { Err(PhonePrefixError) }
    }
}

redacted!(PhonePrefix);

/// A text is not a prefix of phone numbers. The error does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `+` and 1 to 15 digits, of which the first is not 0")]
#[non_exhaustive]
pub struct PhonePrefixError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_has_one_form() {
        for taken in ["+9", "+91", "+919999999999", "+123456789012345"] {
            assert!(PhonePrefix::from_str(taken).is_ok(), "{taken}");
        }
        for refused in ["", "+", "91", "+0", "+091", "++91", "+91 ", "+9a", "+\u{ff19}", "+1234567890123456", "+91*"] {
            assert_eq!(PhonePrefix::from_str(refused), Err(PhonePrefixError), "{refused}");
        }
    }
}
