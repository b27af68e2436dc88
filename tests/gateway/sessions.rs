//! What the program does for sessions beyond the gate: files that change, a store that is lost, and the end.

use std::path::Path;

use http::StatusCode;
use serde_json::Value;
use tokio::task::yield_now;
use truegate::simulator::{Call, Fault, Simulator};

use super::{
    setup::{self, CALLBACK},
    stop::refused,
    support::{
        edge::sessions::{Need, Sessions, Store},
        program::Program,
        raw::{exchange, get, scrape, within},
        recorder::Recorder,
        redis::Redis,
        visitor::Visitor,
    },
};

/// A site with sessions, in front of an app.
pub(crate) struct Site {
    pub(crate) app: Recorder,
    pub(crate) truecaller: Simulator,
    pub(crate) program: Program,
}

impl Site {
    /// A site with sessions; `callback` is more of what the configuration says of callbacks.
    pub(crate) async fn open(sessions: &Sessions, callback: &str, more: &str) -> Self {
        let (app, truecaller) = (Recorder::start().await, Simulator::start().await.unwrap());
        let config = setup::config(app.address()) + &setup::truecaller(&truecaller) + &sessions.yaml() + more;
        let program = Program::serve(&config.replace("callback: {", &format!("callback: {{ {callback}")));
        Self { app, truecaller, program }
    }

    pub(crate) fn visitor(&self) -> Visitor {
        Visitor::at(self.program.address(), Sessions::ORIGIN)
    }

    pub(crate) async fn call(&self, request_id: &str) {
        let url = format!("http://{}{CALLBACK}", self.program.address());
        let posted = self.truecaller.call(&url, Call::grant().request_id(request_id)).await.unwrap();
        assert_eq!(posted[0].answer.status, StatusCode::NO_CONTENT);
    }

    pub(crate) async fn signed_in(&self) -> Visitor {
        let mut visitor = self.visitor();
        let request_id = visitor.start_login().await;
        self.call(&request_id).await;
        assert_eq!(visitor.state_after(&request_id, "pending").await, "verified");
        visitor
    }

    /// Until the metrics have a line.
    pub(crate) async fn wait_for_metric(&self, line: &str) {
        let line = format!("\n{line}\n");
        let metrics = || exchange(self.program.admin(), scrape(""));
        within(async { while !metrics().await.is_some_and(|page| page.text().contains(&line)) {} }).await;
    }
}

#[tokio::test]
async fn a_verification_that_runs_is_finished_before_the_end() {
    let site = Site::open(&Sessions::usual(), "", "").await;
    site.truecaller.set_fault(Fault::Held);
    let request_id = site.visitor().start_login().await;
    site.call(&request_id).await;
    within(site.truecaller.wait_for_fetches(1)).await;
    site.program.signal("TERM");
    refused(&site.program).await;
    site.truecaller.release();

    let (status, log) = setup::ended(site.program).await;

    assert_eq!(status.code(), Some(0));
    assert!(log.iter().any(|line| line.contains(r#""message":"login","event":"verified""#)), "{log:#?}");
    assert!(!log.iter().any(|line| line.contains("cut off")), "{log:#?}");
}

#[tokio::test]
async fn a_verification_that_hangs_is_cut_off_after_the_grace() {
    let site = Site::open(&Sessions::usual(), "", "shutdown_grace: 300ms\n").await;
    site.truecaller.set_fault(Fault::Held);
    let request_id = site.visitor().start_login().await;
    site.call(&request_id).await;
    within(site.truecaller.wait_for_fetches(1)).await;

    site.program.signal("TERM");
    let (status, log) = setup::ended(site.program).await;

    assert_eq!(status.code(), Some(0));
    let cut_off = log.iter().find(|line| line.contains("cut off")).expect("it is told");
    let event: Value = serde_json::from_str(cut_off).unwrap();
    assert_eq!((&event["requests"], &event["verifications"]), (&0.into(), &1.into()));
}

#[tokio::test]
async fn a_phones_file_counts_as_it_is_now_or_as_it_last_could_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vip.txt");
    std::fs::write(&file, "+447911123456\n").unwrap();
    let rules = vec![("/account/", Need::InFile(file.to_str().unwrap().to_owned())), ("/", Need::Optional)];
    let site = Site::open(&Sessions { rules, ..Sessions::usual() }, "", "").await;
    let mut visitor = site.signed_in().await;
    assert_eq!(visitor.get("/account/").await.status(), 403);

    replace(&file, "# all\n+919999999999\n");
    within(async {
        while visitor.get("/account/").await.status() != 200 {
            yield_now().await;
        }
    })
    .await;
    replace(&file, "+919999999999\nhunter2\n");
    site.wait_for_metric("truegate_unusable_phones_files 1").await;
    assert_eq!(visitor.get("/account/").await.status(), 200, "the list of before stays in use");
    replace(&file, "");
    site.wait_for_metric("truegate_unusable_phones_files 0").await;
    assert_eq!(visitor.get("/account/").await.status(), 403, "an empty list lets nobody in");

    let told = site.program.told(&["phones file cannot be used", r#""key":"routes[0].allow.phones_file""#], 1).await;
    let log = site.program.log();
    assert_eq!(told.len(), 1, "once for each change: {log:#?}");
    assert!(told[0].contains("line 2 is not a phone number") && !log.join("").contains("hunter2"), "{log:#?}");
}

#[tokio::test]
async fn without_the_store_the_public_goes_on() {
    let lost = Redis::stopped();
    let store = Store::Redis(lost.url());
    let site = Site::open(&Sessions { store, ..Sessions::usual() }, "", "").await;

    let ready = exchange(site.program.admin(), get("/readyz", "")).await.unwrap();
    let public = site.visitor().get("/").await;
    let login = site.visitor().post("/.truegate/login", "").await;

    assert_eq!((ready.status(), public.status()), (200, 200));
    assert_eq!((login.status(), login.code().as_str()), (503, "store-unavailable"));
    assert!(login.one("retry-after").is_some());
    site.wait_for_metric(r#"truegate_store_failures_total{cause="connect"} 2"#).await;
    site.program.told(&["the store did not answer", r#""cause":"connect""#], 1).await;
}

#[tokio::test]
async fn a_password_of_any_characters_opens_the_store() {
    let password = "p/a#s?s%20w@r:d~é";
    let server = Redis::start_with_password(password);
    let store = Store::Redis(format!("redis://:${{REDIS_PASSWORD}}@127.0.0.1:{}", server.port()));
    let folder = tempfile::tempdir().unwrap();
    let config = setup::config(([127, 0, 0, 1], 9).into()) + &Sessions { store, ..Sessions::usual() }.yaml();
    let mut command = setup::command(&folder, &(config + &format!("callback: {{ path: {CALLBACK} }}\n")));
    command.env("REDIS_PASSWORD", password);
    let program = Program::start(command, folder);

    Visitor::at(program.address(), Sessions::ORIGIN).start_login().await;
}

#[tokio::test]
async fn a_logout_that_the_store_has_not_heard_of_is_told_at_the_end() {
    let mut server = Redis::start();
    let store = Store::Redis(server.url());
    let site = Site::open(&Sessions { store, ..Sessions::usual() }, "", "shutdown_grace: 300ms\n").await;
    let mut visitor = site.signed_in().await;
    server.kill();
    assert_eq!(visitor.post("/.truegate/logout", "").await.status(), 503);

    site.program.signal("TERM");
    let (status, log) = setup::ended(site.program).await;

    assert_eq!(status.code(), Some(0));
    let told = log.iter().find(|line| line.contains("did not learn of every logout")).expect("it is told");
    let event: Value = serde_json::from_str(told).unwrap();
    assert_eq!((&event["level"], &event["revocations"]), (&"WARN".into(), &1.into()));
    assert!(!log.join("").contains("9999999999"), "{log:#?}");
}

#[tokio::test]
async fn verifications_are_counted_by_how_they_ended() {
    let site = Site::open(&Sessions::usual(), "", "").await;
    for (fault, outcome) in [
        (Fault::None, "verified"),
        (Fault::Inactive, "profile-inactive"),
        (Fault::Unauthorized, "token-refused"),
        (Fault::Malformed, "profile-unusable"),
    ] {
        site.truecaller.set_fault(fault);
        let request_id = site.visitor().start_login().await;
        site.call(&request_id).await;
        site.wait_for_metric(&format!("truegate_verifications_total{{outcome=\"{outcome}\"}} 1")).await;
    }
    site.call("a-nonce-that-nobody-has").await;
    site.wait_for_metric(r#"truegate_verifications_total{outcome="no-login"} 1"#).await;
    site.wait_for_metric(r#"truegate_callbacks_total{outcome="acknowledged"} 5"#).await;
    site.wait_for_metric("truegate_verification_seconds_count 4").await;
}

/// Another file in the place of this one, whole from the first moment.
fn replace(file: &Path, content: &str) {
    let next = file.with_extension("next");
    std::fs::write(&next, content).unwrap();
    std::fs::rename(next, file).unwrap();
}
