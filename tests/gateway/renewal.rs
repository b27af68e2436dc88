//! A certificate is renewed without a restart.

use std::{fs, time::Duration};

use tempfile::TempDir;
use tokio::{process::Command, task::spawn_blocking};

use super::{
    setup::{self, Talk},
    support::{program::Program, raw, raw::within, recorder::Recorder},
    tls::{LISTEN, Pair, serve},
};

/// Waits until a certificate is shown.
async fn until_shown(pair: &Pair, program: &Program) {
    within(async {
        while pair.connect(program.address(), &["http/1.1"]).await.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// Waits until the program has said that it cannot use the files of the certificate, and why.
async fn until_refused(reason: &str, count: usize, program: &Program) {
    let reason = format!(r#""reason":"{reason}"#);
    program.told(&["a certificate's files cannot be used", r#""certificate":"localhost""#, &reason], count).await;
}

#[tokio::test]
async fn a_new_pair_is_shown_once_both_files_are_there() {
    let (app, old, new) = (Recorder::start().await, Pair::new(), Pair::new());
    let program = serve(&old, &setup::config_without_listener(app.address()));
    let shown = async |pair: &Pair| pair.connect(program.address(), &["http/1.1"]).await;
    let mut before = Talk::over(shown(&old).await.unwrap());

    new.write_certificate(program.folder());
    until_refused(MISMATCH, 1, &program).await;
    assert!(shown(&old).await.is_some(), "half a pair is no pair");
    new.write_key(program.folder());
    until_shown(&new, &program).await;
    assert!(shown(&old).await.is_none(), "and the old one no more");

    before.say(raw::get("/", "")).await;
    assert_eq!(before.message().await.status(), 200, "connections of before go on");
    program.told(&["the certificates have changed"], 1).await;
}

#[tokio::test]
async fn a_pair_that_is_spoilt_leaves_the_one_of_before_in_use() {
    let (app, old, new) = (Recorder::start().await, Pair::new(), Pair::new());
    let program = serve(&old, &setup::config_without_listener(app.address()));
    let shown = async |pair: &Pair| pair.connect(program.address(), &["http/1.1"]).await.is_some();
    assert!(shown(&old).await);

    let spoil = |file, content| fs::write(program.folder().join(file), content).unwrap();
    spoil("key.pem", "no PEM");
    until_refused("the key: the file has no private key", 1, &program).await;
    assert!(shown(&old).await, "the key is spoilt");
    fs::remove_file(program.folder().join("key.pem")).unwrap();
    until_refused("cannot be read: entity not found", 1, &program).await;
    assert!(shown(&old).await, "the key is gone");
    new.write_key(program.folder());
    until_refused(MISMATCH, 1, &program).await;
    assert!(shown(&old).await, "half a pair is no pair");
    spoil("certificate.pem", "");
    until_refused("the certificate: the file has no certificate", 1, &program).await;
    assert!(shown(&old).await, "the certificate is spoilt");
    new.write_certificate(program.folder());
    until_shown(&new, &program).await;
}

/// A file system that hangs holds up nobody: whoever opens a pipe waits for what is written into it.
#[tokio::test]
async fn no_handshake_waits_for_a_file() {
    let (app, pair) = (Recorder::start().await, Pair::new());
    let program = serve(&pair, &setup::config_without_listener(app.address()));
    let (pipe, key) = (program.folder().join("pipe"), program.folder().join("key.pem"));
    assert!(within(Command::new("mkfifo").arg(&pipe).status()).await.unwrap().success());
    fs::rename(&pipe, &key).unwrap();
    // It can be opened once the program reads from it.
    let writer = within(spawn_blocking(move || fs::File::options().write(true).open(key))).await.unwrap().unwrap();
    for _ in 0..3 {
        assert!(pair.connect(program.address(), &["http/1.1"]).await.is_some());
    }
    drop(writer);
}

/// The pair that was checked at the start is the one of before, though nobody has shaken hands yet.
#[tokio::test]
async fn the_first_handshake_may_come_after_the_files_were_spoilt() {
    let (app, pair) = (Recorder::start().await, Pair::new());
    let program = serve(&pair, &setup::config_without_listener(app.address()));
    Pair::new().write_certificate(program.folder());
    assert!(pair.connect(program.address(), &["http/1.1"]).await.is_some());
}

#[tokio::test]
async fn files_that_would_not_serve_are_mistakes_of_the_configuration() {
    let app = Recorder::start().await;
    let config = format!("{LISTEN}{}", setup::config_without_listener(app.address()));
    let (one, other) = (Pair::new(), Pair::new());
    for (spoil, place) in [
        (Box::new(|_: &TempDir| {}) as Box<dyn Fn(&TempDir)>, "1:48: listen.certificate: "),
        (Box::new(|folder| one.write_certificate(folder.path())), "1:70: listen.key: "),
        (
            Box::new(|folder| {
                one.write_certificate(folder.path());
                other.write_key(folder.path());
            }),
            "1:70: listen.key: ",
        ),
    ] {
        let folder = TempDir::new().unwrap();
        spoil(&folder);

        let output = within(Command::from(setup::command(&folder, &config)).output()).await.unwrap();

        assert_eq!(output.status.code(), Some(2));
        let errors = String::from_utf8(output.stderr).unwrap();
        let expected = format!("{}:{place}", folder.path().join("config.yaml").display());
        assert!(errors.lines().any(|line| line.starts_with(&expected)), "{expected} in {errors}");
    }
}

const MISMATCH: &str = "the key does not belong to the first certificate";
