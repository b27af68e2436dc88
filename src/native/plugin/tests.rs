mod heads;

use std::{
    future::pending,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use http::Request;

use super::*;
use crate::{
    callback::Grant,
    clock::ManualClock,
    gate::{ClientInfo, Observer, ReadFailure},
    profile::{FetchError, Profile, ProfileFuture, ProfileSource},
};

const PATH: &str = "/truecaller/native";
const CODE: &str = r#"{"code":"Vn2hVzZ0CKhE","code_verifier":"wcFzcc9Rk7PLUg0JMmjEGhn8ydhJaL1kZ2cAXE8ra0c"}"#;
const MISSED_CALL: &str = r#"{"access_token":"IXnD8ZYqVXwAcyWTyLoO"}"#;

struct NoCallbacks;

impl ProfileSource for NoCallbacks {
    fn fetch<'a>(&'a self, _: &'a Grant, _: Instant) -> ProfileFuture<'a> {
        unreachable!("no callback comes")
    }
}

/// A source that gives one answer, or none ever.
#[derive(Clone)]
struct Source {
    answer: Option<Result<Profile, FetchError>>,
    asked: Arc<AtomicUsize>,
}

impl Source {
    fn answering(answer: Result<&str, FetchError>) -> Self {
        let profile = answer.map(|profile| Profile::parse(profile.as_bytes()).unwrap());
        Self { answer: Some(profile), asked: Arc::default() }
    }

    fn knowing() -> Self {
        Self::answering(Ok(r#"{"phoneNumbers":["919999999999"]}"#))
    }

    fn silent() -> Self {
        Self { answer: None, asked: Arc::default() }
    }
}

impl NativeSource for Source {
    fn fetch<'a>(&'a self, _: &'a Credential, _: Instant) -> ProfileFuture<'a> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match self.answer.clone() {
            Some(answer) => Box::pin(async { answer }),
            None => Box::pin(pending()),
        }
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Event>>>);

impl Log {
    /// The method and the outcome of each login, by their words.
    fn logins(&self) -> Vec<(&'static str, &'static str)> {
        let login = |event: &Event| match event {
            Event::AppLogin { method, outcome, .. } => {
                Some((method.map_or("none", VerificationMethod::code), outcome.code()))
            }
            _ => None,
        };
        self.0.lock().unwrap().iter().filter_map(login).collect()
    }
}

impl Observer for Log {
    fn observe(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

fn builder() -> GateBuilder {
    Gate::builder("/truecaller/x7Kq2vNf9TzR4mWb6pLd".parse().unwrap(), NoCallbacks).clock(ManualClock::default())
}

fn gate(source: Source) -> GateBuilder {
    builder().native(Native::new(NativePath::default(), source)).unwrap()
}

fn head(method: &str, path: &str, headers: &[(&str, &str)]) -> Parts {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request
        .extension(ClientInfo { address: Some([192, 0, 2, 7].into()), scheme: None })
        .body(())
        .unwrap()
        .into_parts()
        .0
}

/// Posts a body, and returns the future of the verdict.
fn post(gate: &Gate, body: &'static str) -> BoxFuture<'static, Verdict> {
    let Step::Read(intake) = gate.inspect(&head("POST", PATH, &[])) else { panic!("it is to be read") };
    intake.finish(Bytes::from_static(body.as_bytes()))
}

fn poll(verdict: &mut BoxFuture<'static, Verdict>) -> Poll<Verdict> {
    verdict.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// The status and the code of an answer; none for a request that is passed on.
fn answer(verdict: Poll<Verdict>) -> Option<(u16, String)> {
    match verdict {
        Poll::Ready(Verdict::Reply(reply)) => {
            let problem: serde_json::Value = serde_json::from_slice(reply.response.body()).unwrap();
            Some((reply.response.status().as_u16(), problem["code"].as_str().unwrap().to_owned()))
        }
        Poll::Ready(Verdict::Forward(_)) => None,
        Poll::Pending => panic!("there is no verdict yet"),
    }
}

#[test]
fn a_path_that_truegate_uses_already_is_refused() {
    let native = |path: &str| Native::new(path.parse().unwrap(), Source::silent());
    for (path, error) in [
        ("/truecaller/native", None),
        ("/truecaller", None),
        ("/.truegate2", None),
        ("/truecaller/x7Kq2vNf9TzR4mWb6pLd", Some(NativePathError::CallbackPath)),
        ("/Truecaller/X7KQ2vNf9TzR4mWb6pLd", Some(NativePathError::CallbackPath)),
        ("/.truegate", Some(NativePathError::OwnRoutes)),
        ("/.Truegate/jwks.json", Some(NativePathError::OwnRoutes)),
    ] {
        assert_eq!(builder().native(native(path)).err(), error, "{path}");
    }
}

#[test]
fn a_user_is_passed_on_with_the_method_of_the_credential() {
    for (body, method) in [(CODE, VerificationMethod::App), (MISSED_CALL, VerificationMethod::MissedCall)] {
        let log = Log::default();
        let gate = gate(Source::knowing()).observer(log.clone()).build();

        let Poll::Ready(Verdict::Forward(edits)) = poll(&mut post(&gate, body)) else { panic!("it is genuine") };

        let identity = edits.identity().unwrap();
        assert_eq!((identity.method(), identity.profile().phone.as_str()), (method, "+919999999999"));
        assert!(identity.request_id().is_none());
        assert_eq!(log.logins(), [(method.code(), "verified")]);
        let mut headers = http::HeaderMap::from_iter([("x_truecaller_phone".parse().unwrap(), "+1".parse().unwrap())]);
        gate.apply(&edits, &mut headers);
        assert_eq!(headers["x-truecaller-phone"], "+919999999999");
        assert_eq!(headers["x-truecaller-method"], method.code());
        assert!(!headers.contains_key("x_truecaller_phone"));
    }
}

#[test]
fn every_failed_fetch_has_its_answer() {
    let inactive = r#"{"phoneNumbers":["919999999999"],"isActive":"False"}"#;
    for (fetched, status, code) in [
        (Err(FetchError::Refused), 403, "token-refused"),
        (Err(FetchError::Unavailable(crate::cause::Cause::Dns.into())), 502, "profile-unavailable"),
        (Err(FetchError::TimedOut), 504, "profile-timeout"),
        (Err(FetchError::Unusable), 502, "profile-unusable"),
        (Err(FetchError::NoPhoneNumber), 502, "profile-unusable"),
        (Err(FetchError::NumberNotVerified), 403, "number-not-verified"),
        (Err(FetchError::Misconfigured), 502, "misconfigured"),
        (Ok(inactive), 403, "profile-inactive"),
    ] {
        let log = Log::default();
        let gate = gate(Source::answering(fetched)).observer(log.clone()).build();
        assert_eq!(answer(poll(&mut post(&gate, CODE))), Some((status, code.to_owned())));
        assert_eq!(log.logins(), [("app", code)]);
        let fetches = log.0.lock().unwrap().iter().filter(|event| matches!(event, Event::Fetch { .. })).count();
        assert_eq!(fetches, 1, "{code}");
    }
}

#[test]
fn what_is_no_credential_is_refused_and_nobody_is_asked() {
    let log = Log::default();
    let source = Source::silent();
    let gate = gate(source.clone()).observer(log.clone()).build();
    for body in ["", "{}", "[]", r#"{"code":"c"}"#, r#"{"access_token":"a","code":"c","code_verifier":"v"}"#] {
        assert_eq!(answer(poll(&mut post(&gate, body))), Some((400, "malformed-credential".to_owned())), "{body}");
    }
    assert_eq!(log.logins(), [("none", "malformed-credential"); 5]);
    assert_eq!(source.asked.load(Ordering::Relaxed), 0);
}

#[test]
fn missed_calls_can_be_refused_and_then_nobody_is_asked_about_them() {
    let (log, source) = (Log::default(), Source::knowing());
    let native = Native::new(NativePath::default(), source.clone()).refuse_missed_calls();
    let gate = builder().native(native).unwrap().observer(log.clone()).build();
    assert_eq!(answer(poll(&mut post(&gate, MISSED_CALL))), Some((400, "malformed-credential".to_owned())));
    assert_eq!(source.asked.load(Ordering::Relaxed), 0);
    assert_eq!(answer(poll(&mut post(&gate, CODE))), None, "codes pass");
    assert_eq!(log.logins(), [("none", "malformed-credential"), ("app", "verified")]);
}

#[test]
fn a_login_ends_by_the_deadline_of_callbacks() {
    let clock = ManualClock::default();
    let gate = gate(Source::silent()).clock(clock.clone()).deadline(Duration::from_secs(2)).build();
    let mut verdict = post(&gate, MISSED_CALL);
    assert!(poll(&mut verdict).is_pending());
    clock.advance(Duration::from_secs(2));
    assert_eq!(answer(poll(&mut verdict)), Some((504, "profile-timeout".to_owned())));
}

#[test]
fn every_login_has_one_outcome_even_if_it_is_abandoned() {
    let log = Log::default();
    let gate = gate(Source::silent()).observer(log.clone()).build();
    let intake = || match gate.inspect(&head("POST", PATH, &[])) {
        Step::Read(intake) => intake,
        _ => panic!("it is to be read"),
    };
    drop(intake());
    let mut waiting = post(&gate, CODE);
    assert!(poll(&mut waiting).is_pending());
    drop(waiting);
    for failure in [ReadFailure::TooLarge, ReadFailure::TooSlow, ReadFailure::Interrupted] {
        let _ = intake().fail(failure);
    }
    let refused = ["body-too-large", "body-timeout", "malformed-credential"].map(|code| ("none", code));
    assert_eq!(log.logins(), [&[("none", "abandoned"), ("app", "abandoned")][..], &refused].concat());
}
