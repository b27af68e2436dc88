//! Users of the site's own app, at a gateway without sessions.

use std::fs;

use http::StatusCode;
use tempfile::TempDir;
use truegate::simulator::{AppUser, Fault, Simulator};

use super::{
    setup,
    support::{
        native::{self, NATIVE, PHONE, code, missed_call, secrets, user},
        program::Program,
        raw::{exchange, get, post, scrape, within},
        recorder::Recorder,
        secrets::assert_untold,
    },
};

fn config(app: &Recorder, truecaller: &Simulator) -> String {
    setup::config(app.address()) + &setup::truecaller(truecaller) + &native::yaml(truecaller)
}

#[tokio::test]
async fn the_rule_of_its_path_chooses_the_app_and_the_headers() {
    let (shop, api, truecaller) = (Recorder::start().await, Recorder::start().await, Simulator::start().await.unwrap());
    let upstreams = format!(
        "upstream: shop\nupstreams:\n  shop: {{ url: http://{} }}\n  api: {{ url: http://{}, identity: {{ presets: [remote-user] }} }}\n\
         routes: [{{ exact: {NATIVE}, methods: [POST], upstream: api }}]\n",
        shop.address(),
        api.address()
    );
    let config = config(&shop, &truecaller).replace(&format!("upstream: http://{}\n", shop.address()), &upstreams);
    let program = Program::serve(&config);
    for body in [code(&truecaller, user()), missed_call(&truecaller, user())] {
        assert_eq!(exchange(program.address(), post(NATIVE, body.as_bytes())).await.unwrap().status(), 200);
        let request = api.take().remove(0);
        assert_eq!((request.one("remote-user"), request.text()), (Some(PHONE), body));
    }
    assert_eq!(exchange(program.address(), get("/", "")).await.unwrap().status(), 200);
    assert_eq!((shop.take().len(), api.take().len()), (1, 0));
}

#[tokio::test]
async fn without_missed_calls_their_tokens_are_no_credentials() {
    let (app, truecaller) = (Recorder::start().await, Simulator::start().await.unwrap());
    let program = Program::serve(&config(&app, &truecaller).replace("native: {", "native: { missed_call: false,"));
    let token = missed_call(&truecaller, user());
    assert_eq!(exchange(program.address(), post(NATIVE, token.as_bytes())).await.unwrap().status(), 400);
    assert_eq!((truecaller.fetches(), app.take().len()), (0, 0));
    let code = code(&truecaller, user());
    assert_eq!(exchange(program.address(), post(NATIVE, code.as_bytes())).await.unwrap().status(), 200);
}

#[tokio::test]
async fn its_endpoints_are_connected_to_at_the_start_if_the_gateway_is_told_to() {
    let (app, truecaller, for_apps) =
        (Recorder::start().await, Simulator::start().await.unwrap(), Simulator::start().await.unwrap());
    let config = setup::config(app.address()) + &setup::truecaller(&truecaller) + &native::yaml(&for_apps);
    let _program = Program::serve(&config.replace("truecaller: {", "truecaller: { connect_at_start: true,"));
    within(for_apps.wait_for_connections(1)).await;
    assert_eq!(for_apps.fetches(), 0);
}

#[tokio::test]
async fn an_authority_of_the_operators_own_is_trusted_for_its_endpoints_too() {
    let folder = TempDir::new().unwrap();
    let pair = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(folder.path().join("ca.pem"), pair.cert.pem()).unwrap();
    let truecaller = Simulator::builder().tls(pair.cert.pem(), pair.signing_key.serialize_pem()).start().await.unwrap();
    let app = Recorder::start().await;
    let config = config(&app, &truecaller);
    let trusting = config.replace("truecaller: {", "truecaller: { ca_file: ca.pem,");
    for (config, status) in [(trusting, 200), (config, 502)] {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("ca.pem"), pair.cert.pem()).unwrap();
        let program = Program::serve_from(folder, &config);
        let body = code(&truecaller, user());
        assert_eq!(exchange(program.address(), post(NATIVE, body.as_bytes())).await.unwrap().status(), status);
    }
}

/// Logins that end in each way; gives the codes, verifiers and tokens of all of them.
async fn provoke(program: &Program, truecaller: &Simulator) -> Vec<String> {
    let somebody = || AppUser::new("+918765432109").client_id(native::CLIENT_ID);
    let elsewhere = || AppUser::new("+918765432109").client_id("another");
    let malformed = r#"{"code":"secret-code","code_verifier":"secret-verifier"}"#.to_owned();
    let status = |code| Fault::Status(StatusCode::from_u16(code).unwrap());
    let mut told = Vec::new();
    for (plan, body) in [
        (vec![], code(truecaller, somebody())),
        (vec![], missed_call(truecaller, somebody())),
        (vec![], code(truecaller, elsewhere())),
        (vec![status(400)], code(truecaller, somebody())),
        (vec![Fault::None, Fault::Unverified], code(truecaller, somebody())),
        (vec![Fault::None, Fault::NoPhone], code(truecaller, somebody())),
        (vec![Fault::None, status(422)], code(truecaller, somebody())),
        (vec![Fault::Close], code(truecaller, somebody())),
        (vec![Fault::Malformed], missed_call(truecaller, somebody())),
        (vec![status(404)], missed_call(truecaller, somebody())),
        (vec![status(503); 2], missed_call(truecaller, somebody())),
        (vec![], malformed),
    ] {
        truecaller.plan(plan);
        exchange(program.address(), post(NATIVE, body.as_bytes())).await.unwrap();
        truecaller.plan([]);
        told.extend(secrets(&body));
    }
    let body = br#"{"code":"secret-code","#;
    for request in [
        post(&format!("{NATIVE}/?secret-query"), body),
        post(NATIVE, body),
        format!("POST {NATIVE} HTTP/1.1\r\nHost: a\r\nOrigin: https://secret-host.example\r\n\r\n").into_bytes(),
        format!("POST {NATIVE} HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\nsecret-body").into_bytes(),
        get(NATIVE, "X-Truecaller-Phone: +918765432109\r\n"),
    ] {
        exchange(program.address(), request).await;
    }
    // The access tokens that Truecaller gave for the codes.
    let bearers = truecaller.seen().into_iter().filter_map(|asked| {
        let line = asked.headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")?.to_owned();
        Some(line)
    });
    told.extend(bearers);
    told
}

#[tokio::test]
async fn logins_are_counted_and_logged_and_no_secret_is_told() {
    let (app, truecaller, folder) =
        (Recorder::start().await, Simulator::start().await.unwrap(), TempDir::new().unwrap());
    let mut command = setup::command(&folder, &config(&app, &truecaller));
    command.env("RUST_LOG", "trace,pingora_core=trace,pingora_proxy=trace,hyper=trace,h2=trace");
    let program = Program::start(command, folder);

    let secrets = provoke(&program, &truecaller).await;
    let metrics = exchange(program.admin(), scrape("")).await.unwrap().text();
    program.signal("TERM");
    let (_, log) = setup::ended(program).await;

    assert!(secrets.len() > 20, "{}", secrets.len());
    let words = ["8765432109", "Kapoor", "secret-", "Bangalore", "truecaller.com/picture"];
    let secrets: Vec<_> = secrets.iter().map(String::as_str).chain(words).collect();
    assert_untold(&log, secrets.iter().copied());
    assert_untold(std::slice::from_ref(&metrics), secrets);
    for (method, outcome, count) in [
        ("app", "verified", 1),
        ("missed-call", "verified", 1),
        ("app", "token-refused", 2),
        ("app", "number-not-verified", 1),
        ("app", "profile-unusable", 1),
        ("app", "misconfigured", 1),
        ("app", "profile-unavailable", 1),
        ("missed-call", "profile-unusable", 1),
        ("missed-call", "misconfigured", 1),
        ("missed-call", "profile-unavailable", 1),
        ("none", "malformed-credential", 2),
        ("none", "cross-site", 1),
        ("none", "body-too-large", 1),
        ("none", "method-not-allowed", 1),
    ] {
        let line = format!("truegate_app_logins_total{{method=\"{method}\",outcome=\"{outcome}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
    let logged = |method: &str, outcome: &str| {
        log.iter().any(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["message"] == "app login" && line["outcome"] == outcome && line["method"] == method
        })
    };
    assert!(logged("app", "verified") && logged("missed-call", "verified") && logged("app", "misconfigured"));
    let warned = |line: &&String| line.contains("WARN") && line.contains("misconfigured");
    assert!(log.iter().any(|line| warned(&line)), "the operator has to act: {log:#?}");
}
