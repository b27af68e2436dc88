//! The faults of the profile endpoint.

use std::pin::pin;

use http::StatusCode;
use truegate::simulator::{DOCUMENTED_PROFILE, DOCUMENTED_TOKEN, Fault, Simulator};

use crate::support::{self, Client};

#[tokio::test]
async fn each_kind_of_fault_answers_in_its_own_way() {
    let simulator = Simulator::start().await.unwrap();
    for (fault, status, header, body) in [
        ("none", 200, ("content-type", "application/json"), "{}"),
        ("unauthorized", 401, ("content-type", "application/json"), r#"{"status":40101,"message":"Unauthorized"}"#),
        (
            "status=500",
            500,
            ("content-type", "application/json"),
            r#"{"status":50001,"message":"Internal Server Error"}"#,
        ),
        ("status=200", 200, ("content-type", "application/json"), r#"{"status":20001,"message":"OK"}"#),
        ("status=429,retry-after=7", 429, ("retry-after", "7"), r#"{"status":42901,"message":"Too Many Requests"}"#),
        ("slow=1ms", 200, ("content-length", "2"), "{}"),
        ("drip=1ms", 200, ("content-type", "application/json"), "{}"),
        ("sized=5", 200, ("content-length", "5"), "{}   "),
        ("sized=1", 200, ("content-length", "2"), "{}"),
        ("redirect=http://127.0.0.1:9/x", 302, ("location", "http://127.0.0.1:9/x"), ""),
    ] {
        simulator.set_fault(fault.parse().unwrap());

        let answer = Client::default().fetch(&simulator, &simulator.grant("{}")).await.unwrap();

        assert_eq!(answer.status, status, "{fault}");
        assert_eq!(answer.headers[header.0], header.1, "{fault}");
        assert_eq!(answer.body, body, "{fault}");
    }
}

#[tokio::test]
async fn a_profile_can_be_spoilt() {
    let simulator = Simulator::start().await.unwrap();
    for (fault, part) in [
        (Fault::Inactive, r#""isActive": "False""#),
        (Fault::NoPhone, r#""phoneNumbers": []"#),
        (Fault::Malformed, "<h1>"),
    ] {
        simulator.set_fault(fault);
        let answer = Client::default().fetch(&simulator, DOCUMENTED_TOKEN).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        assert!(String::from_utf8_lossy(&answer.body).contains(part), "{part}");
    }
    simulator.set_fault(Fault::Gzip);
    let answer = Client::default().fetch(&simulator, DOCUMENTED_TOKEN).await.unwrap();
    assert_eq!(answer.headers["content-encoding"], "gzip");
    assert!(answer.body.starts_with(b"\x1f\x8b"));
}

#[tokio::test]
async fn a_large_profile_has_exactly_the_size_that_was_asked_for() {
    let simulator = Simulator::start().await.unwrap();
    simulator.set_fault(Fault::Sized(65_537));

    let answer = Client::default().fetch(&simulator, DOCUMENTED_TOKEN).await.unwrap();

    assert_eq!(answer.body.len(), 65_537);
    assert_eq!(answer.body.trim_ascii_end(), DOCUMENTED_PROFILE.trim_ascii_end());
}

#[tokio::test]
async fn a_cut_body_breaks_off_in_the_middle() {
    let simulator = Simulator::start().await.unwrap();
    simulator.set_fault(Fault::Cut);

    let text = support::raw_get(&simulator, DOCUMENTED_TOKEN).await;

    assert!(text.contains(&format!("content-length: {}\r\n", DOCUMENTED_PROFILE.len())), "{text}");
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    assert_eq!(body.as_bytes(), &DOCUMENTED_PROFILE[..DOCUMENTED_PROFILE.len() / 2]);
}

#[tokio::test]
async fn a_closed_connection_brings_not_one_byte() {
    let simulator = Simulator::start().await.unwrap();
    simulator.set_fault(Fault::Close);
    assert_eq!(support::raw_get(&simulator, DOCUMENTED_TOKEN).await, "");
}

#[tokio::test]
async fn a_huge_body_goes_on_and_on() {
    let simulator = Simulator::start().await.unwrap();
    simulator.set_fault(Fault::Huge);

    let error = Client::limited_to(1024 * 1024).fetch(&simulator, DOCUMENTED_TOKEN).await.unwrap_err();

    assert_eq!(error.to_string(), "length limit exceeded");
}

#[tokio::test]
async fn planned_faults_come_in_order_and_then_the_one_that_stays() {
    let simulator = Simulator::start().await.unwrap();
    let client = Client::default();
    simulator.plan([Fault::Status(StatusCode::SERVICE_UNAVAILABLE), Fault::Unauthorized]);

    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(client.fetch(&simulator, DOCUMENTED_TOKEN).await.unwrap().status.as_u16());
    }

    assert_eq!(statuses, [503, 401, 200, 200]);
}

#[tokio::test]
async fn a_held_fetch_is_answered_when_it_is_released() {
    let simulator = Simulator::start().await.unwrap();
    simulator.set_fault(Fault::Held);
    let client = Client::default();
    let mut fetch = pin!(client.fetch(&simulator, DOCUMENTED_TOKEN));
    tokio::select! {
        _ = &mut fetch => panic!("it was answered"),
        () = simulator.wait_for_fetches(1) => simulator.release(),
    }

    assert_eq!(fetch.await.unwrap().status, StatusCode::OK);
}

#[tokio::test]
async fn a_hanging_fetch_is_seen_and_never_answered() {
    let simulator = Simulator::start().await.unwrap();
    for fault in [Fault::Hang, Fault::Stall] {
        simulator.set_fault(fault);
        let (client, seen) = (Client::default(), simulator.fetches());
        tokio::select! {
            _ = client.fetch(&simulator, DOCUMENTED_TOKEN) => panic!("it was answered"),
            () = simulator.wait_for_fetches(seen + 1) => {}
        }
    }
}
