//! Colours.

use std::str::FromStr;

use super::PartnerError;

/// A colour: `#rrggbb`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Color(Box<str>);

impl Color {
    /// The colour as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Color {
    type Err = PartnerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('#').ok_or(PartnerError::Color)?;
        let is_color = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_color.then(|| Self(text.into())).ok_or(PartnerError::Color)
    }
}
