//! The signals of an operator.

use std::fs;

use tokio::{net::TcpListener, task::yield_now};

use super::{
    setup::{self, Talk},
    stop::refused,
    support::{
        program::Program,
        raw::{self, within},
        recorder::Recorder,
    },
    tls::{Pair, serve},
};

const SESSIONS: &str = "callback: { path: /hooks/unguessable-4f1c9e07ab52d8364bf1 }\n\
    session:\n  public_url: http://127.0.0.1:1\n  secret: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n  \
    partner: { key: a-partner-key, name: A Shop }\n\
    routes: [{ path: /vip/, access: required, allow: { phones_file: vip.txt } }, { path: /, access: optional }]\n";

#[tokio::test]
async fn signals_that_ask_for_no_end_end_nothing() {
    let app = Recorder::start().await;
    let program = Program::serve(&setup::config(app.address()));
    for signal in ["USR1", "USR2", "HUP", "HUP", "USR1"] {
        program.signal(signal);
        for _ in 0..3 {
            let answer = raw::exchange(program.address(), raw::get("/", "")).await.expect(signal);
            assert_eq!(answer.status(), 200, "{signal}");
        }
    }
    program.signal("TERM");
    let (status, log) = setup::ended(program).await;
    assert_eq!(status.code(), Some(0), "{log:#?}");
}

#[tokio::test]
async fn nothing_but_a_second_signal_to_stop_cuts_a_stop_short() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let program = Program::serve(&setup::config(listener.local_addr().unwrap()));
    let mut client = Talk::connect(program.address()).await;
    client.say(raw::get("/slow", "")).await;
    let mut app = Talk::accept(&listener).await;
    app.message().await;

    program.signal("QUIT");
    refused(&program).await;
    for signal in ["HUP", "USR1", "USR2"] {
        program.signal(signal);
    }
    app.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;

    assert_eq!(client.message().await.text(), "ok");
    let (status, log) = setup::ended(program).await;
    assert_eq!(status.code(), Some(0));
    assert!(log.last().unwrap().contains(r#""message":"stopped""#), "{log:#?}");
}

/// Even if the new pair's files look like those of before.
#[tokio::test]
async fn a_hangup_has_certificates_read_again() {
    let (app, old) = (Recorder::start().await, Pair::new());
    let same_size = |new: &Pair| new.sizes() == old.sizes();
    let new = std::iter::repeat_with(Pair::new).find(same_size).unwrap();
    let program = serve(&old, &setup::config_without_listener(app.address()));
    for name in ["certificate.pem", "key.pem"] {
        let path = program.folder().join(name);
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        if name == "key.pem" {
            new.write_key(program.folder());
        } else {
            new.write_certificate(program.folder());
        }
        fs::File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
    }

    program.signal("HUP");

    within(async {
        while new.connect(program.address(), &["http/1.1"]).await.is_none() {
            yield_now().await;
        }
    })
    .await;
    assert!(old.connect(program.address(), &["http/1.1"]).await.is_none());
}

#[tokio::test]
async fn a_hangup_has_lists_of_phone_numbers_read_again() {
    let (app, folder) = (Recorder::start().await, tempfile::tempdir().unwrap());
    fs::write(folder.path().join("vip.txt"), "+919999900001\n").unwrap();
    let program = Program::serve_from(folder, &(setup::config(app.address()) + SESSIONS));
    for count in 1..=2 {
        program.signal("HUP");
        program.told(&["phones file read again"], count).await;
    }
}
