//! Truecaller, as far as a gate asks it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use futures_core::future::BoxFuture;

use crate::{
    callback::Grant,
    cause::Cause,
    profile::{FetchError, Profile, ProfileSource},
};

/// Truecaller: it answers each token in its own way.
#[derive(Clone, Default)]
pub(super) struct Truecaller(Arc<AtomicUsize>);

impl Truecaller {
    pub(super) fn fetches(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl ProfileSource for Truecaller {
    fn fetch<'a>(&'a self, grant: &'a Grant, _: Instant) -> BoxFuture<'a, Result<Profile, FetchError>> {
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        let profile = |text: &str| Profile::parse(text.as_bytes());
        let answer = match grant.token().expose() {
            "refused" => Err(FetchError::Refused),
            "unusable" => Err(FetchError::Unusable),
            "phoneless" => profile(r#"{"phoneNumbers":[]}"#),
            "down" => Err(FetchError::Unavailable(Cause::Connect.into())),
            "down-twice" if count < 2 => Err(FetchError::Unavailable(Cause::Connect.into())),
            "inactive" => profile(r#"{"phoneNumbers":["919999999999"],"isActive":false}"#),
            "another" => profile(r#"{"phoneNumbers":["918888888888"]}"#),
            token if token.starts_with("silent") => return Box::pin(std::future::pending()),
            _ => profile(
                r#"{"phoneNumbers":["919999999999"],"userId":"42","name":{"first":"Rajat","last":"Kapoor"},
                "addresses":[{"countryCode":"in"}],"onlineIdentities":{"email":"a@b"}}"#,
            ),
        };
        Box::pin(async { answer })
    }
}
