//! What verifiers may know: the public keys, as a JSON Web Key Set (RFC 7517 §5).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, EllipticCurveKeyParameters, EllipticCurveKeyType, Jwk,
    JwkSet, KeyAlgorithm, PublicKeyUse,
};
use p256::ecdsa::VerifyingKey;
use sha2::{Digest as _, Sha256};

/// The public half of a key: a point of P-256 by its two coordinates, in base64url.
pub(super) struct PublicKey {
    x: String,
    y: String,
    id: String,
}

impl PublicKey {
    pub(super) fn of(key: &VerifyingKey) -> Self {
        let point = key.to_encoded_point(false);
        let [x, y] = [point.x(), point.y()]
            .map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate.expect("an uncompressed point has two coordinates")));
        let id = thumbprint(&x, &y);
        Self { x, y, id }
    }

    /// The thumbprint of the key.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    fn jwk(&self) -> Jwk {
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
                x: self.x.clone(),
                y: self.y.clone(),
            }),
        }
    }
}

/// The key set as JSON.
pub(super) fn key_set<'a>(keys: impl Iterator<Item = &'a PublicKey>) -> Bytes {
    let set = JwkSet { keys: keys.map(PublicKey::jwk).collect() };
    serde_json::to_vec(&set).expect("texts are always JSON").into()
}

/// The hash of the members that make the key, in the one order and spelling of RFC 7638 §3.
fn thumbprint(x: &str, y: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbprint_is_that_of_the_rfc_method() {
        // The key of RFC 7517 appendix A.1; its thumbprint was computed by another library.
        let (x, y) = ("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM");
        assert_eq!(thumbprint(x, y), "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s");
    }
}
