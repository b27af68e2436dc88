//! The keys that sign: ECDSA on P-256, read from PEM.

use p256::{
    ecdsa,
    pkcs8::{EncodePrivateKey as _, LineEnding, PrivateKeyInfo, SecretDocument},
};
use rand_core::OsRng;
use zeroize::Zeroizing;

use super::jwks::PublicKey;

/// A private key for ES256 with its public half.
///
/// # Security
///
/// It is wiped when it is dropped, and has no `Debug`.
pub struct SigningKey {
    secret: ecdsa::SigningKey,
    public: PublicKey,
}

impl SigningKey {
    /// Makes a fresh key.
    pub fn generate() -> Self {
        Self::of(ecdsa::SigningKey::random(&mut OsRng))
    }

    /// Reads a private key in PKCS#8 form (RFC 5958), written as PEM: `-----BEGIN PRIVATE KEY-----`.
    ///
    /// # Errors
    ///
    /// When it is no such text, or the key is not of the curve P-256.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let (label, document) = SecretDocument::from_pem(pem).map_err(|_| KeyError::NotPem)?;
        match label {
            "PRIVATE KEY" => {}
            "ENCRYPTED PRIVATE KEY" => return Err(KeyError::Encrypted),
            _ => return Err(KeyError::NotPkcs8),
        }
        let info = PrivateKeyInfo::try_from(document.as_bytes()).map_err(|_| KeyError::NotPkcs8)?;
        ecdsa::SigningKey::try_from(info).map(Self::of).map_err(|_| KeyError::NotP256)
    }

    /// Writes the key as [`from_pem`](Self::from_pem) reads it.
    pub fn to_pem(&self) -> Zeroizing<String> {
        self.secret.to_pkcs8_pem(LineEnding::LF).expect("a key of P-256 is short enough for any encoding")
    }

    /// The key's thumbprint (RFC 7638), which names it in tokens and in the key set.
    pub fn id(&self) -> &str {
        self.public.id()
    }

    pub(super) fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The signature of a message, as JWS writes it (RFC 7518 §3.4).
    pub(super) fn sign(&self, message: &[u8]) -> ecdsa::Signature {
        ecdsa::signature::Signer::sign(&self.secret, message)
    }

    fn of(secret: ecdsa::SigningKey) -> Self {
        let public = PublicKey::of(secret.verifying_key());
        Self { secret, public }
    }
}

/// The keys of one issuer: one signs, and all are published.
///
/// To rotate, publish the next key beside the one that signs, and let it sign once the verifiers' copies of the key
/// set have expired. The old one stays published until the last token that it signed has expired.
pub struct SigningKeys {
    signs: SigningKey,
    others: Vec<SigningKey>,
}

impl SigningKeys {
    /// Starts with the key that signs.
    pub fn new(signs: SigningKey) -> Self {
        Self { signs, others: Vec::new() }
    }

    /// Publishes a further key.
    ///
    /// # Errors
    ///
    /// When it is one of these keys already.
    pub fn publish(&mut self, key: SigningKey) -> Result<(), KeyError> {
        if self.all().any(|known| known.id() == key.id()) {
            return Err(KeyError::Twice);
        }
        self.others.push(key);
        Ok(())
    }

    /// The key that signs.
    pub fn signs(&self) -> &SigningKey {
        &self.signs
    }

    /// Every key, the one that signs first.
    pub fn all(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.signs).chain(&self.others)
    }
}

/// Why a text is no key to sign with. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It is not PEM, or not one block of it.
    #[error("is not PEM text of one private key")]
    NotPem,
    /// It is another kind of PEM, or broken.
    #[error("is not a private key in PKCS#8 form")]
    NotPkcs8,
    /// It needs a password.
    #[error("is an encrypted private key")]
    Encrypted,
    /// It is for other algorithms than ES256.
    #[error("is not a valid private key of the curve P-256")]
    NotP256,
    /// It is among the keys already.
    #[error("is the same key as one before it")]
    Twice,
}

#[cfg(test)]
mod tests;
