use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Instant,
};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{HeaderMap, Request, StatusCode};
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    callback::Grant,
    cause::Cause,
    clock::ManualClock,
    profile::{FetchError, Profile},
};

const PATH: &str = "/truecaller/callback";
const GRANT: &str =
    r#"{"requestId":"12345678","accessToken":"t","endpoint":"https://profile4.truecaller.com/v1/default"}"#;
const DECLINE: &str = r#"{"requestId":"12345678","status":"user_rejected"}"#;

/// A profile source that gives one answer, or none ever.
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

    fn silent() -> Self {
        Self { answer: None, asked: Arc::default() }
    }
}

impl ProfileSource for Source {
    fn fetch<'a>(&'a self, _: &'a Grant, _: Instant) -> BoxFuture<'a, Result<Profile, FetchError>> {
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
    fn outcomes(&self) -> Vec<CallbackOutcome> {
        let outcome = |event: &Event| match event {
            Event::Callback { outcome, .. } => Some(*outcome),
            _ => None,
        };
        self.0.lock().unwrap().iter().filter_map(outcome).collect()
    }
}

impl Observer for Log {
    fn observe(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

fn gate(source: Source) -> GateBuilder {
    Gate::builder(PATH.parse().unwrap(), source).clock(ManualClock::default())
}

fn head(method: &str, path: &str, headers: &[(&str, &str)]) -> Parts {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(()).unwrap().into_parts().0
}

fn intake(gate: &Gate) -> Intake {
    match gate.inspect(&head("POST", PATH, &[])) {
        Step::Read(intake) => intake,
        _ => panic!("this is a callback"),
    }
}

fn poll<T>(future: &mut BoxFuture<'_, T>) -> Poll<T> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn finish(gate: &Gate, body: &str) -> Verdict {
    match poll(&mut intake(gate).finish(Bytes::copy_from_slice(body.as_bytes()))) {
        Poll::Ready(verdict) => verdict,
        Poll::Pending => panic!("the source answers at once"),
    }
}

fn code(reply: &Reply) -> (StatusCode, String) {
    let problem: serde_json::Value = serde_json::from_slice(reply.response.body()).unwrap();
    assert_eq!(problem["status"], reply.response.status().as_u16());
    assert_eq!(reply.response.headers()["content-type"], "application/problem+json");
    (reply.response.status(), problem["code"].as_str().unwrap().to_owned())
}

#[test]
fn a_head_decides_what_becomes_of_a_request() {
    let gate = gate(Source::silent()).body_limit(100).build();
    for (method, path, headers, answer) in [
        ("GET", "/", &[][..], None),
        ("POST", "/truecaller/callback/more", &[], None),
        ("GET", PATH, &[], Some((405, "method-not-allowed"))),
        ("OPTIONS", PATH, &[], Some((405, "method-not-allowed"))),
        ("post", PATH, &[], Some((405, "method-not-allowed"))),
        ("POST", PATH, &[("content-length", "101")], Some((413, "body-too-large"))),
        ("POST", PATH, &[("content-encoding", "gzip")], Some((415, "unsupported-encoding"))),
        (
            "POST",
            PATH,
            &[("content-encoding", "identity"), ("content-encoding", "br")],
            Some((415, "unsupported-encoding")),
        ),
        ("POST", "/Truecaller/callback", &[], Some((400, "ambiguous-path"))),
        ("GET", "/truecaller//callback?x", &[], Some((400, "ambiguous-path"))),
        ("POST", PATH, &[("host", "a"), ("host", "b")], Some((400, "malformed-request"))),
        ("TRACE", "/", &[], Some((405, "method-not-allowed"))),
    ] {
        let answered = match gate.inspect(&head(method, path, headers)) {
            Step::Forward(_) => None,
            Step::Reply(reply) => Some(code(&reply)),
            Step::Read(_) | Step::Wait(_) => panic!("{method} {path}"),
        };
        let answer = answer.map(|(status, code)| (StatusCode::from_u16(status).unwrap(), code.to_owned()));
        assert_eq!(answered, answer, "{method} {path} {headers:?}");
    }
}

#[test]
fn a_callback_is_judged_by_its_path_whatever_the_query_or_form() {
    let gate = gate(Source::silent()).build();
    for target in [PATH, "/truecaller/callback?a=b", "http://app.example/truecaller/callback"] {
        assert!(
            matches!(gate.inspect(&head("POST", target, &[("content-encoding", "identity")])), Step::Read(_)),
            "{target}"
        );
    }
}

proptest! {
    #[test]
    fn what_a_sloppy_server_reads_as_the_callback_never_passes(
        noise in vec(prop_oneof![Just("/"), Just("//"), Just("/./"), Just("/x/../"), Just("%2f"), Just("\\"), Just(";p/"), Just("%252F")], 2),
        tail in prop_oneof![Just(""), Just("/"), Just("%00"), Just(";a=b"), Just("%3fq"), Just("?q=1")],
        upper in any::<bool>(),
    ) {
        let path = format!("{}truecaller{}callback{tail}", noise[0], noise[1]);
        let path = if upper { path.to_uppercase() } else { path };
        let path = if path.starts_with('/') { path } else { format!("/{path}") };
        if let Ok(request) = Request::get(&path).body(()) {
            let step = gate(Source::silent()).build().inspect(&request.into_parts().0);
            prop_assert!(!matches!(step, Step::Forward(_)), "{} passed", path);
        }
    }
}

#[test]
fn every_outcome_of_a_fetch_has_its_answer() {
    let usable = r#"{"phoneNumbers":["919999999999"]}"#;
    let inactive = r#"{"phoneNumbers":["919999999999"],"isActive":"False"}"#;
    for (answer, status, code_expected) in [
        (Ok(inactive), 403, "profile-inactive"),
        (Err(FetchError::Refused), 403, "token-refused"),
        (Err(FetchError::Unavailable(Cause::Connect.into())), 502, "profile-unavailable"),
        (Err(FetchError::TimedOut), 504, "profile-timeout"),
        (Err(FetchError::Unusable), 502, "profile-unusable"),
        (Err(FetchError::NoPhoneNumber), 502, "profile-unusable"),
        (Err(FetchError::NumberNotVerified), 403, "number-not-verified"),
        (Err(FetchError::Misconfigured), 502, "misconfigured"),
    ] {
        let Verdict::Reply(reply) = finish(&gate(Source::answering(answer.clone())).build(), GRANT) else {
            panic!("{answer:?}")
        };
        assert_eq!(code(&reply), (StatusCode::from_u16(status).unwrap(), code_expected.to_owned()));
    }
    for (source, lenient) in [(Source::answering(Ok(usable)), false), (Source::answering(Ok(inactive)), true)] {
        let builder = gate(source);
        let gate = if lenient { builder.accept_inactive() } else { builder }.build();
        assert!(matches!(finish(&gate, GRANT), Verdict::Forward(edits) if edits.identity().is_some()));
    }
}

#[test]
fn nothing_is_fetched_for_what_is_no_grant() {
    for (body, answer) in [
        (DECLINE, None),
        ("{}", Some("malformed-callback")),
        ("", Some("malformed-callback")),
        (r#"{"requestId":"12345678","accessToken":"t","endpoint":"http://127.0.0.1/"}"#, Some("endpoint-not-allowed")),
    ] {
        let source = Source::silent();
        let answered = match finish(&gate(source.clone()).build(), body) {
            Verdict::Forward(edits) => {
                assert!(edits.identity().is_none());
                None
            }
            Verdict::Reply(reply) => Some(code(&reply).1),
        };
        assert_eq!(answered.as_deref(), answer, "{body}");
        assert_eq!(source.asked.load(Ordering::Relaxed), 0, "{body}");
    }
}

#[test]
fn the_whole_verification_ends_with_its_deadline() {
    let clock = ManualClock::default();
    let gate = gate(Source::silent()).clock(clock.clone()).deadline(Duration::from_secs(2)).build();
    let intake = intake(&gate);
    let mut expired = intake.expired();
    clock.advance(Duration::from_millis(1500));
    assert!(poll(&mut expired).is_pending());

    let mut verdict = intake.finish(Bytes::from(GRANT));
    assert!(poll(&mut verdict).is_pending());
    clock.advance(Duration::from_millis(500));
    assert!(poll(&mut expired).is_ready());
    let Poll::Ready(Verdict::Reply(reply)) = poll(&mut verdict) else { panic!("the deadline has come") };
    assert_eq!(code(&reply), (StatusCode::GATEWAY_TIMEOUT, "profile-timeout".to_owned()));
}

#[test]
fn a_body_that_was_not_read_to_its_end_closes_the_connection() {
    let gate = gate(Source::silent()).build();
    for (failure, status) in
        [(ReadFailure::TooLarge, 413), (ReadFailure::TooSlow, 408), (ReadFailure::Interrupted, 400)]
    {
        let Verdict::Reply(reply) = intake(&gate).fail(failure) else { panic!("{status}") };
        assert_eq!((reply.response.status().as_u16(), reply.connection), (status, ConnectionReuse::Close));
    }
}

#[test]
fn every_callback_has_one_outcome_even_if_it_is_abandoned() {
    let log = Log::default();
    let silent = gate(Source::silent()).observer(log.clone()).build();
    drop(intake(&silent));
    let mut waiting = intake(&silent).finish(Bytes::from(GRANT));
    assert!(poll(&mut waiting).is_pending());
    drop(waiting);
    let _ = finish(&silent, DECLINE);
    let _ = finish(&silent, "{}");
    let _ = silent.inspect(&head("GET", PATH, &[]));
    let rejected =
        [Rejection::MalformedCallback, Rejection::MethodNotAllowed { allow: "POST" }].map(CallbackOutcome::Rejected);
    let abandoned = [CallbackOutcome::Abandoned, CallbackOutcome::Abandoned, CallbackOutcome::Declined];
    assert_eq!(log.outcomes(), [&abandoned[..], &rejected[..]].concat());
}

#[test]
fn claims_are_stripped_and_counted_by_channel() {
    let log = Log::default();
    let gate = gate(Source::silent()).observer(log.clone()).build();
    let spoofed = head("GET", "/", &[("x_truecaller_phone", "+1"), ("connection", "x-truecaller-phone")]);
    let Step::Forward(edits) = gate.inspect(&spoofed) else { panic!("an ordinary request") };
    let mut headers = spoofed.headers.clone();
    gate.apply(&edits, &mut headers);
    assert!(headers.is_empty());

    let claim = || HeaderMap::from_iter([("x-truecaller-phone".parse().unwrap(), "+1".parse().unwrap())]);
    gate.strip_request_trailers(&mut claim());
    gate.strip_response(&mut claim());
    gate.apply(&edits, &mut HeaderMap::new());
    let spoofs = [SpoofChannel::Header, SpoofChannel::Connection, SpoofChannel::Trailer, SpoofChannel::Response]
        .map(Event::Spoof);
    assert_eq!(*log.0.lock().unwrap(), spoofs);
}

#[tokio::test]
async fn a_deadline_ends_work_that_never_waits_for_anything() {
    let gate = Gate::builder(PATH.parse().unwrap(), Source::silent()).build();
    let busy = async {
        loop {
            tokio::task::consume_budget().await;
        }
    };
    assert_eq!(gate.by(gate.0.clock.now(), busy).await, None::<()>);
}
