//! What a callback gets, whatever Truecaller answers.

use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use tokio::net::TcpSocket;
use truegate::simulator::{DOCUMENTED_PROFILE, Fault};

use crate::{
    claims::{assert_problem, claims, declined, documented},
    support::{
        edge::{Kind, PATH},
        raw::within,
        scene::Scene,
        tls,
    },
};

#[tokio::test]
async fn the_documented_callback_reaches_the_app_with_a_verified_identity() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let body = scene.truecaller.documented_callback(scene.truecaller.endpoint());

        let answer = scene.callback(&body).await;

        assert_eq!((answer.status(), answer.text()), (200, "ok".to_owned()), "the app's own answer");
        let request = scene.reached_once().await;
        assert_eq!(request.start, format!("POST {PATH} HTTP/1.1"));
        assert_eq!(request.body, body);
        assert_eq!(request.one("host"), Some("app.example"));
        assert_eq!(request.one("content-type"), Some("application/json"));
        assert_eq!(request.one("content-length"), Some(body.len().to_string().as_str()));
        assert_eq!(request.one("transfer-encoding"), None);
        assert_eq!(claims(&request), documented("RL8YZ41FQMt5Jiak2sc_Ys0OgQA="));
        let fetches = scene.truecaller.seen();
        assert_eq!(fetches.len(), 1);
        assert_eq!(fetches[0].method, "GET");
        let bearer = "Bearer a1asX--8_yw-OF--E6Gj_DPyKelJIGUUeYB9U9MJhyeu4hOCbrl";
        assert_eq!(fetches[0].headers["authorization"], bearer);
    }
}

#[tokio::test]
async fn a_callback_without_a_token_reaches_the_app_with_its_status_alone() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        let listed = scene.truecaller.endpoint();
        for (said, heard) in [
            (r#""status":"user_rejected""#.to_owned(), "user_rejected"),
            (r#""status":"use_another_number""#.to_owned(), "use_another_number"),
            (r#""status":"flow_invoked""#.to_owned(), "flow_invoked"),
            (r#""status":"something_new""#.to_owned(), "something_new"),
            (r#""status":"verified""#.to_owned(), "unknown"),
            (r#""status":"Something New\r\nX-Truecaller-Phone: +1""#.to_owned(), "unknown"),
            (r#""status":"flow_invoked","accessToken":null"#.to_owned(), "flow_invoked"),
            (format!(r#""status":"flow_invoked","endpoint":"{listed}""#), "flow_invoked"),
        ] {
            let body = format!(r#"{{"requestId":"a-nonce-",{said}}}"#);
            assert_eq!(scene.callback(&body).await.status(), 200, "{said}");
            let request = scene.reached_once().await;
            assert_eq!(request.text(), body);
            assert_eq!(claims(&request), declined("a-nonce-", heard));
        }
        assert_eq!(scene.truecaller.connections(), 0);
    }
}

#[tokio::test]
async fn a_token_beside_a_status_that_is_no_refusal_is_a_grant() {
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for status in ["flow_invoked", "something_new", "verified"] {
            let grant = scene.grant(DOCUMENTED_PROFILE);
            let body = grant.replacen('{', &format!(r#"{{"status":"{status}","#), 1);
            assert_eq!(scene.callback(&body).await.status(), 200, "{status}");
            assert_eq!(claims(&scene.reached_once().await), documented("a-nonce-"), "{status}");
        }
    }
}

#[tokio::test]
async fn every_fault_of_truecaller_has_one_answer_and_its_number_of_tries() {
    let status = |code| Fault::Status(StatusCode::from_u16(code).unwrap());
    let unavailable = (502, "profile-unavailable", 2);
    let unusable = (502, "profile-unusable", 1);
    let refused = (403, "token-refused", 1);
    let faults = [
        (Fault::Unauthorized, refused),
        (status(403), refused),
        (status(500), unavailable),
        (status(503), unavailable),
        (status(599), unavailable),
        (status(408), unavailable),
        (status(429), unavailable),
        (Fault::RetryAfter(StatusCode::TOO_MANY_REQUESTS, "3600".parse().unwrap()), unavailable),
        (Fault::Cut, unavailable),
        (Fault::Close, unavailable),
        (status(200), unusable),
        (status(204), unusable),
        (status(400), unusable),
        (status(404), unusable),
        (Fault::Redirect("/v1/default".parse().unwrap()), unusable),
        (Fault::Malformed, unusable),
        (Fault::Gzip, unusable),
        (Fault::Huge, unusable),
        (Fault::Sized(64 * 1024 + 1), unusable),
        (Fault::NoPhone, unusable),
        (Fault::Inactive, (403, "profile-inactive", 1)),
    ];
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for (fault, (status, code, tries)) in &faults {
            scene.truecaller.set_fault(fault.clone());
            let before = scene.truecaller.fetches();
            let token = scene.truecaller.grant(DOCUMENTED_PROFILE);
            let endpoint = scene.truecaller.endpoint();
            let body = format!(r#"{{"requestId":"a-nonce-","accessToken":"{token}","endpoint":"{endpoint}"}}"#);

            let answer = scene.callback(body).await;

            println!("fault: {fault}");
            assert_problem(&answer, *status, code);
            assert!(!answer.text().contains(&token));
            assert_eq!(scene.truecaller.fetches() - before, *tries);
            scene.unreached(fault).await;
        }
    }
}

#[tokio::test]
async fn a_profile_that_comes_on_the_second_try_is_as_good() {
    let down = Fault::Status(StatusCode::SERVICE_UNAVAILABLE);
    for kind in Kind::ALL {
        let scene = Scene::of(kind).await;
        for (fault, tries) in [(down.clone(), 2), (Fault::Cut, 2), (Fault::Close, 2), (Fault::Sized(64 * 1024), 1)] {
            let before = scene.truecaller.fetches();
            scene.truecaller.plan([fault]);
            assert_eq!(scene.callback(scene.grant(DOCUMENTED_PROFILE)).await.status(), 200);
            assert_eq!(scene.truecaller.fetches() - before, tries);
            assert_eq!(claims(&scene.reached_once().await), documented("a-nonce-"));
            scene.truecaller.plan([]);
        }
    }
}

#[tokio::test]
async fn a_profile_that_is_late_is_a_timeout() {
    // Side by side, for each waits until the deadline.
    join_all(Kind::ALL.map(async |kind| {
        // A busy machine must have asked before it.
        let scene = Scene::with(kind, |settings| settings.deadline = Duration::from_secs(2)).await;
        let slow = Fault::Slow(Duration::from_hours(1));
        for (tries, fault) in [Fault::Hang, slow, Fault::Drip(Duration::from_hours(1))].into_iter().enumerate() {
            scene.truecaller.set_fault(fault.clone());
            assert_problem(&scene.callback(scene.grant(DOCUMENTED_PROFILE)).await, 504, "profile-timeout");
            assert_eq!(scene.truecaller.fetches(), tries + 1, "{kind:?} {fault}");
            scene.unreached(fault).await;
        }
    }))
    .await;
}

#[tokio::test]
async fn a_truecaller_that_refuses_connections_is_unavailable() {
    // A port that is taken and does not listen.
    let deaf = TcpSocket::new_v4().unwrap();
    deaf.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let endpoint = format!("http://{}/v1/default", deaf.local_addr().unwrap());
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| settings.endpoints.push(endpoint.clone())).await;
        let answer = scene.callback(scene.grant_at(DOCUMENTED_PROFILE, &endpoint)).await;
        assert_problem(&answer, 502, "profile-unavailable");
        scene.unreached("refused").await;
        assert_eq!(scene.truecaller.connections(), 0);
    }
}

#[tokio::test]
async fn a_truecaller_that_cannot_show_its_certificate_is_unavailable() {
    let certificate = tls::documented_hosts();
    let stranger = tls::documented_hosts();
    for kind in Kind::ALL {
        let scene = Scene::over_tls(kind, &certificate, |settings| settings.ca = Some(stranger.pem.clone())).await;
        let answer = scene.callback(scene.grant_at(DOCUMENTED_PROFILE, tls::ENDPOINTS[0])).await;
        assert_problem(&answer, 502, "profile-unavailable");
        assert_eq!((scene.truecaller.connections(), scene.truecaller.fetches()), (2, 0));
        scene.unreached("an unknown certificate").await;
    }
}

#[tokio::test]
async fn a_truecaller_that_stalls_is_unavailable() {
    let certificate = tls::documented_hosts();
    for kind in Kind::ALL {
        let scene =
            Scene::over_tls(kind, &certificate, |settings| settings.connect_timeout = Duration::from_millis(100)).await;
        scene.truecaller.set_fault(Fault::Stall);
        let answer = scene.callback(scene.grant_at(DOCUMENTED_PROFILE, tls::ENDPOINTS[0])).await;
        assert_problem(&answer, 502, "profile-unavailable");
        within(scene.truecaller.wait_for_connections(2)).await;
        assert_eq!((scene.truecaller.connections(), scene.truecaller.fetches()), (2, 0));
        scene.unreached("a stalled handshake").await;
    }
}

#[tokio::test]
async fn an_inactive_profile_passes_where_it_is_let() {
    for kind in Kind::ALL {
        let scene = Scene::with(kind, |settings| settings.accept_inactive = true).await;
        scene.truecaller.set_fault(Fault::Inactive);
        assert_eq!(scene.callback(scene.grant(DOCUMENTED_PROFILE)).await.status(), 200);
        assert_eq!(claims(&scene.reached_once().await), documented("a-nonce-"));
    }
}

#[tokio::test]
async fn a_gateway_tells_that_its_app_is_down() {
    let mut scene = Scene::of(Kind::Gateway).await;
    scene.app.stop().await;

    let answer = scene.callback(scene.grant(DOCUMENTED_PROFILE)).await;

    assert_problem(&answer, 502, "upstream-unavailable");
    assert_eq!(scene.truecaller.fetches(), 1);
}
