//! What the log says, and what it never says.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::Stdio,
};
use tempfile::TempDir;
use truegate::{
    assertion::SigningKey,
    simulator::{Call, Fault, Simulator},
};

use super::{
    setup::{self, CALLBACK, Talk},
    support::{program::Program, raw, recorder::Recorder, secrets::assert_untold},
};

const PROFILE: &str = r#"{"phoneNumbers":["918765432109"],"userId":"7046044321","isActive":true,
    "name":{"first":"Zaphodina","last":"Beeblebroxova"},"onlineIdentities":{"email":"zb@heartofgold.example"}}"#;

/// What is said to the gateway below, and must not be in any line. The last two begin every assertion and every key for
/// them.
const SECRETS: [&str; 24] = [
    "8765432109", "7046044321", "Zaphodina", "Beeblebroxova", "heartofgold", "nonce-of-the-login", "unguessable",
    "a-token-that-is-bad", "a-forged-token", "forged.example", "15550001111", "Mallory", "chocolate-chip",
    "basic-credentials", "FROBNICATE", "secret-path", "secret-query", "secret-host", "secret-body", "secret-value",
    "secret-name", "v1/default", "eyJ0eXAiOiJKV1Qi", "MIGHAgEAMBMGByqGSM49",
];

/// Everything that can go well or wrong, with something secret in each of it; gives the tokens, and whether an
/// assertion was sent.
async fn provoke(program: &Program, app: Recorder, simulator: &Simulator) -> (Vec<String>, bool) {
    let url = format!("http://{}{CALLBACK}", program.address());
    let mut tokens = Vec::new();
    let request_id = "nonce-of-the-login-1";
    for (fault, call) in [
        (Fault::None, Call::grant()),
        (Fault::None, Call::refusal()),
        (Fault::None, Call::grant().endpoint("https://forged.example/v1/steal")),
        (Fault::Unauthorized, Call::grant()),
        (Fault::Close, Call::grant()),
        (Fault::Malformed, Call::grant()),
        (Fault::Redirect("http://forged.example/".parse().unwrap()), Call::grant()),
        (Fault::Hang, Call::grant()),
    ] {
        simulator.set_fault(fault);
        let posted = simulator.call(&url, call.profile(PROFILE).request_id(request_id)).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&posted[0].body).unwrap();
        tokens.extend(body["accessToken"].as_str().map(str::to_owned));
    }
    simulator.set_fault(Fault::None);
    let endpoint = simulator.endpoint();
    for body in [
        format!(r#"{{"requestId":"{request_id}","accessToken":"a-token-that-is-bad","endpoint":"{endpoint}"}}"#),
        format!(r#"{{"requestId":"{request_id}","accessToken":"a-token-that-is-bad\u0000","endpoint":"{endpoint}"}}"#),
        format!(r#"{{"requestId":"{request_id}","accessToken":"a-forged-token","status":"user_rejected"}}"#),
        r#"{"requestId":"nonce-of-the-login-2","secret-name":"#.to_owned(),
    ] {
        raw::exchange(program.address(), raw::post(CALLBACK, body.as_bytes())).await.unwrap();
    }
    let others = [
        raw::get("/secret-path?secret-query=1", "X-Truecaller-Phone: +15550001111\r\nX_Truecaller_Name: Mallory\r\n"),
        raw::get("/secret-path", "Connection: X-Truecaller-Phone\r\nTrailer: X-Truecaller-Name\r\n"),
        raw::get("/", "Cookie: a=chocolate-chip\r\nAuthorization: Basic basic-credentials\r\n"),
        raw::get(&format!("{CALLBACK}/?secret-query"), ""),
        raw::get(CALLBACK, "Expect: secret-value\r\n"),
        raw::post("/secret-path", b"secret-body"),
        b"FROBNICATE /secret-path HTTP/1.1\r\nHost: secret-host\r\nSecret-Name: secret-value\r\n\r\n".to_vec(),
        b"GET /secret-path HTTP/1.1\r\nHost: secret-host\r\nHost: b\r\n\r\n".to_vec(),
        b"GET secret-path HTTP/1.1\r\nHost: secret-host\r\n\r\n".to_vec(),
        b"GET /secret-path HTTP/1.1\r\nHost: a\r\nSecret-Name secret-value\r\n\r\n".to_vec(),
        b"secret-value\r\n\r\n".to_vec(),
        b"GET /secret-path HTTP/1.1\r\nHost: a\r\nSecret-Name: \0secret-value\r\n\r\n".to_vec(),
        format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "secret-path".repeat(1000)).into_bytes(),
        format!("POST {CALLBACK} HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\nsecret-body").into_bytes(),
    ];
    for request in others {
        raw::exchange(program.address(), request).await;
    }
    let asserted = app.seen().iter().any(|request| {
        request.one("x-truecaller-assertion").is_some_and(|token| token.starts_with("eyJ0eXAiOiJKV1Qi"))
    });
    drop(app);
    raw::exchange(program.address(), raw::get("/secret-path", "Cookie: a=chocolate-chip\r\n")).await.unwrap();
    simulator.call(&url, Call::grant().profile(PROFILE).request_id(request_id)).await.unwrap();
    (tokens, asserted)
}

/// The program with everything that has a secret, and with logs as the configuration says.
async fn start(app: &Recorder, folder: TempDir, logs: &str) -> (Program, Simulator) {
    // By HTTP/2, whose library logs every frame.
    let pair = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(folder.path().join("ca.pem"), pair.cert.pem()).unwrap();
    let simulator = Simulator::builder().tls(pair.cert.pem(), pair.signing_key.serialize_pem()).start().await.unwrap();
    let config = setup::config(app.address()) + &setup::truecaller(&simulator);
    fs::write(folder.path().join("key.pem"), &*SigningKey::generate().to_pem()).unwrap();
    let config = config + "assertion: { key: '${file:key.pem}', issuer: a, audience: b }\n";
    let config = config.replace("deadline: 20s", "deadline: 3s");
    let config = config.replace("truecaller: {", "truecaller: { ca_file: ca.pem,") + logs;
    let mut command = setup::command(&folder, &config);
    command.env("RUST_LOG", "trace,pingora_core=trace,pingora_proxy=trace,hyper=trace,reqwest=trace,h2=trace");
    (Program::start(command, folder), simulator)
}

#[tokio::test]
async fn no_line_of_any_level_tells_a_secret() {
    let app = Recorder::start().await;
    let (program, simulator) = start(&app, TempDir::new().unwrap(), "").await;

    let (tokens, asserted) = provoke(&program, app, &simulator).await;
    program.signal("TERM");
    let (_, log) = setup::ended(program).await;

    assert_eq!(tokens.len(), 7);
    for line in &log {
        let event: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        assert!(event.is_object(), "{line}");
    }
    assert_untold(&log, SECRETS.into_iter().chain(tokens.iter().map(String::as_str)));
    for said in ["verified", "declined", "endpoint-not-allowed", "token-refused", "profile-timeout", "ambiguous-path"] {
        assert!(log.iter().any(|line| line.contains(said)), "{said} in {log:#?}");
    }
    assert!(asserted, "the app got an assertion, and with it the log had a secret to tell");
    for said in ["spoofed identity stripped", "upstream failed", r#""message":"request""#] {
        assert!(log.iter().any(|line| line.contains(said)), "{said} in {log:#?}");
    }
}

/// The access log tells hosts and methods, and paths if it is to. The audit log tells nothing of that.
#[tokio::test]
async fn no_other_log_tells_a_secret_whatever_it_is_to_tell() {
    for (path, format, told) in [
        ("none", "json", &["secret-host", "FROBNICATE"][..]),
        ("rule", "text", &["secret-host", "FROBNICATE"]),
        ("full", "json", &["secret-host", "FROBNICATE", "secret-path"]),
        ("full", "text", &["secret-host", "FROBNICATE", "secret-path"]),
    ] {
        let app = Recorder::start().await;
        let (folder, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let [file, audit] = ["access.log", "audit.log"].map(|name| elsewhere.path().join(name));
        let access = format!("{{ to: '{}', format: {format}, path: {path} }}", file.display());
        let logs = format!("log: {{ access: {access}, audit: {{ to: '{}' }} }}\n", audit.display());
        let (program, simulator) = start(&app, folder, &logs).await;

        let (tokens, _) = provoke(&program, app, &simulator).await;
        program.signal("TERM");
        setup::ended(program).await;

        let [log, audit] =
            [file, audit].map(|file| fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect::<Vec<_>>());
        assert!(log.len() > 20 && audit.len() > 15, "{log:#?} {audit:#?}");
        assert_untold(&audit, SECRETS.into_iter().chain(tokens.iter().map(String::as_str)));
        for event in ["login-verified", "login-refused", "login-failed", "spoof", "endpoint-not-allowed"] {
            assert!(audit.iter().any(|line| line.contains(event)), "{event} in {audit:#?}");
        }
        let secrets = SECRETS.into_iter().filter(|secret| !told.contains(secret));
        assert_untold(&log, secrets.chain(tokens.iter().map(String::as_str)));
        for secret in told {
            assert!(log.iter().any(|line| line.contains(secret)), "{secret} is told in {log:#?}");
        }
    }
}

#[tokio::test]
async fn a_stranger_cannot_fill_the_log() {
    const REQUESTS: usize = 300;
    let app = Recorder::start().await;
    let program = Program::serve(&setup::config(app.address()));
    let mut client = Talk::connect(program.address()).await;
    for _ in 0..REQUESTS {
        client.say(raw::get("/", "X-Truecaller-Phone: +1\r\n")).await;
        assert_eq!(client.message().await.status(), 200);
    }

    let metrics = raw::exchange(program.admin(), raw::scrape("")).await.unwrap().text();
    program.signal("TERM");
    let (_, mut log) = setup::ended(program).await;
    log.retain(|line| line.contains("spoofed identity stripped"));

    assert!((1..REQUESTS / 2).contains(&log.len()), "{log:#?}");
    assert!(!log[0].contains("suppressed"), "the first line stands for itself alone: {log:#?}");
    assert!(
        metrics.contains(&format!("truegate_spoof_attempts_total{{channel=\"header\"}} {REQUESTS}\n")),
        "{metrics}"
    );
}

#[tokio::test]
async fn the_level_is_that_of_the_configuration_unless_rust_log_says_another() {
    let app = Recorder::start().await;
    for (configured, variable, logged) in [
        ("info", None, false),
        ("debug", None, true),
        ("info", Some("debug"), true),
        ("debug", Some(""), true),
        ("debug", Some("no=such=thing"), true),
    ] {
        let folder = TempDir::new().unwrap();
        let config = setup::config(app.address()) + &format!("log: {{ level: {configured} }}\n");
        let mut command = setup::command(&folder, &config);
        if let Some(level) = variable {
            command.env("RUST_LOG", level);
        }
        let program = Program::start(command, folder);

        raw::exchange(program.address(), raw::get("/", "")).await.unwrap();
        program.signal("TERM");
        let (_, log) = setup::ended(program).await;

        assert_eq!(log.iter().any(|line| line.contains(r#""message":"request""#)), logged, "{log:#?}");
    }
}

#[test]
fn a_line_is_text_for_people_where_the_configuration_wants_it() {
    let folder = TempDir::new().unwrap();
    let config = setup::config(([127, 0, 0, 1], 9).into()) + "log: { format: text }\n";
    let mut child = setup::command(&folder, &config).stderr(Stdio::piped()).spawn().unwrap();

    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();

    assert!(line.contains(" INFO started listen=[127.0.0.1:"), "{line}");
    assert!(!line.contains('\u{1b}'), "a file is not painted: {line:?}");
}
