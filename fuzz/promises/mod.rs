//! What fuzzers feed: one function for each parser of foreign bytes, with the promises that hold for whatever comes.
//!
//! The crate has these files as its module `fuzzing`, so that they reach what is private: under `cfg(fuzzing)`, which cargo-fuzz
//! sets, and in its unit tests, which give the seeds in `fuzz/seeds` to the same functions. A function panics when a promise is
//! broken, and returns whether the bytes got through the parser, so that a seed that no longer does is noticed.

mod folding;
#[cfg(feature = "gateway")]
mod gateway;
mod native;
mod site;

use std::{collections::BTreeMap, str, sync::Arc};

use http::{HeaderMap, uri::PathAndQuery};
use serde_json::value::RawValue;
use url::Url;

pub use self::gateway::{configuration, forwarded, proxy_header, site_login};
pub use self::{
    folding::folding,
    native::{credential, missed_call, token, userinfo},
    site::{cookie, finish_login, status},
};
use crate::{
    callback::{Callback, Endpoints, ProfileEndpoint},
    headers::{EditKind, Edits, HeaderNames, IdentityHeaders},
    identity::{Identity, VerificationMethod},
    path::{CanonicalPath, SessionPath, any_reading, decode_fully},
    profile::Profile,
    session::ReturnPath,
};

/// Any JSON object.
type Members = BTreeMap<String, Box<RawValue>>;

/// A target of the fuzzer: its name, which is also that of its folder in `fuzz/seeds`, and what it feeds.
#[cfg(all(test, feature = "gateway"))]
type Target = (&'static str, fn(&[u8]) -> bool);

#[cfg(all(test, feature = "gateway"))]
const TARGETS: &[Target] = &[
    ("callback", callback),
    ("profile", profile),
    ("endpoint", endpoint),
    ("path", path),
    ("cookie", cookie),
    ("status", status),
    ("return_path", return_path),
    ("folding", folding),
    ("forwarded", forwarded),
    ("configuration", configuration),
    ("proxy_header", proxy_header),
    ("credential", credential),
    ("token", token),
    ("userinfo", userinfo),
    ("missed_call", missed_call),
    ("site_login", site_login),
];

/// The body of a callback: whatever is in it, a grant goes to a listed endpoint with a token that fits in one header.
pub fn callback(body: &[u8]) -> bool {
    let endpoints = Endpoints::default();
    let Ok(callback) = Callback::parse(body, &endpoints) else { return false };
    // Without the types that are asked for, it is an object all the same.
    assert!(serde_json::from_slice::<Members>(body).is_ok());
    let shown = format!("{callback:?}");
    let request_id = match &callback {
        Callback::Grant(grant) => {
            assert!(endpoints.iter().any(|listed| listed == grant.endpoint()));
            let token = grant.token().expose();
            assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
            assert!(token.len() < 8 || !shown.contains(token), "a token is shown");
            grant.request_id()
        }
        Callback::Decline(decline) => {
            let word = decline.status.as_str();
            assert!(word != "verified" && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')));
            &decline.request_id
        }
    };
    assert!(request_id.expose().bytes().all(|byte| byte.is_ascii_graphic()));
    true
}

/// The body of a profile: whatever is in it, the phone number is one of E.164, and each header is sent once at most.
pub fn profile(body: &[u8]) -> bool {
    let Ok(profile) = Profile::parse(body) else { return false };
    assert!(serde_json::from_str::<Members>(&profile.json).is_ok());
    sent_once(profile, VerificationMethod::Web);
    true
}

/// What holds for every profile: the phone number is one of E.164, and each header is sent once at most.
pub(crate) fn sent_once(profile: Profile, method: VerificationMethod) {
    let digits = profile.phone.as_str().strip_prefix('+').expect("a number starts with +");
    assert!((7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()));
    assert!(!format!("{profile:?}").contains(digits), "a phone number is shown");
    let mut headers = HeaderMap::new();
    let identity = Identity::vouch(None, profile, method);
    let names = Arc::new(HeaderNames::default());
    let injected = IdentityHeaders::of(&names, None, &identity);
    let verified = EditKind::Verified { identity, headers: injected, assertion: None };
    let _ = Edits::new(verified).apply(&names, names.survey(&headers).suspects, &mut headers);
    assert_eq!(headers.keys_len(), headers.len(), "a header is sent twice");
    assert_eq!(headers["x-truecaller-status"], "verified");
}

/// A profile endpoint, as a callback names it: it is taken only as it is listed, and never goes to another host.
pub fn endpoint(text: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(text) else { return false };
    let endpoints = Endpoints::default();
    let is_listed = endpoints.iter().any(|listed| listed.url().as_str() == text);
    assert_eq!(endpoints.admit(text).is_some(), is_listed);
    let Ok(endpoint) = ProfileEndpoint::parse(text) else {
        assert!(!is_listed);
        return false;
    };
    let url = endpoint.url();
    assert_eq!(url.as_str(), text);
    assert!(url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none());
    let host = url.host_str().expect("an endpoint has a host");
    // What goes between the slashes is the host and the port, and nothing that another parser could take for either.
    let authority = text.split('/').nth(2).expect("an authority");
    assert_eq!(
        authority.strip_prefix(host).map(|port| port.trim_start_matches(|c: char| c == ':' || c.is_ascii_digit())),
        Some("")
    );
    true
}

/// The path of a request: the canonical spelling is read in one way, and no spelling of truegate's own path gets past it.
pub fn path(raw: &[u8]) -> bool {
    let Ok(raw) = str::from_utf8(raw) else { return false };
    let own = SessionPath::default();
    // What HTTP lets through as a path.
    let is_path = raw.starts_with('/') && raw.parse::<PathAndQuery>().is_ok_and(|target| target.path() == raw);
    if is_path {
        // Two servers that must not see a path of truegate's own where truegate sees none: one decodes until no escape is left
        // and folds slashes, one reads the path as browsers read a URL. Neither minds letter case.
        let site = Url::parse("https://shop.example").expect("it is a URL");
        let decoded = decode_fully(raw.as_bytes()).to_vec();
        let joined = site.join(raw).map(|url| url.path().as_bytes().to_vec()).unwrap_or_default();
        for reading in [decoded, joined] {
            let mut segments = reading.split(|byte| *byte == b'/').filter(|segment| !segment.is_empty());
            let is_own = segments.next().is_some_and(|first| first.eq_ignore_ascii_case(b".truegate"));
            assert!(!is_own || own.covers(raw), "{raw:?} is not covered");
        }
    }
    let Ok(canonical) = CanonicalPath::parse(raw) else { return false };
    let canonical = canonical.as_str();
    let again = CanonicalPath::parse(canonical).expect("a canonical path is a path");
    assert_eq!(again.as_str(), canonical, "the canonical spelling of {raw:?} has another one");
    assert!(canonical.starts_with('/') && canonical.bytes().all(|byte| byte.is_ascii_graphic()));
    assert!(!canonical.contains("//") && !canonical.split('/').any(|segment| matches!(segment, "." | "..")));
    // Without escapes, nobody reads the canonical spelling as a path above it. (Of a long path, not every reading is made.)
    if canonical.len() < 1024 && !canonical.contains('%') {
        let climbs = |reading: &[u8]| reading.split(|byte| *byte == b'/').any(|segment| segment == b"..");
        assert!(!any_reading(canonical, climbs), "{canonical:?} climbs");
    }
    true
}

/// Where a browser goes after a login: whatever is asked for, it stays on the site.
pub fn return_path(text: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(text) else { return false };
    let Some(path) = ReturnPath::parse(text) else { return false };
    let location = path.as_str();
    assert!(location.starts_with('/') && location.bytes().all(|byte| byte.is_ascii_graphic()));
    for site in ["https://shop.example", "http://localhost:3000"] {
        let site = Url::parse(site).expect("it is a URL");
        let gone = site.join(location).expect("a return path is a reference");
        assert_eq!(gone.origin(), site.origin(), "{text:?} leaves the site");
        // The path that comes out is sent to the app, which may redirect to it.
        let back = site.join(gone.path()).expect("a path is a reference");
        assert_eq!(back.origin(), site.origin(), "{text:?} leaves the site with the second redirect");
    }
    assert_eq!(ReturnPath::parse(location).as_ref().map(ReturnPath::as_str), Some(location));
    true
}

#[cfg(all(test, feature = "gateway"))]
mod tests;
