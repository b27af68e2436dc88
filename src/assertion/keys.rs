//! The keys that sign, ECDSA on P-256, and the set of their public halves (RFC 7517 §5).

use std::ops::Deref;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, EllipticCurveKeyParameters, EllipticCurveKeyType, Jwk,
    JwkSet, KeyAlgorithm, PublicKeyUse,
};
use p256::{
    ecdsa,
    pkcs8::{EncodePrivateKey as _, LineEnding, PrivateKeyInfo, SecretDocument},
};
use sha2::{Digest as _, Sha256};

use crate::random::Random;

/// A private key for ES256 with its public half.
///
/// # Security
///
/// It is wiped when it is dropped, and has no `Debug`.
pub struct SigningKey {
    secret: ecdsa::SigningKey,
    id: String,
}

impl SigningKey {
    /// Makes a fresh key.
    pub fn generate() -> Self {
        let random = Random::system();
        // All but one of four billion texts of 32 bytes are keys.
        let keys = std::iter::repeat_with(|| ecdsa::SigningKey::from_slice(&*random.bytes::<32>()));
        Self::new(keys.flatten().next().expect("it is tried until there is one"))
    }

    /// Reads a private key in PKCS#8 form (RFC 5958), written as PEM: `-----BEGIN PRIVATE KEY-----`.
    ///
    /// # Errors
    ///
    /// When the text is not such a key, or the key is not on the curve P-256.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let (label, document) = SecretDocument::from_pem(pem).map_err(|_| KeyError::NotPem)?;
        match label {
            "PRIVATE KEY" => {}
            "ENCRYPTED PRIVATE KEY" => return Err(KeyError::Encrypted),
            _ => return Err(KeyError::NotPkcs8),
        }
        let info = PrivateKeyInfo::try_from(document.as_bytes()).map_err(|_| KeyError::NotPkcs8)?;
        ecdsa::SigningKey::try_from(info).map(Self::new).map_err(|_| KeyError::NotP256)
    }

    /// Writes the key as [`from_pem`](Self::from_pem) reads it. The text is wiped when it is dropped.
    pub fn to_pem(&self) -> impl Deref<Target = String> + use<> {
        self.secret.to_pkcs8_pem(LineEnding::LF).expect("a key of P-256 is short enough for any encoding")
    }

    /// The key's thumbprint (RFC 7638), which names it in tokens and in the key set.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The signature of a message, as JWS writes it (RFC 7518 §3.4).
    pub(super) fn sign(&self, message: &[u8]) -> ecdsa::Signature {
        ecdsa::signature::Signer::sign(&self.secret, message)
    }

    fn new(secret: ecdsa::SigningKey) -> Self {
        let [x, y] = coordinates(&secret);
        Self { secret, id: thumbprint(&x, &y) }
    }

    /// The public half of the key.
    fn jwk(&self) -> Jwk {
        let [x, y] = coordinates(&self.secret);
        Jwk {
            common: CommonParameters {
                public_key_use: Some(PublicKeyUse::Signature),
                key_algorithm: Some(KeyAlgorithm::ES256),
                key_id: Some(self.id.clone()),
                ..CommonParameters::default()
            },
            algorithm: AlgorithmParameters::EllipticCurve(EllipticCurveKeyParameters {
                key_type: EllipticCurveKeyType::EC,
                curve: EllipticCurve::P256,
                x,
                y,
            }),
        }
    }
}

/// The keys of one issuer: the first signs, and all are published.
///
/// To rotate, publish the next key as well, and let it sign when the verifiers' copies of the key set have expired. Publish the
/// old key until the last token that it signed has expired.
pub struct SigningKeys(Vec<SigningKey>);

impl SigningKeys {
    /// Starts with the key that signs.
    pub fn new(signer: SigningKey) -> Self {
        Self(vec![signer])
    }

    /// Publishes a further key.
    ///
    /// # Errors
    ///
    /// When it is already one of these keys.
    pub fn publish(&mut self, key: SigningKey) -> Result<(), KeyError> {
        if self.0.iter().any(|known| known.id == key.id) {
            return Err(KeyError::Twice);
        }
        self.0.push(key);
        Ok(())
    }

    /// The key that signs.
    pub(super) fn signer(&self) -> &SigningKey {
        &self.0[0]
    }

    /// The public keys as a JSON Web Key Set.
    pub(super) fn key_set(&self) -> Bytes {
        let set = JwkSet { keys: self.0.iter().map(SigningKey::jwk).collect() };
        serde_json::to_vec(&set).expect("texts are always JSON").into()
    }
}

/// The point of P-256 that is the public half of a key: its two coordinates in base64url.
fn coordinates(secret: &ecdsa::SigningKey) -> [String; 2] {
    let point = secret.verifying_key().to_encoded_point(false);
    [point.x(), point.y()]
        .map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate.expect("an uncompressed point has two coordinates")))
}

/// The hash of a public key in the one order and spelling of RFC 7638 §3.
fn thumbprint(x: &str, y: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)))
}

/// The reason why a text is not a valid signing key. It does not repeat the text.
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
    /// It is for another algorithm than ES256.
    #[error("is not a valid private key of the curve P-256")]
    NotP256,
    /// It is already one of the keys.
    #[error("is the same key as one before it")]
    Twice,
}

#[cfg(test)]
mod tests;
