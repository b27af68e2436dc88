//! What the head of a login decides, before its body is read.

use std::{num::NonZero, task::Poll};

use http::StatusCode;

use super::{Log, PATH, Source, Step, Verdict, answer, gate, head};
use crate::gate::Limits;

#[test]
fn a_head_decides_whether_a_body_is_read() {
    let log = Log::default();
    let gate = gate(Source::silent()).body_limit(100).observer(log.clone()).build();
    for (method, path, headers, expected) in [
        ("GET", PATH, &[][..], Some((405, "method-not-allowed"))),
        ("OPTIONS", PATH, &[("origin", "https://evil.example")], Some((405, "method-not-allowed"))),
        ("POST", PATH, &[("content-length", "101")], Some((413, "body-too-large"))),
        ("POST", PATH, &[("content-encoding", "gzip")], Some((415, "unsupported-encoding"))),
        ("POST", "/truecaller/native?a", &[("content-encoding", "identity")], None),
        ("POST", "/truecaller/Native", &[], Some((400, "ambiguous-path"))),
        ("GET", "/truecaller/native/", &[], Some((400, "ambiguous-path"))),
        ("POST", "/truecaller%2fnative", &[], Some((400, "ambiguous-path"))),
    ] {
        let answered = match gate.inspect(&head(method, path, headers)) {
            Step::Read(_) => None,
            Step::Reply(reply) => answer(Poll::Ready(Verdict::Reply(reply))),
            _ => panic!("{method} {path}"),
        };
        let expected = expected.map(|(status, code)| (status, code.to_owned()));
        assert_eq!(answered, expected, "{method} {path} {headers:?}");
    }
    let counted = log.logins();
    assert_eq!(counted[..2], [("none", "method-not-allowed"); 2]);
    assert_eq!(counted[2..], [("none", "body-too-large"), ("none", "unsupported-encoding"), ("none", "abandoned")]);
    assert!(matches!(gate.inspect(&head("POST", "/truecaller/native/x", &[])), Step::Forward(_)));
}

#[test]
fn no_page_of_another_site_logs_its_visitor_in() {
    let gate = gate(Source::silent()).build();
    let own = [("host", "shop.example"), ("origin", "https://shop.example")];
    for (headers, is_read) in [
        (&[("host", "shop.example")][..], true),
        (&own[..], true),
        (&[own[0], own[1], ("sec-fetch-site", "same-origin")], true),
        (&[own[0], ("sec-fetch-site", "none")], true),
        (&[own[0], ("origin", "https://evil.example")], false),
        (&[own[0], ("origin", "null")], false),
        (&[own[0], ("origin", "https://shop.example:8443")], false),
        (&[own[0], own[1], ("origin", "https://evil.example")], false),
        (&[own[0], own[1], ("sec-fetch-site", "same-site")], false),
        (&[own[0], ("sec-fetch-site", "cross-site")], false),
    ] {
        match gate.inspect(&head("POST", PATH, headers)) {
            Step::Read(_) => assert!(is_read, "{headers:?}"),
            Step::Reply(reply) => {
                assert!(!is_read, "{headers:?}");
                assert_eq!(answer(Poll::Ready(Verdict::Reply(reply))), Some((403, "cross-site".to_owned())));
            }
            _ => panic!("{headers:?}"),
        }
    }
}

#[test]
fn logins_of_one_client_are_limited_before_their_bodies_are_read() {
    let limits = Limits { logins_per_minute: NonZero::new(2), callbacks_per_second: None };
    let gate = gate(Source::silent()).limits(limits).build();
    let steps: Vec<_> = (0..3).map(|_| gate.inspect(&head("POST", PATH, &[]))).collect();
    assert!(matches!(&steps[..], [Step::Read(_), Step::Read(_), Step::Reply(reply)]
        if reply.response.status() == StatusCode::TOO_MANY_REQUESTS));
    assert!(gate.asks_for_client(&head("POST", PATH, &[])) && !gate.asks_for_client(&head("POST", "/", &[])));
}

#[test]
fn what_a_page_of_another_site_can_send_takes_no_login_from_its_visitors() {
    let limits = Limits { logins_per_minute: NonZero::new(1), callbacks_per_second: None };
    let gate = gate(Source::silent()).limits(limits).build();
    for (method, headers, status) in [
        ("GET", &[][..], 405),
        ("HEAD", &[], 405),
        ("OPTIONS", &[], 405),
        ("POST", &[("origin", "https://evil.example")], 403),
    ] {
        for _ in 0..2 {
            let Step::Reply(reply) = gate.inspect(&head(method, PATH, headers)) else { panic!("{method} is refused") };
            assert_eq!(reply.response.status(), status, "{method}");
        }
    }
    assert!(matches!(gate.inspect(&head("POST", PATH, &[])), Step::Read(_)));
}
