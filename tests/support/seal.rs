//! A sealer that is not truegate's own: whoever has the secret can make the cookies of any time.

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

/// The same session, not seen for a while.
pub fn aged(secret: &str, cookie: &str, age: Duration) -> String {
    edited(secret, cookie, |session| {
        let seen = session["s"].as_u64().expect("the time when it was seen");
        session["s"] = (seen - u64::try_from(age.as_millis()).expect("not for ages")).into();
    })
}

/// The same session, with another member: a name and a value.
pub fn with(secret: &str, cookie: &str, name: &str, value: impl Into<Value>) -> String {
    edited(secret, cookie, |session| session[name] = value.into())
}

fn edited(secret: &str, cookie: &str, edit: impl FnOnce(&mut Value)) -> String {
    let source = Hkdf::<Sha256>::new(None, &STANDARD.decode(secret).expect("a secret in base64"));
    let (mut id, mut key) = ([0; 8], [0; 32]);
    source.expand(b"truegate key id", &mut id).expect("HKDF gives 8 bytes");
    source.expand(b"truegate XChaCha20-Poly1305", &mut key).expect("HKDF gives 32 bytes");
    let (cipher, bound) = (XChaCha20Poly1305::new(&key.into()), [&b"truegate/1/session//"[..], &id].concat());

    let sealed = URL_SAFE_NO_PAD.decode(cookie).expect("base64url");
    let nonce = XNonce::try_from(&sealed[8..32]).expect("a nonce has its length");
    let payload = Payload { msg: &sealed[32..], aad: &bound };
    let plain = cipher.decrypt(&nonce, payload).expect("a session's cookie, sealed with the secret");
    let mut session: Value = serde_json::from_slice(&plain).expect("JSON");
    edit(&mut session);
    let plain = session.to_string();
    let payload = Payload { msg: plain.as_bytes(), aad: &bound };
    let message = cipher.encrypt(&nonce, payload).expect("it is short");
    URL_SAFE_NO_PAD.encode([&id, nonce.as_slice(), &message].concat())
}
