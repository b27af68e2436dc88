//! The audit log: one line for each login, logout, refused user and spoofed identity.

mod limits;
mod logins;

use std::{fs, os::unix::net::UnixDatagram, path::Path, time::Duration};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::spawn_blocking, time::sleep};

use super::{
    access_log::fields,
    sessions::Site,
    setup,
    support::{
        edge::sessions::{Need, Sessions},
        program::Program,
        raw::{exchange, get, within},
        recorder::Recorder,
    },
};

const LOG: &str = "log: { audit: { to: audit.log }, user_key: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= }\n";
const SPOOF: &str = "X-Truecaller-Phone: +15550001111\r\n";

/// The lines of these events, once there are so many.
async fn lines(program: &Program, events: &[&str], count: usize) -> Vec<Value> {
    lines_in(&program.folder().join("audit.log"), events, count).await
}

async fn lines_in(file: &Path, events: &[&str], count: usize) -> Vec<Value> {
    let read = || {
        let text = fs::read_to_string(file).unwrap_or_default();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
        lines.filter(|line| events.contains(&line["event"].as_str().unwrap())).collect::<Vec<_>>()
    };
    within(async {
        while read().len() < count {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let lines = read();
    assert_eq!(lines.len(), count, "{lines:#?}");
    lines
}

#[tokio::test]
async fn an_identity_that_a_client_claims_has_one_line_with_its_channels() {
    let rules = vec![("/a", Need::Optional), ("/", Need::Required)];
    let site = Site::open(&Sessions { rules, ..Sessions::usual() }, "", LOG).await;
    let mut user = site.signed_in().await;
    let long = format!("/{}", "a".repeat(9000));
    let mut count = 0;
    for (path, sent, channels, rule) in [
        ("/a", "X-Truecaller-Phone: +1\r\nx_truecaller_name: Mallory\r\n", r#"["header"]"#, "/a"),
        ("/a", "Connection: X-Truecaller-Phone\r\n", r#"["connection"]"#, "/a"),
        ("/a", "X-Truecaller-A: b\r\nTrailer: X-Truecaller-Name\r\n", r#"["header","trailer"]"#, "/a"),
        ("/", SPOOF, r#"["header"]"#, "/"),
        (&long, SPOOF, r#"["header"]"#, "/"),
        ("/.truegate/me", SPOOF, r#"["header"]"#, "/.truegate/me"),
    ] {
        let answer = exchange(site.program.address(), get(path, sent)).await.unwrap();
        count += 1;
        let line = lines(&site.program, &["spoof"], count).await.remove(count - 1);
        let told = ["log", "client", "user", "route", "channels", "cause"];
        assert_eq!(fields(&line, &told), ["audit", "127.0.0.1", "-", rule, channels, "-"], "{line}");
        assert_eq!(line["id"], answer.one("x-request-id").unwrap());
    }
    user.get_with("/", SPOOF).await;
    let line = lines(&site.program, &["spoof"], count + 1).await.remove(count);
    assert_eq!(line["user"].as_str().unwrap().len(), 22, "{line}");
}

#[tokio::test]
async fn what_an_app_claims_and_a_plain_request_have_no_line() {
    let app = Recorder::answering("HTTP/1.1 200 OK\r\nX-Truecaller-Phone: +1\r\nContent-Length: 2\r\n\r\nok").await;
    let program = Program::serve(&(setup::config(app.address()) + LOG));
    for _ in 0..3 {
        exchange(program.address(), get("/", "")).await.unwrap();
    }
    exchange(program.address(), get("/", SPOOF)).await.unwrap();
    let told = lines(&program, &["start", "spoof"], 2).await;
    assert_eq!(fields(&told[0], &["event", "version"]), ["start", env!("CARGO_PKG_VERSION")]);
    let text = fs::read_to_string(program.folder().join("audit.log")).unwrap();
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[tokio::test]
async fn a_user_whom_a_rule_refuses_has_a_line_with_the_rule() {
    let rules = vec![("/vip", Need::Listed(vec!["+919999900009"])), ("/", Need::Optional)];
    let site =
        Site::open(&Sessions { rules, ..Sessions::usual() }, "", &format!("{LOG}trusted_proxies: [127.0.0.1]\n")).await;
    let mut user = site.signed_in().await;
    let verified = lines(&site.program, &["login-verified"], 1).await.remove(0);
    assert_eq!(user.get("/vip/room").await.status(), 403);
    let asked = "X-Forwarded-Uri: /vip/room\r\nX-Forwarded-Method: GET\r\nX-Forwarded-For: 192.0.2.7\r\n";
    assert_eq!(user.get_with("/.truegate/auth", asked).await.status(), 403);
    assert_eq!(site.visitor().get("/vip").await.status(), 401, "a stranger is not refused as a user");

    let told = lines(&site.program, &["not-allowed"], 2).await;

    let user = verified["user"].as_str().unwrap();
    let named: Vec<_> = told.iter().map(|line| fields(line, &["client", "user", "route"])).collect();
    assert_eq!(named, [["127.0.0.1", user, "/vip"], ["192.0.2.7", user, "/vip"]]);
    assert!(told.iter().all(|line| line["id"].is_string()), "{told:#?}");
}

#[tokio::test]
async fn a_reload_and_a_stop_have_their_lines_and_a_hangup_opens_the_file_again() {
    let (app, elsewhere) = (Recorder::start().await, TempDir::new().unwrap());
    let file = elsewhere.path().join("audit.log");
    let config = setup::config(app.address()) + &LOG.replace("audit.log", file.to_str().unwrap());
    let program = Program::serve(&config);
    lines_in(&file, &["start"], 1).await;

    let old = elsewhere.path().join("audit.log.1");
    fs::rename(&file, &old).unwrap();
    program.reloaded(&config).await;
    lines_in(&file, &["reload"], 1).await;
    program.reload("listen: hunter2\n").await;
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("listen: {}\n", taken.local_addr().unwrap());
    program.reload(&config.replace("listen: 127.0.0.1:0\n", &address)).await;
    program.signal("TERM");
    setup::ended(program).await;

    let told = lines_in(&file, &["reload", "reload-refused", "stop", "start"], 4).await;
    let told: Vec<_> = told.iter().map(|line| fields(line, &["event", "cause"])).collect();
    let refused = "reload-refused";
    assert_eq!(told, [["reload", "-"], [refused, "config"], [refused, "setup"], ["stop", "-"]]);
    assert_eq!(fs::read_to_string(old).unwrap().lines().count(), 1);
}

#[tokio::test]
async fn a_wrong_admin_token_has_a_line_without_the_token() {
    let app = Recorder::start().await;
    let admin = "admin: { listen: 127.0.0.1:0, token: 4fJk0mVt9sQeYxW2bNcR7uHd1zGpLa6o5iTqXr8vKyE= }\n";
    let config = setup::config(app.address()).replace("admin: { listen: 127.0.0.1:0 }\n", admin);
    let program = Program::serve(&(config + LOG));
    let reload = |token| {
        let lines = format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: 0\r\n");
        exchange(program.admin(), format!("POST /reload HTTP/1.1\r\nHost: a\r\n{lines}\r\n"))
    };

    assert_eq!(reload("hunter2").await.unwrap().status(), 401);
    assert_eq!(reload("4fJk0mVt9sQeYxW2bNcR7uHd1zGpLa6o5iTqXr8vKyE=").await.unwrap().status(), 200);

    let told = lines(&program, &["admin-refused", "reload"], 2).await;
    let causes: Vec<_> = told.iter().map(|line| fields(line, &["event", "cause"])).collect();
    assert_eq!(causes, [["admin-refused", "not-authorized"], ["reload", "-"]]);
    let text = fs::read_to_string(program.folder().join("audit.log")).unwrap();
    assert!(!text.contains("hunter2") && !text.contains("4fJk0m"), "{text}");
}

#[tokio::test]
async fn lines_go_to_a_socket_too_and_requests_have_ids_for_this_log_alone() {
    let (app, folder) = (Recorder::start().await, TempDir::new().unwrap());
    let listener = UnixDatagram::bind(folder.path().join("a.sock")).unwrap();
    listener.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let program =
        Program::serve_from(folder, &(setup::config(app.address()) + &LOG.replace("audit.log", "'unix:a.sock'")));
    let answer = exchange(program.address(), get("/", SPOOF)).await.unwrap();
    let told = spawn_blocking(move || {
        let mut datagram = [0; 1000];
        [(), ()].map(|()| {
            let length = listener.recv(&mut datagram).unwrap();
            serde_json::from_slice::<Value>(&datagram[..length]).unwrap()
        })
    });
    let [start, spoof] = told.await.unwrap();
    assert_eq!((&start["event"], &spoof["event"]), (&"start".into(), &"spoof".into()));
    assert_eq!(spoof["id"], answer.one("x-request-id").unwrap());
    assert_eq!(app.take()[0].one("x-request-id"), answer.one("x-request-id"));
}

#[test]
fn a_file_that_cannot_be_opened_stops_the_start() {
    let folder = TempDir::new().unwrap();
    std::os::unix::fs::symlink("/proc/none/a.log", folder.path().join("audit.log")).unwrap();
    let mut command = setup::command(&folder, &(setup::config(([127, 0, 0, 1], 9).into()) + LOG));
    let output = command.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("config.yaml:4:21: log.audit.to: the file cannot be opened: "), "{errors}");
}
