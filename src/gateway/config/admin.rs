//! `admin`: where health and metrics are, and the token with which the site finishes logins there.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::{reader::Item, value};

/// The admin listener.
pub(crate) struct AdminConfig {
    /// Its address.
    pub(crate) listen: SocketAddr,
    /// The token of the site's server; none if the site finishes no logins.
    pub(crate) token: Option<AdminToken>,
}

/// The token by which the site's server shows that it may finish logins.
///
/// # Security
///
/// A person who has it can log any browser of their own in with any number. Only its hash is kept, and `Debug` shows not even that.
#[derive(Clone)]
pub(crate) struct AdminToken([u8; 32]);

impl AdminConfig {
    /// Reads the keys of the section. Returns none if any of them is wrong.
    pub(super) fn read(listen: Option<Item<'_>>, token: Option<Item<'_>>) -> Option<Self> {
        let listen = listen.map_or(Some(LISTEN), |item| item.parse(&value::address()));
        let parser = value::text(AdminToken::parse, "make one with `truegate keys secret`").secret();
        let token = token.map(|item| item.parse(&parser));
        Some(Self { token: token.map_or(Some(None), |token| token.map(Some))?, listen: listen? })
    }
}

impl AdminToken {
    /// Takes a token of RFC 6750 §2.1, with at least 32 characters.
    fn parse(text: &str) -> Result<Self, AdminTokenError> {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        let characters = text.trim_end_matches('=');
        if characters.is_empty() || !characters.bytes().all(is_token) {
            return Err(AdminTokenError::NotAToken);
        }
        let first = characters.as_bytes()[0];
        if text.len() < MIN_LENGTH || characters.bytes().all(|byte| byte == first) {
            return Err(AdminTokenError::Weak);
        }
        Ok(Self(Sha256::digest(text).into()))
    }

    /// Whether this is the token. How long it takes tells nothing of the token, neither its length nor how far a guess is right.
    pub(crate) fn is(&self, presented: &[u8]) -> bool {
        self.0.ct_eq(&Sha256::digest(presented)[..]).into()
    }
}

redacted!(AdminToken);

/// The reason why a text cannot be the token. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum AdminTokenError {
    #[error("must have letters, digits and `-._~+/` alone, with `=` at its end at most")]
    NotAToken,
    #[error("must be at least 32 random characters")]
    Weak,
}

const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9090);
const MIN_LENGTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn only_the_very_token_is_the_token() {
        let token = AdminToken::parse(TOKEN).unwrap();
        assert!(token.is(TOKEN.as_bytes()));
        let other_case = TOKEN.to_lowercase();
        for other in ["", "A", &TOKEN[1..], &TOKEN[..43], &format!("{TOKEN}="), &format!(" {TOKEN}"), &other_case] {
            assert!(!token.is(other.as_bytes()), "{other}");
        }
        assert_eq!(format!("{token:?}"), "AdminToken(redacted)");
    }

    #[test]
    fn a_token_is_long_and_has_the_characters_of_one() {
        let hex = "0123456789abcdef0123456789abcdef";
        for text in [TOKEN, hex, "a-token.of_32~characters+or/more=="] {
            assert!(AdminToken::parse(text).is_ok(), "{text}");
        }
        for (text, error) in [
            ("", AdminTokenError::NotAToken),
            ("=", AdminTokenError::NotAToken),
            (&hex[1..], AdminTokenError::Weak),
            (&"a".repeat(64), AdminTokenError::Weak),
            (&format!("{TOKEN}\n"), AdminTokenError::NotAToken),
            (&format!(" {TOKEN}"), AdminTokenError::NotAToken),
            ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYX GBkaGxwdHh8=", AdminTokenError::NotAToken),
            ("=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", AdminTokenError::NotAToken),
            ("\u{e9}AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", AdminTokenError::NotAToken),
        ] {
            assert_eq!(AdminToken::parse(text).err(), Some(error), "{text}");
        }
    }
}
