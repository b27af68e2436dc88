//! Sealing: what browsers and stores are given to keep, and can neither read nor change.

use std::borrow::Cow;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::URL_SAFE_NO_PAD},
};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{callback::RequestId, random::Random};

/// Seals with the first of a site's secrets, and opens with any of them.
///
/// Sealed data is `key id (8) ‖ nonce (24) ‖ ciphertext ‖ tag (16)`, with XChaCha20-Poly1305 and a random nonce. HKDF-SHA256
/// (RFC 5869) derives the key from the secret. Data that is sealed for one purpose cannot be opened for another.
///
/// # Security
///
/// Only a gate seals and opens with it, because a sealed session cookie can name any user.
#[derive(Clone)]
pub struct Sealer {
    /// The first seals.
    keys: Vec<Key>,
}

/// The purpose of sealed data.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SealPurpose<'a> {
    /// The cookie of a session, for the hosts that its realm names.
    Session(&'a str),
    /// The session token of the site's own app, for the hosts that its realm names.
    Token(&'a str),
    /// The cookie of a browser that logs in on the host that its realm names.
    Browser(&'a str),
    /// The store's entry for the login of this request id.
    Login(&'a RequestId),
    /// Which browser started the login of this request id, as the store keeps it.
    Owner(&'a RequestId),
    /// The ticket with which the site's own page finishes a login.
    Ticket,
    /// The store's entry for a session that ended.
    Revocation,
    /// The companion of a cookie of the app's own: whose it is, and its name and value.
    UpstreamCookie { owner: &'a [u8], name: &'a [u8], value: &'a [u8] },
}

#[derive(Clone)]
struct Key {
    id: [u8; KEY_ID],
    cipher: XChaCha20Poly1305,
}

impl Sealer {
    /// Creates a sealer that seals with the first secret and opens with all. To rotate, add the new secret at the end on every
    /// gateway, then move it to the front on every gateway, and remove the old secret when everything that it sealed has expired.
    pub fn new(first: &Secret, others: &[Secret]) -> Self {
        Self { keys: std::iter::once(first).chain(others).map(Key::derive).collect() }
    }

    /// Whether it opens nothing that the other one does not open.
    #[cfg(feature = "gateway")]
    pub(crate) fn opens_no_more_than(&self, other: &Self) -> bool {
        self.keys.iter().all(|key| other.keys.iter().any(|known| known.id == key.id))
    }

    /// Seals bytes for a purpose.
    pub(crate) fn seal(&self, purpose: SealPurpose<'_>, plain: &[u8], random: &Random) -> Vec<u8> {
        let key = &self.keys[0];
        let mut sealed = vec![0; KEY_ID + NONCE];
        let (id, nonce) = sealed.split_at_mut(KEY_ID);
        id.copy_from_slice(&key.id);
        random.fill(nonce);
        let nonce = XNonce::try_from(&*nonce).expect("a nonce has its length");
        let payload = Payload { msg: plain, aad: &purpose.bound(&key.id) };
        sealed.extend(key.cipher.encrypt(&nonce, payload).expect("what is sealed is short"));
        sealed
    }

    /// Opens what was sealed for this purpose with any of the secrets.
    pub(crate) fn open(&self, purpose: SealPurpose<'_>, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (id, rest) = sealed.split_first_chunk::<KEY_ID>()?;
        let (nonce, message) = rest.split_first_chunk::<NONCE>()?;
        let key = self.keys.iter().find(|key| key.id == *id)?;
        let payload = Payload { msg: message, aad: &purpose.bound(id) };
        key.cipher.decrypt(&XNonce::from(*nonce), payload).ok().map(Zeroizing::new)
    }

    /// Seals as text of base64url.
    pub(crate) fn seal_text(&self, purpose: SealPurpose<'_>, plain: &[u8], random: &Random) -> String {
        URL_SAFE_NO_PAD.encode(self.seal(purpose, plain, random))
    }

    /// Opens what was sealed as text.
    pub(crate) fn open_text(&self, purpose: SealPurpose<'_>, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.open(purpose, &URL_SAFE_NO_PAD.decode(sealed).ok()?)
    }
}

impl Key {
    fn derive(secret: &Secret) -> Self {
        let source = Hkdf::<Sha256>::new(None, secret.expose());
        let (mut id, mut key) = ([0; KEY_ID], Zeroizing::new([0; 32]));
        source.expand(b"truegate key id", &mut id).expect("HKDF gives 8 bytes");
        source.expand(b"truegate XChaCha20-Poly1305", &mut *key).expect("HKDF gives 32 bytes");
        Self { id, cipher: XChaCha20Poly1305::new((&*key).into()) }
    }
}

impl SealPurpose<'_> {
    /// The associated data: the purpose, and which key; no two purposes share one.
    fn bound(self, id: &[u8; KEY_ID]) -> Vec<u8> {
        let (word, name) = match self {
            Self::Session(realm) => ("session", Cow::Borrowed(realm.as_bytes())),
            Self::Token(realm) => ("token", Cow::Borrowed(realm.as_bytes())),
            Self::Browser(realm) => ("browser", Cow::Borrowed(realm.as_bytes())),
            Self::Login(nonce) => ("login", Cow::Borrowed(nonce.expose().as_bytes())),
            Self::Owner(nonce) => ("owner", Cow::Borrowed(nonce.expose().as_bytes())),
            Self::Ticket => ("ticket", Cow::Borrowed(&b""[..])),
            Self::Revocation => ("revocation", Cow::Borrowed(&b""[..])),
            Self::UpstreamCookie { owner, name, value } => {
                let lengths = [owner, name].map(|part| (part.len() as u64).to_be_bytes()).concat();
                ("upstream-cookie", Cow::Owned([&lengths, owner, name, value].concat()))
            }
        };
        [b"truegate/1/", word.as_bytes(), b"/", &name, b"/", id].concat()
    }
}

/// At least 32 random bytes, which all gateways of a site share.
///
/// # Security
///
/// A person who knows the secret can forge any session, so `Debug` does not show it.
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
        Self(Zeroizing::new(Random::system().bytes::<MIN_LENGTH>().to_vec()))
    }

    /// The bytes, to derive keys from.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

redacted!(Secret);

/// The reason why a text is not a valid secret. It does not repeat the text.
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

const KEY_ID: usize = 8;
const NONCE: usize = 24;
const MIN_LENGTH: usize = 32;
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(first: u8) -> Secret {
        let bytes: Vec<_> = (first..first + 32).collect();
        Secret::parse(&URL_SAFE_NO_PAD.encode(bytes)).unwrap()
    }

    fn nonce(text: &str) -> RequestId {
        RequestId::parse(text).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_for_its_purpose_alone() {
        let sealer = Sealer::new(&secret(0), &[]);
        let (one, other) = (nonce("nonce-of-one"), nonce("nonce-of-another"));
        let purposes = [
            SealPurpose::Session(""),
            SealPurpose::Session("shop.example"),
            SealPurpose::Session("wiki.shop.example"),
            SealPurpose::Token(""),
            SealPurpose::Token("shop.example"),
            SealPurpose::Browser(""),
            SealPurpose::Browser("shop.example"),
            SealPurpose::Login(&one),
            SealPurpose::Login(&other),
            SealPurpose::Owner(&one),
            SealPurpose::Owner(&other),
            SealPurpose::Ticket,
            SealPurpose::Revocation,
            SealPurpose::UpstreamCookie { owner: b"a", name: b"sid", value: b"1" },
            SealPurpose::UpstreamCookie { owner: b"", name: b"sid", value: b"1" },
            SealPurpose::UpstreamCookie { owner: b"a", name: b"si", value: b"d1" },
            SealPurpose::UpstreamCookie { owner: b"as", name: b"id", value: b"1" },
            SealPurpose::UpstreamCookie { owner: b"a", name: b"sid", value: b"2" },
        ];
        for (sealed_for, purpose) in purposes.iter().enumerate() {
            let sealed = sealer.seal(*purpose, b"secret", &Random::seeded(1));
            for (opened_for, purpose) in purposes.iter().enumerate() {
                let opened = sealer.open(*purpose, &sealed);
                assert_eq!(opened.is_some_and(|plain| *plain == b"secret"), sealed_for == opened_for);
            }
        }
    }

    #[test]
    fn a_changed_seal_does_not_open() {
        let sealer = Sealer::new(&secret(0), &[]);
        let sealed = sealer.seal(SealPurpose::Session(""), b"{\"phone\":\"\"}", &Random::seeded(1));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(sealer.open(SealPurpose::Session(""), &changed).is_none(), "byte {at}");
            assert!(sealer.open(SealPurpose::Session(""), &sealed[..at]).is_none(), "cut at {at}");
        }
        assert!(sealer.open_text(SealPurpose::Session(""), b"\"quoted\"").is_none());
        assert!(sealer.open_text(SealPurpose::Session(""), "नमस्ते".as_bytes()).is_none());
    }

    #[test]
    fn secrets_rotate() {
        let (old, new) = (secret(0), secret(100));
        let sealed = Sealer::new(&old, &[]).seal_text(SealPurpose::Session(""), b"a", &Random::seeded(1));
        assert!(Sealer::new(&new, &[old]).open_text(SealPurpose::Session(""), sealed.as_bytes()).is_some());
        assert!(Sealer::new(&new, &[]).open_text(SealPurpose::Session(""), sealed.as_bytes()).is_none());
    }

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
