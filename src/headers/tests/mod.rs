use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::*;
use crate::{
    callback::RequestId,
    identity::{Identity, VerificationMethod},
    profile::Profile,
};

mod injection;
mod names;
mod sets;
mod stripping;

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let line = |(name, value): &(&str, &str)| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    lines.iter().map(line).collect()
}

fn identity(profile: &str) -> Identity {
    Identity::vouch(RequestId::parse("12345678"), Profile::parse(profile.as_bytes()).unwrap(), VerificationMethod::Web)
}

fn inject(names: &Arc<HeaderNames>, profile: &str, mut into: HeaderMap) -> HeaderMap {
    let identity = identity(profile);
    let headers = IdentityHeaders::of(names, None, &identity);
    let verified = EditKind::Verified { identity, headers, assertion: None };
    let _ = Edits::new(verified).apply(names, names.survey(&into).suspects, &mut into);
    into
}
