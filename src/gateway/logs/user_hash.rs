//! How logs name a user: by a keyed hash of the phone number.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::{profile::PhoneNumber, random::Random, session::Secret};

/// Names users in logs, so that all lines of one user can be found without the number in them.
///
/// A name is the first 16 bytes of HMAC-SHA256 in base64url. The same number has the same name, however it was verified.
///
/// # Security
///
/// Without the key, nobody finds the number of a name. There are few enough numbers to try all of them with it.
#[derive(Clone)]
pub(in crate::gateway) struct UserHasher(Hmac<Sha256>);

impl UserHasher {
    /// Names users by a key.
    pub(in crate::gateway) fn new(key: &Secret) -> Self {
        Self::keyed(key.expose())
    }

    /// Names users by a key that nobody knows.
    pub(super) fn random(random: &Random) -> Self {
        Self::keyed(&*random.bytes::<32>())
    }

    fn keyed(key: &[u8]) -> Self {
        let mac = Hmac::<Sha256>::new_from_slice(key).expect("a key may have any length");
        Self(mac.chain_update(b"truegate user of a log/"))
    }

    /// The name of a user.
    pub(in crate::gateway) fn hash(&self, phone: &PhoneNumber) -> String {
        let whole = self.0.clone().chain_update(phone.as_str()).finalize().into_bytes();
        URL_SAFE_NO_PAD.encode(&whole[..LENGTH])
    }
}

redacted!(UserHasher);

const LENGTH: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(key: &str) -> UserHasher {
        UserHasher::new(&Secret::parse(key).unwrap())
    }

    fn hash(hasher: &UserHasher, phone: &str) -> String {
        hasher.hash(&PhoneNumber::parse(phone).unwrap())
    }

    #[test]
    fn a_number_has_one_name_by_each_key() {
        let one = hasher("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        let other = hasher("AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        // Computed with Python's hmac, so that a change does not go unnoticed: old lines would be lost.
        assert_eq!(hash(&one, "+919999900001"), "m0xEs8_tGzpxrZCEDU1AYQ");
        assert_eq!(hash(&one, "919999900001"), hash(&one, "+919999900001"));
        assert_ne!(hash(&one, "+919999900002"), hash(&one, "+919999900001"));
        assert_ne!(hash(&other, "+919999900001"), hash(&one, "+919999900001"));
    }

    #[test]
    fn a_key_that_nobody_knows_is_another_one_each_time() {
        let random = Random::seeded(1);
        let [one, other] = [(), ()].map(|()| UserHasher::random(&random));
        assert_ne!(hash(&one, "+919999900001"), hash(&other, "+919999900001"));
        assert_eq!(format!("{one:?}"), "UserHasher(redacted)");
    }
}
