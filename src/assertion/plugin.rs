//! The plugin that signs identities and publishes the keys.

use std::{
    num::NonZero,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use http::{HeaderValue, Method, request::Parts};
use lru::LruCache;

use super::Assertions;
use crate::{
    gate::{Gate, GateBuilder, Rejection, Reply, Step, plugin::Plugin},
    identity::{GroupNames, Identity},
};

impl GateBuilder {
    /// Sends a signed assertion with every identity, and publishes the keys at
    /// [`KEY_SET_PATH`](super::KEY_SET_PATH), unless that is the callback's path. By default no assertion is sent.
    pub fn assertions(self, assertions: impl Into<Arc<Assertions>>) -> Self {
        self.plug_in(AssertionPlugin { assertions: assertions.into(), last: Mutex::new(LruCache::new(KEPT)) })
    }
}

/// Signs, and remembers the last assertion of each session and when it was made, because signing takes time.
struct AssertionPlugin {
    assertions: Arc<Assertions>,
    last: Mutex<LruCache<Box<str>, MadeAssertion>>,
}

/// An assertion of a session's identity, which may serve again while the identity is the same.
struct MadeAssertion {
    assertion: HeaderValue,
    at: SystemTime,
    /// The user's groups: all else of a session's identity stays as it is.
    groups: GroupNames,
}

impl AssertionPlugin {
    fn last(&self, session: &str, identity: &Identity, now: SystemTime) -> Option<HeaderValue> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let made = last.get(session)?;
        let is_fresh = now.duration_since(made.at).is_ok_and(|age| age < self.assertions.lifetime / 2);
        (is_fresh && made.groups == *identity.group_names()).then(|| made.assertion.clone())
    }
}

impl Plugin for AssertionPlugin {
    fn take_exact(&self, gate: &Gate, head: &Parts) -> Option<Step> {
        head.uri.path().strip_prefix(gate.prefix()).filter(|rest| *rest == "/jwks.json")?;
        if head.method != Method::GET && head.method != Method::HEAD {
            return Some(Step::Reply(gate.reject(Rejection::MethodNotAllowed { allow: "GET, HEAD" })));
        }
        // No client of a key set is known to insist on the content type of RFC 7517, but some insist on this one.
        Some(Step::Reply(Reply::document("application/json", self.assertions.key_set().clone(), head)))
    }

    fn asserts(&self) -> bool {
        true
    }

    fn assert(&self, identity: &Identity, session: Option<&str>, now: SystemTime) -> Option<HeaderValue> {
        if let Some(assertion) = session.and_then(|session| self.last(session, identity, now)) {
            return Some(assertion);
        }
        let assertion = self.assertions.sign(identity, now);
        if let Some(session) = session {
            let groups = identity.group_names().clone();
            let made = MadeAssertion { assertion: assertion.clone(), at: now, groups };
            self.last.lock().unwrap_or_else(PoisonError::into_inner).put(session.into(), made);
        }
        Some(assertion)
    }
}

/// Up to 10 MB of assertions. A session beyond that gets a new assertion early.
const KEPT: NonZero<usize> = NonZero::new(10_000).expect("it is not zero");

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use bytes::Bytes;
    use futures_core::future::BoxFuture;
    use http::{HeaderMap, Request, StatusCode};

    use super::*;
    use crate::{
        assertion::{SigningKey, SigningKeys},
        callback::Grant,
        clock::ManualClock,
        gate::{ConnectionReuse, Verdict},
        identity::VerificationMethod,
        profile::{FetchError, Profile, ProfileSource},
    };

    struct Source;

    impl ProfileSource for Source {
        fn fetch<'a>(&'a self, _: &'a Grant, _: Instant) -> BoxFuture<'a, Result<Profile, FetchError>> {
            Box::pin(async { Profile::parse(br#"{"phoneNumbers":["919999999999"]}"#) })
        }
    }

    fn builder() -> GateBuilder {
        let keys = SigningKeys::new(SigningKey::generate());
        let assertions = Assertions::new(keys, "issuer".parse().unwrap(), "audience".parse().unwrap());
        Gate::builder("/callback".parse().unwrap(), Source).assertions(assertions)
    }

    fn inspect(gate: &Gate, method: &str, path: &str, header: (&str, &str)) -> Step {
        let request = Request::builder().method(method).uri(path).header(header.0, header.1).body(()).unwrap();
        gate.inspect(&request.into_parts().0)
    }

    #[tokio::test]
    async fn an_assertion_is_dated_by_the_clock() {
        let clock = ManualClock::default();
        clock.set_wall(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let gate = builder().clock(clock).build();
        let Step::Read(intake) = inspect(&gate, "POST", "/callback", ("a", "b")) else { panic!("a callback") };
        let grant =
            br#"{"requestId":"12345678","accessToken":"t","endpoint":"https://profile4.truecaller.com/v1/default"}"#;
        let Verdict::Forward(edits) = intake.finish(Bytes::from_static(grant)).await else { panic!("it is genuine") };

        let mut headers = HeaderMap::from_iter([("x_truecaller_assertion".parse().unwrap(), "e.y.".parse().unwrap())]);
        gate.apply(&edits, &mut headers);

        let token = &headers["x-truecaller-assertion"];
        assert!(token.is_sensitive() && !headers.contains_key("x_truecaller_assertion"));
        let claims = URL_SAFE_NO_PAD.decode(token.to_str().unwrap().split('.').nth(1).unwrap()).unwrap();
        let claims = String::from_utf8(claims).unwrap();
        assert!(claims.contains(r#""iat":1700000000,"exp":1700000300"#), "{claims}");
    }

    #[test]
    fn a_session_gets_a_new_assertion_when_its_user_is_in_other_groups() {
        let gate = builder().clock(ManualClock::default()).build();
        let profile = Profile::parse(br#"{"phoneNumbers":["919999999999"]}"#).unwrap();
        let identity = Identity::vouch(None, profile, VerificationMethod::Web);
        let assert = |groups: &[&str]| {
            let identity = identity.clone().in_groups(groups.iter().copied().collect());
            gate.assert(&identity, Some("one")).unwrap()
        };

        let staff = assert(&["staff"]);
        assert_eq!(assert(&["staff"]), staff);
        let nobody = assert(&[]);
        assert_ne!(nobody, staff);
        assert_eq!(assert(&[]), nobody);
        assert!(![&staff, &nobody].contains(&&assert(&["staff"])));
    }

    #[test]
    fn a_session_gets_a_new_assertion_when_half_of_the_last_ones_life_is_over() {
        let clock = ManualClock::default();
        let gate = builder().clock(clock.clone()).build();
        let profile = Profile::parse(br#"{"phoneNumbers":["919999999999"]}"#).unwrap();
        let identity = Identity::vouch(None, profile, VerificationMethod::Web);
        let assert = |session| gate.assert(&identity, session).unwrap();

        let first = assert(Some("one"));
        assert_ne!(assert(Some("another")), first);
        assert_ne!(assert(None), assert(None));
        clock.advance(Duration::from_secs(149));
        assert_eq!(assert(Some("one")), first);
        clock.advance(Duration::from_secs(1));
        assert_ne!(assert(Some("one")), first);
        let second = assert(Some("one"));
        clock.set_wall(SystemTime::UNIX_EPOCH);
        assert_ne!(assert(Some("one")), second, "nobody gets a token of the future");
    }

    #[test]
    fn the_keys_are_answered_on_one_exact_path() {
        let gate = builder().build();
        for (method, path, header, answer) in [
            ("GET", "/.truegate/jwks.json", ("a", "b"), Some((200, ConnectionReuse::Keep))),
            ("HEAD", "/.truegate/jwks.json?a", ("content-length", "0"), Some((200, ConnectionReuse::Keep))),
            (
                "GET",
                "http://app.example/.truegate/jwks.json",
                ("content-length", "1"),
                Some((200, ConnectionReuse::Close)),
            ),
            ("GET", "/.truegate/jwks.json", ("transfer-encoding", "chunked"), Some((200, ConnectionReuse::Close))),
            ("POST", "/.truegate/jwks.json", ("a", "b"), Some((405, ConnectionReuse::Close))),
            ("get", "/.truegate/jwks.json", ("a", "b"), Some((405, ConnectionReuse::Close))),
            ("GET", "/.truegate/jwks.json/", ("a", "b"), None),
            ("GET", "/.truegate//jwks.json", ("a", "b"), None),
            ("GET", "/.truegate/%6awks.json", ("a", "b"), None),
            ("GET", "/.truegate/JWKS.json", ("a", "b"), None),
            ("GET", "/.truegate", ("a", "b"), None),
        ] {
            let answered = match inspect(&gate, method, path, header) {
                Step::Reply(reply) => Some((reply.response.status(), reply.connection)),
                Step::Forward(_) => None,
                Step::Read(_) | Step::Wait(_) => panic!("{method} {path}"),
            };
            let answer = answer.map(|(status, connection)| (StatusCode::from_u16(status).unwrap(), connection));
            assert_eq!(answered, answer, "{method} {path} {header:?}");
        }
        let without = Gate::builder("/callback".parse().unwrap(), Source).build();
        assert!(matches!(inspect(&without, "GET", "/.truegate/jwks.json", ("a", "b")), Step::Forward(_)));
    }
}
