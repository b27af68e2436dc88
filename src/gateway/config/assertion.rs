//! `assertion`: how identities are signed, if they are.

use std::{sync::Arc, time::Duration};

use super::{
    reader::{Item, Section},
    value,
};
use crate::assertion::{Assertions, KeyError, Principal, SigningKey, SigningKeys};

/// Reads the section; none if anything that it must have is missing or wrong.
pub(super) fn read(section: &mut Section<'_>) -> Option<Arc<Assertions>> {
    let keys = section.require("key", "write key: ${file:assertion.pem}").and_then(|item| keys(&item));
    let issuer = section.require("issuer", "write issuer: https://shop.example").and_then(|item| principal(&item));
    let audience = section.require("audience", "write audience: shop-backend").and_then(|item| principal(&item));
    let lifetime = Duration::from_secs(10)..=Duration::from_hours(1);
    let lifetime = section.read("lifetime", value::duration(lifetime)).unwrap_or(Assertions::LIFETIME);
    Some(Arc::new(Assertions::new(keys?, issuer?, audience?).lifetime(lifetime)))
}

/// Reads one key or a list of them, of which the first signs.
fn keys(item: &Item<'_>) -> Option<SigningKeys> {
    if !item.is_list() {
        return key(item).map(SigningKeys::new);
    }
    let items = item.list()?;
    if items.is_empty() {
        item.complain("is empty, so nothing could be signed (list a key)");
    }
    // All are looked at, though the first mistake decides.
    let parsed: Vec<_> = items.iter().map(key).collect();
    let mut parsed = parsed.into_iter().collect::<Option<Vec<_>>>()?.into_iter();
    let mut keys = SigningKeys::new(parsed.next()?);
    for (key, item) in parsed.zip(&items[1..]) {
        if let Err(error) = keys.publish(key) {
            item.complain(explain(error));
        }
    }
    Some(keys)
}

fn key(item: &Item<'_>) -> Option<SigningKey> {
    item.parse(|pem| SigningKey::from_pem(pem).map_err(explain))
}

fn principal(item: &Item<'_>) -> Option<Principal> {
    item.parse(|text| Principal::parse(text).map_err(|error| format!("{error} (write a URL or a name)")))
}

fn explain(error: KeyError) -> String {
    let advice = match error {
        KeyError::NotPem => "write ${file:assertion.pem}, a file that `truegate keys assertion` makes",
        KeyError::NotPkcs8 | KeyError::Encrypted => "convert it with `openssl pkey`",
        KeyError::Twice => "keep one",
        _ => "make one with `truegate keys assertion`",
    };
    format!("{error} ({advice})")
}
