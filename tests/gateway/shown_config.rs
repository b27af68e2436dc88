//! `GET /config` on the admin listener: the configuration that serves the next request.

use serde_json::{Value, json};

use super::{
    setup,
    support::{
        program::Program,
        raw::{self, Message},
        recorder::Recorder,
        site_login::TOKEN,
    },
};

const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

async fn ask(program: &Program, headers: &str) -> Message {
    let request = format!("GET /config HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    raw::exchange(program.admin(), request).await.unwrap()
}

async fn config(program: &Program) -> Value {
    let answer = ask(program, "").await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(answer.one("content-type"), Some("application/json"));
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn it_is_the_one_in_force_and_not_one_that_was_refused() {
    let app = Recorder::start().await;
    let before = format!("{}timeouts: {{ read: 90s }}\n", setup::config(app.address()));
    let program = Program::serve(&before);
    let first = config(&program).await;
    assert_eq!(first["config"]["timeouts"]["read"], "90s");
    assert_eq!(first["config"]["upstream"], json!(format!("http://{}", app.address())));
    assert_eq!(first["config"]["limits"]["logins_per_minute"], 300, "a default");

    let wrong = program.reload(&format!("{before}limits: {{ logins_per_minute: 0 }}\n")).await;
    assert!(wrong["message"].as_str().unwrap().starts_with("not reloaded"), "{wrong}");
    assert_eq!(config(&program).await, first);

    program.reloaded(&format!("{before}limits: {{ logins_per_minute: 7 }}\nserver: {{ threads: 1000 }}\n")).await;
    let second = config(&program).await;
    assert_eq!(second["config"]["limits"]["logins_per_minute"], 7);
    assert_eq!((&first["needs_restart"], &second["needs_restart"]), (&json!([]), &json!(["server.threads"])));
}

#[tokio::test]
async fn with_a_token_nobody_else_gets_it_and_nobody_gets_a_secret() {
    let app = Recorder::start().await;
    let session = format!(
        "session: {{ public_url: 'http://localhost:8080', secret: '{SECRET}', fallback_url: /login, partner: {{ key: k, name: n }} }}\n\
         routes: [{{ path: /login, access: public }}, {{ path: /vip, access: required, allow: {{ phones: ['+919999900001'] }} }}]\n\
         callback: {{ path: {} }}\n",
        setup::CALLBACK
    );
    let admin = format!("admin: {{ listen: 127.0.0.1:0, token: '{TOKEN}' }}\n");
    let text = setup::config(app.address()).replace("admin: { listen: 127.0.0.1:0 }\n", &admin) + &session;
    let program = Program::serve(&text);

    for headers in
        ["", "Authorization: Bearer a-token-of-somebody-else-entirely\r\n", &format!("Cookie: token={TOKEN}\r\n")]
    {
        let answer = ask(&program, headers).await;
        assert_eq!((answer.status(), answer.one("www-authenticate")), (401, Some("Bearer")), "{headers}");
        assert!(!answer.text().contains("upstream"), "{}", answer.text());
    }
    let answer = ask(&program, &format!("Authorization: Bearer {TOKEN}\r\n")).await;
    assert_eq!((answer.status(), answer.one("cache-control")), (200, Some("no-store")));
    let answer = answer.text();
    for secret in [TOKEN, SECRET, setup::CALLBACK, "4f1c9e07ab52d8364bf1", "+91"] {
        assert!(!answer.contains(secret), "{answer}");
    }
    let shown: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(shown["config"]["admin"]["token"], "(masked)");
    assert_eq!(shown["config"]["routes"][1]["allow"]["phones"], json!(["(masked)"]));
}
