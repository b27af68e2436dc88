//! Tokens and request ids that look like Truecaller's.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

use base64::{
    Engine,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};

/// A source of fresh texts. They only look random: none of them guards anything.
#[derive(Debug, Default)]
pub(super) struct Random {
    keys: RandomState,
    drawn: AtomicU64,
}

impl Random {
    /// 51 characters, as the documented access token has.
    pub(super) fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<38>())
    }

    /// 28 characters with one `=`, as the documented request id has.
    pub(super) fn request_id(&self) -> String {
        URL_SAFE.encode(self.bytes::<20>())
    }

    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(size_of::<u64>()) {
            let word = self.keys.hash_one(self.drawn.fetch_add(1, Ordering::Relaxed)).to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        bytes
    }
}
