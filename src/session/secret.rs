//! The secrets that sessions are sealed with.

use std::{fmt, str::FromStr};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use rand_core::{OsRng, RngCore as _};
use zeroize::Zeroizing;

/// At least 32 random bytes, which all gateways of a site share.
///
/// # Security
///
/// Whoever knows it can be anyone, so `Debug` does not show it.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes at least 32 bytes in base64, of either alphabet, padded or not.
    ///
    /// # Errors
    ///
    /// When it is not base64, or too short.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let text = Zeroizing::new(text.trim().replace('-', "+").replace('_', "/"));
        let bytes = Zeroizing::new(BASE64.decode(text.as_bytes()).map_err(|_| SecretError::NotBase64)?);
        if bytes.len() < MIN_LENGTH || bytes.iter().all(|byte| *byte == bytes[0]) {
            return Err(SecretError::Weak);
        }
        Ok(Self(bytes))
    }

    /// Makes one, for tests and for trying things out: what it seals is lost with it.
    pub fn generate() -> Self {
        let mut bytes = Zeroizing::new(vec![0; MIN_LENGTH]);
        OsRng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    pub(super) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// Why a text is no secret. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// It is not base64.
    #[error("is not base64")]
    NotBase64,
    /// It can be guessed.
    #[error("must be at least 32 random bytes")]
    Weak,
}

const MIN_LENGTH: usize = 32;
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_32_random_bytes_or_more() {
        let bytes = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
        for text in [bytes, &format!("{bytes}="), &format!("{bytes}=\n"), "_-ECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"]
        {
            assert!(Secret::parse(text).is_ok(), "{text}");
        }
        for (text, error) in [
            ("", SecretError::Weak),
            ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg", SecretError::Weak),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", SecretError::Weak),
            ("not base64 at all, but long enough to be one!", SecretError::NotBase64),
        ] {
            assert_eq!(Secret::parse(text).err(), Some(error), "{text}");
        }
    }
}
