//! Randomness as an argument: the only module that asks for unpredictable random numbers.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
#[expect(clippy::disallowed_types, reason = "the one place that asks for random numbers")]
use rand_core::{OsRng, RngCore as _};
use zeroize::Zeroizing;

/// A source of random bytes, for ids, keys and nonces.
///
/// It panics when the operating system has no random numbers to give.
pub(crate) struct Random(Box<Fill>);

/// Fills a buffer.
type Fill = dyn Fn(&mut [u8]) + Send + Sync;

impl Random {
    /// The generator of the operating system.
    pub(crate) fn system() -> Self {
        Self(Box::new(|bytes| OsRng.fill_bytes(bytes)))
    }

    /// Fills a buffer.
    pub(crate) fn fill(&self, bytes: &mut [u8]) {
        self.0(bytes);
    }

    /// Some bytes for a secret, which are wiped when they are dropped.
    pub(crate) fn bytes<const N: usize>(&self) -> Zeroizing<[u8; N]> {
        let mut bytes = Zeroizing::new([0; N]);
        self.fill(&mut *bytes);
        bytes
    }

    /// 128 random bits in base64url: 22 characters.
    pub(crate) fn text(&self) -> Box<str> {
        URL_SAFE_NO_PAD.encode(*self.bytes::<16>()).into()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use sha2::{Digest as _, Sha256};

    use super::*;

    impl Random {
        /// A source that gives the same bytes for the same seed.
        pub(crate) fn seeded(seed: u8) -> Self {
            let drawn = AtomicU64::new(0);
            Self(Box::new(move |bytes| {
                for chunk in bytes.chunks_mut(32) {
                    let number = drawn.fetch_add(1, Ordering::Relaxed);
                    let block = Sha256::new_with_prefix([seed]).chain_update(number.to_be_bytes()).finalize();
                    chunk.copy_from_slice(&block[..chunk.len()]);
                }
            }))
        }
    }

    #[test]
    fn every_text_is_another_one_and_fits_a_request_id() {
        let (random, seeded) = (Random::system(), Random::seeded(1));
        assert_ne!(random.text(), random.text());
        assert_ne!(seeded.text(), seeded.text());
        for text in [random.text(), seeded.text()] {
            assert!(crate::callback::RequestId::parse(&text).is_some() && text.len() == 22, "{text}");
        }
    }

    #[test]
    fn a_seed_stands_for_all_that_follows() {
        let [one, same, other] = [1, 1, 2].map(Random::seeded);
        assert_eq!(one.bytes::<40>(), same.bytes::<40>());
        assert_eq!(one.text(), same.text());
        assert_ne!(one.text(), other.text());
    }
}
