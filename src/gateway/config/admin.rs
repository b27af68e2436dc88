//! `admin`: where health, metrics and the actions of operators are, and the tokens that they ask for.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::{
    reader::{Item, Section, ValueParser},
    value,
};

/// The admin listener.
pub(crate) struct AdminConfig {
    /// Its address.
    pub(crate) listen: SocketAddr,
    /// The token of operators and of the site's server. Without one, whoever reaches the address may use the routes, and the site
    /// finishes no logins.
    pub(crate) token: Option<AdminToken>,
    /// The token with which metrics can be read, and nothing else.
    pub(crate) metrics_token: Option<AdminToken>,
}

/// A token of a server or a person that uses the admin listener.
///
/// # Security
///
/// A person who has `admin.token` can log any browser of their own in with any number. Only the hash of a token is kept, and `Debug`
/// shows not even that.
#[derive(Clone)]
pub(crate) struct AdminToken([u8; 32]);

impl AdminConfig {
    /// Reads the section. Returns the address as it is written, and no configuration if any key is wrong.
    pub(super) fn read<'a>(section: &mut Section<'a>) -> (Option<Item<'a>>, Option<Self>) {
        let (listen_item, token_item) = (section.take("listen"), section.take("token"));
        let listen = listen_item.map_or(Some(LISTEN), |item| item.parse(&value::address()));
        section.note_default("listen", &*LISTEN.to_string());
        let token = token_item.map(|item| item.parse(&AdminToken::parser()));
        let metrics_item = section.take("metrics_token");
        let metrics_token = metrics_item.map(|item| item.parse(&AdminToken::parser()));
        if let (Some(item), Some(address), None) = (listen_item, listen, token_item)
            && !is_loopback(address)
        {
            item.complain(NO_TOKEN);
        }
        if let (Some(item), Some(Some(token)), Some(Some(metrics_token))) = (metrics_item, &token, &metrics_token)
            && token.0 == metrics_token.0
        {
            item.complain(SAME_TOKEN);
        }
        let read = || {
            let (token, metrics_token) = (transposed(token)?, transposed(metrics_token)?);
            Some(Self { listen: listen?, token, metrics_token })
        };
        (listen_item, read())
    }
}

/// The address of the admin listener without one in the configuration.
pub(super) const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9090);

/// Whether only this machine reaches an address.
pub(super) fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// None if the value is there and wrong.
fn transposed<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    read.map_or(Some(None), |value| value.map(Some))
}

impl AdminToken {
    fn parser() -> ValueParser<'static, Self> {
        value::text(Self::parse, TOKEN_ADVICE).secret()
    }

    /// Takes a token of RFC 6750 §2.1, with at least 32 characters.
    pub(super) fn parse(text: &str) -> Result<Self, AdminTokenError> {
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
pub(super) enum AdminTokenError {
    #[error("must have letters, digits and `-._~+/` alone, with `=` at its end at most")]
    NotAToken,
    #[error("must be at least 32 random characters")]
    Weak,
}

/// How to make a token.
pub(super) const TOKEN_ADVICE: &str = "make one with `truegate keys secret`";
const MIN_LENGTH: usize = 32;
const NO_TOKEN: &str = "not a loopback address, so `admin.token` must say who may use it (make a token with `truegate keys secret`, \
    or listen on 127.0.0.1)";
const SAME_TOKEN: &str = "must differ from `admin.token`, because a program that reads metrics needs no more (make another one with `truegate keys secret`)";

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
