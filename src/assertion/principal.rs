//! Who issues an assertion, and for whom.

/// The name of an issuer or of an audience: a URL, or any other text that both sides agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal(Box<str>);

impl Principal {
    /// Takes a name as it will be compared: byte for byte.
    ///
    /// # Errors
    ///
    /// When it is empty, longer than 1024 bytes, has white space at an end or holds a control character.
    pub fn parse(text: &str) -> Result<Self, PrincipalError> {
        if text.is_empty() || text.len() > MAX_LENGTH {
            return Err(PrincipalError::Length);
        }
        if text.trim() != text || text.chars().any(char::is_control) {
            return Err(PrincipalError::Character);
        }
        Ok(Self(text.into()))
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Principal {
    type Err = PrincipalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Why a text names nobody. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrincipalError {
    /// It is empty, or longer than 1024 bytes.
    #[error("must have at least one character and at most 1024 bytes")]
    Length,
    /// It holds what nobody sees, and so compares wrong.
    #[error("must have no control character, and no white space at its ends")]
    Character,
}

const MAX_LENGTH: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_text_that_people_can_compare() {
        for text in ["https://shop.example", "shop-backend", "urn:shop:1", "दुकान", "a shop"] {
            assert_eq!(Principal::parse(text).unwrap().as_str(), text);
        }
        for (text, error) in [
            ("", PrincipalError::Length),
            (&"a".repeat(1025), PrincipalError::Length),
            ("a\nb", PrincipalError::Character),
            ("a\0", PrincipalError::Character),
            ("a\u{85}b", PrincipalError::Character),
            (" a", PrincipalError::Character),
            ("a\n", PrincipalError::Character),
        ] {
            assert_eq!(Principal::parse(text), Err(error), "{text:?}");
        }
    }
}
