//! Health and metrics: on a listener of their own.

use std::{collections::BTreeMap, net::SocketAddr};

use http::StatusCode;
use truegate::simulator::{Call, Fault, Simulator};

use super::{
    setup::{self, CALLBACK, Talk},
    support::{program::Program, raw, recorder::Recorder},
};

/// Every series with its value.
pub(crate) type Metrics = BTreeMap<String, f64>;

pub(crate) async fn metrics(admin: SocketAddr) -> Metrics {
    let answer = raw::exchange(admin, raw::scrape("")).await.unwrap();
    assert_eq!(answer.one("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = answer.text();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let series = lines.map(|line| line.rsplit_once(' ').unwrap());
    series.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

/// The series that tell a state, and count nothing.
const STATES: [&str; 4] =
    ["process_start_time", "truegate_build_info", "truegate_config_last_reload", "truegate_upstream_servers"];
const LATE: &str = "truegate_request_seconds";

#[tokio::test]
async fn health_and_metrics_are_on_the_admin_listener() {
    let app = Recorder::start().await;
    let program = Program::serve(&setup::config(app.address()));
    for (path, status, start) in [
        ("/livez", 200, "ok\n"),
        ("/readyz", 200, "ready\n"),
        ("/metrics", 200, "# "),
        ("/", 404, ""),
        ("/truecaller/callback", 404, ""),
        ("/metrics/", 404, ""),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let answer = raw::exchange(program.admin(), request).await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert!(answer.text().starts_with(start), "{path}: {}", answer.text());
    }
    assert_eq!(app.seen(), []);
}

#[tokio::test]
async fn on_the_public_listener_their_paths_are_the_apps() {
    let app = Recorder::start().await;
    let program = Program::serve(&setup::config(app.address()));
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(raw::exchange(program.address(), raw::get(path, "")).await.unwrap().text(), "ok");
        assert_eq!(app.take()[0].start, format!("GET {path} HTTP/1.1"));
    }
}

#[tokio::test]
async fn every_series_is_there_before_its_first_event() {
    let app = Recorder::start().await;
    let program = Program::serve(&setup::config(app.address()));

    let first = metrics(program.admin()).await;

    // Dashboards and alerts name them: one that is renamed or gone is a change that users must hear of.
    let series = |metrics: &Metrics| metrics.keys().cloned().collect::<Vec<_>>();
    let (late, early): (Vec<_>, Vec<_>) =
        include_str!("series.txt").lines().map(str::to_owned).partition(|name| name.starts_with(LATE));
    assert_eq!(series(&first), early);
    let counts = |(name, _): &(&String, &f64)| !STATES.iter().any(|state| name.starts_with(state));
    assert_eq!(first["truegate_config_last_reload_successful"], 1.0, "the start has read it");
    assert!(first.iter().filter(counts).all(|(_, value)| *value == 0.0), "{first:#?}");

    // Those of a rule come with its first request, because there are many.
    raw::exchange(program.address(), raw::get("/", "")).await.unwrap();
    let made = async || {
        let names = series(&metrics(program.admin()).await);
        names.into_iter().filter(|name| !first.contains_key(name)).collect::<Vec<_>>()
    };
    // It is counted a moment after its answer.
    raw::within(async { while made().await.is_empty() {} }).await;
    assert_eq!(made().await, late);
}

#[tokio::test]
async fn what_happens_is_counted() {
    let (app, simulator) = (Recorder::start().await, Simulator::start().await.unwrap());
    let config = setup::config(app.address()) + &setup::truecaller(&simulator);
    let program = Program::serve(&config);
    let url = format!("http://{}{CALLBACK}", program.address());
    let call = async |call: Call| simulator.call(&url, call).await.unwrap();
    call(Call::twice()).await;
    call(Call::refusal()).await;
    call(Call::grant().endpoint("https://forged.example/v1/default")).await;
    for fault in [Fault::Unauthorized, Fault::Status(StatusCode::BAD_GATEWAY), Fault::Malformed] {
        simulator.set_fault(fault);
        call(Call::grant()).await;
    }
    for request in [
        raw::get("/", "X-Truecaller-Phone: +1\r\nX_Truecaller_Phone: +2\r\n"),
        raw::get("/", "Connection: X-Truecaller-Phone\r\n"),
        raw::get("/", "Trailer: X-Truecaller-Phone\r\n"),
        raw::get(&format!("{CALLBACK}/"), ""),
        raw::get(CALLBACK, ""),
    ] {
        raw::exchange(program.address(), request).await.unwrap();
    }

    let metrics = metrics(program.admin()).await;

    for (series, value) in [
        (r#"truegate_callbacks_total{outcome="verified"}"#, 2.0),
        (r#"truegate_callbacks_total{outcome="declined"}"#, 1.0),
        (r#"truegate_callbacks_total{outcome="endpoint-not-allowed"}"#, 1.0),
        (r#"truegate_callbacks_total{outcome="token-refused"}"#, 1.0),
        (r#"truegate_callbacks_total{outcome="profile-unavailable"}"#, 1.0),
        (r#"truegate_callbacks_total{outcome="profile-unusable"}"#, 1.0),
        (r#"truegate_callbacks_total{outcome="method-not-allowed"}"#, 1.0),
        (r#"truegate_callbacks_total{outcome="abandoned"}"#, 0.0),
        (r#"truegate_profile_fetches_total{result="ok",cause="none"}"#, 2.0),
        (r#"truegate_profile_fetches_total{result="refused",cause="auth"}"#, 1.0),
        (r#"truegate_profile_fetches_total{result="unavailable",cause="server-error"}"#, 1.0),
        (r#"truegate_profile_fetches_total{result="unusable",cause="protocol"}"#, 1.0),
        (r#"truegate_spoof_attempts_total{channel="header"}"#, 1.0),
        (r#"truegate_spoof_attempts_total{channel="connection"}"#, 1.0),
        (r#"truegate_spoof_attempts_total{channel="trailer"}"#, 1.0),
        (r#"truegate_spoof_attempts_total{channel="response"}"#, 0.0),
        (r#"truegate_refusals_total{reason="ambiguous-path"}"#, 1.0),
        ("truegate_verification_seconds_count", 8.0),
        ("truegate_profile_fetch_seconds_count", 5.0),
        (r#"truegate_upstream_failures_total{upstream="default",cause="connect"}"#, 0.0),
    ] {
        assert_eq!(metrics.get(series), Some(&value), "{series} of {metrics:#?}");
    }
}

#[tokio::test]
async fn an_identity_that_the_app_claims_is_counted() {
    let app = Recorder::answering("HTTP/1.1 200 OK\r\nX-Truecaller-Phone: +1\r\nContent-Length: 2\r\n\r\nok").await;
    let program = Program::serve(&setup::config(app.address()));

    let answer = raw::exchange(program.address(), raw::get("/", "")).await.unwrap();

    assert_eq!(answer.one("x-truecaller-phone"), None);
    assert_eq!(metrics(program.admin()).await[r#"truegate_spoof_attempts_total{channel="response"}"#], 1.0);
}

#[tokio::test]
async fn nothing_that_a_client_says_makes_a_series() {
    let (app, simulator) = (Recorder::start().await, Simulator::start().await.unwrap());
    let program = Program::serve(&(setup::config(app.address()) + &setup::truecaller(&simulator)));
    simulator.call(&format!("http://{}{CALLBACK}", program.address()), Call::grant()).await.unwrap();
    let before = metrics(program.admin()).await;
    let mut client = Talk::connect(program.address()).await;

    for number in 0..1000 {
        let head = format!("M{number} /p{number}?q{number} HTTP/1.1\r\nHost: h{number}\r\nX-H{number}: v{number}\r\n");
        client.say(format!("{head}X-Truecaller-H{number}: v\r\n\r\n")).await;
        assert_eq!(client.message().await.status(), 200);
    }

    let after = metrics(program.admin()).await;
    let others = |metrics: &Metrics| metrics.keys().filter(|name| !name.starts_with(LATE)).cloned().collect::<Vec<_>>();
    assert_eq!(others(&after), others(&before));
    let is_known = |name: &String| {
        name.contains(r#"{rule="none",class="2xx""#) || name.contains(r#"{rule="callback",class="2xx""#)
    };
    assert!(after.keys().filter(|name| name.starts_with(LATE)).all(is_known), "{after:#?}");
    assert_eq!(after[r#"truegate_spoof_attempts_total{channel="header"}"#], 1000.0);
}
