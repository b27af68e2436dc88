//! A sealer that is not truegate's own: whoever has the secret can make the cookies and tokens of any time.

use std::time::Duration;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use serde_json::Value;
use sha2::Sha256;

/// The same session in a cookie, not seen for a while.
pub fn aged(secret: &str, cookie: &str, age: Duration) -> String {
    edited("session/", secret, cookie, |session| be_older(session, age))
}

/// The same session in a token, here without the beginning of tokens, not seen for a while.
pub fn aged_token(secret: &str, token: &str, age: Duration) -> String {
    edited("token/", secret, token, |session| be_older(session, age))
}

/// The same session in a cookie, with another member: a name and a value.
pub fn with(secret: &str, cookie: &str, name: &str, value: impl Into<Value>) -> String {
    edited("session/", secret, cookie, |session| session[name] = value.into())
}

/// The same session in a cookie, without a member that earlier versions did not write.
pub fn without(secret: &str, cookie: &str, name: &str) -> String {
    edited("session/", secret, cookie, |session| {
        session.as_object_mut().expect("a session is an object").remove(name).expect("the member is there");
    })
}

/// What was sealed for one purpose, sealed for another one, perhaps with another secret.
pub fn resealed(secret: &str, (purpose, sealed): (&str, &str), (other, with): (&str, &str)) -> String {
    let (nonce, plain) = Key::derive(secret).open(purpose, sealed);
    Key::derive(with).seal(other, &nonce, &plain)
}

fn be_older(session: &mut Value, age: Duration) {
    let seen = session["s"].as_u64().expect("the time when it was seen");
    session["s"] = (seen - u64::try_from(age.as_millis()).expect("not for ages")).into();
}

fn edited(purpose: &str, secret: &str, sealed: &str, edit: impl FnOnce(&mut Value)) -> String {
    let key = Key::derive(secret);
    let (nonce, plain) = key.open(purpose, sealed);
    let mut session: Value = serde_json::from_slice(&plain).expect("JSON");
    edit(&mut session);
    key.seal(purpose, &nonce, session.to_string().as_bytes())
}

struct Key {
    id: [u8; 8],
    cipher: XChaCha20Poly1305,
}

impl Key {
    fn derive(secret: &str) -> Self {
        let source = Hkdf::<Sha256>::new(None, &STANDARD.decode(secret).expect("a secret in base64"));
        let (mut id, mut key) = ([0; 8], [0; 32]);
        source.expand(b"truegate key id", &mut id).expect("HKDF gives 8 bytes");
        source.expand(b"truegate XChaCha20-Poly1305", &mut key).expect("HKDF gives 32 bytes");
        Self { id, cipher: XChaCha20Poly1305::new(&key.into()) }
    }

    fn open(&self, purpose: &str, text: &str) -> (XNonce, Vec<u8>) {
        let sealed = URL_SAFE_NO_PAD.decode(text).expect("base64url");
        let nonce = XNonce::try_from(&sealed[8..32]).expect("a nonce has its length");
        let payload = Payload { msg: &sealed[32..], aad: &self.bound(purpose) };
        let plain = self.cipher.decrypt(&nonce, payload).expect("it was sealed with the secret for the purpose");
        (nonce, plain)
    }

    fn seal(&self, purpose: &str, nonce: &XNonce, plain: &[u8]) -> String {
        let payload = Payload { msg: plain, aad: &self.bound(purpose) };
        let message = self.cipher.encrypt(nonce, payload).expect("it is short");
        URL_SAFE_NO_PAD.encode([&self.id, nonce.as_slice(), &message].concat())
    }

    /// The associated data of a purpose.
    fn bound(&self, purpose: &str) -> Vec<u8> {
        [b"truegate/1/", purpose.as_bytes(), b"/", &self.id].concat()
    }
}
