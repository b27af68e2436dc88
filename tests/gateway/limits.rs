//! How large a head may be, and how many requests a connection carries.

use super::{
    setup::{self, Talk},
    support::{program::Program, raw, recorder::Recorder},
};

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let app = Recorder::start().await;
    let program = Program::serve(&setup::config(app.address()));
    let target = |length: usize| raw::get(&format!("/{}", "a".repeat(length - 1)), "");
    let headers = |lines: usize| raw::get("/", &format!("X-Long: {}\r\n", "b".repeat(7000)).repeat(lines));
    for (request, status, code) in [
        (target(8192), 200, ""),
        (target(8193), 414, "target-too-long"),
        (target(60_000), 414, "target-too-long"),
        (headers(9), 200, ""),
        (headers(10), 431, "headers-too-large"),
        (headers(90), 431, "headers-too-large"),
    ] {
        let answer = raw::exchange(program.address(), &request).await.unwrap();
        assert_eq!(answer.status(), status, "{}", request.len());
        assert_eq!(app.take().len(), usize::from(status == 200));
        if status != 200 {
            assert_eq!(answer.code(), code);
            assert_eq!(answer.one("content-type"), Some("application/problem+json"));
        }
    }
}

#[tokio::test]
async fn a_connection_carries_one_request_after_another() {
    let app = Recorder::start().await;
    let program = Program::serve(&setup::config(app.address()));
    let mut client = Talk::connect(program.address()).await;
    for number in 0..5 {
        client.say(raw::get(&format!("/{number}"), "X-Truecaller-Phone: +1\r\n")).await;
        assert_eq!(client.message().await.text(), "ok");
    }

    let seen = app.take();
    assert_eq!(seen.len(), 5);
    assert!(seen.iter().all(|request| request.one("x-truecaller-phone").is_none()));
}

#[tokio::test]
async fn requests_that_are_sent_ahead_are_never_taken_for_a_body() {
    let app = Recorder::start().await;
    let program = Program::serve(&setup::config(app.address()));
    for (first, body) in [(raw::get("/1", ""), ""), (raw::post("/1", b"first"), "first")] {
        let mut client = Talk::connect(program.address()).await;

        client.say([&*first, &raw::get("/2", "X-Truecaller-Phone: +1\r\n")].concat()).await;

        assert_eq!((client.message().await.text(), client.message().await.text()), ("ok".to_owned(), "ok".to_owned()));
        let seen = app.take();
        assert_eq!((seen.len(), &*seen[0].text(), &*seen[1].text()), (2, body, ""));
        assert_eq!(seen[1].one("x-truecaller-phone"), None);
    }
}
