//! Another configuration while requests come: it is in force for the next of them, or nothing has changed.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use http::Request;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::spawn_blocking};

use super::{
    admin::metrics,
    setup::{self, Talk},
    support::{program::Program, raw, recorder::Recorder},
    tls::{Http2, LISTEN, Pair, body, serve, text},
};

#[tokio::test]
async fn the_next_request_of_an_open_connection_is_served_by_the_new_configuration() {
    let pair = Pair::new();
    let (before, after) = (app("before").await, app("after").await);
    let config = |app: &Recorder| format!("{LISTEN}{}", setup::config_without_listener(app.address()));
    let program = serve(&pair, &setup::config_without_listener(before.address()));
    let mut http_1 = Talk::over(pair.connect(program.address(), &["http/1.1"]).await.unwrap());
    let mut http_2 = Http2::connect(&pair, program.address()).await;
    for (app, name) in [(&before, "before"), (&after, "after"), (&before, "before")] {
        program.reloaded(&config(app)).await;
        for _ in 0..2 {
            http_1.say(raw::get("/", "")).await;
            assert_eq!(http_1.message().await.text(), name);
            let request = Request::get("https://app.example/").body(body("")).unwrap();
            assert_eq!(text(http_2.send(request).await).await, name);
        }
    }
}

#[tokio::test]
async fn what_a_configuration_says_of_a_request_is_of_one_piece() {
    let (app, pair) = (app("ok").await, Pair::new());
    let site = |callback: &str, more: &str| {
        format!("{LISTEN}{}callback: {{ path: /{callback} }}\n{more}", setup::config_without_listener(app.address()))
    };
    let program = serve(&pair, &site("one", "").replace(LISTEN, ""));
    let ask = async |path: &str| {
        let mut client = Talk::over(pair.connect(program.address(), &["http/1.1"]).await.unwrap());
        client.say(raw::get(path, "X-Forwarded-For: 192.0.2.1\r\n")).await;
        client.message().await
    };
    assert_eq!(ask("/one").await.status(), 405);
    let trusting = site("two", "trusted_proxies: [127.0.0.1]\nhsts: { max_age: 2d }\n");
    program.reloaded(&trusting).await;
    let answers = [ask("/one").await, ask("/two").await];
    assert_eq!(answers.each_ref().map(raw::Message::status), [200, 405]);
    assert_eq!(answers[0].one("strict-transport-security"), Some("max-age=172800"));
    assert_eq!(app.take().pop().unwrap().one("x-forwarded-for"), Some("192.0.2.1"));

    program.reloaded(&site("one", "")).await;

    let answers = [ask("/one").await, ask("/two").await];
    assert_eq!(answers.each_ref().map(raw::Message::status), [405, 200]);
    assert_eq!(answers[1].one("strict-transport-security"), None);
    assert_eq!(app.take().pop().unwrap().one("x-forwarded-for"), Some("127.0.0.1"));
}

#[tokio::test]
async fn a_request_in_flight_is_finished_under_the_configuration_that_it_came_under() {
    let (listener, after) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), app("after").await);
    let program = Program::serve(&setup::config(listener.local_addr().unwrap()));
    let mut client = Talk::connect(program.address()).await;
    client.say(raw::get("/slow", "")).await;
    let mut app = Talk::accept(&listener).await;
    app.message().await;

    program.reloaded(&setup::config(after.address())).await;
    assert_eq!(raw::exchange(program.address(), raw::get("/", "")).await.unwrap().text(), "after");
    app.say("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nbefore").await;

    assert_eq!(client.message().await.text(), "before");
    client.say(raw::get("/", "")).await;
    assert_eq!(client.message().await.text(), "after");
}

#[tokio::test]
async fn a_configuration_with_mistakes_changes_nothing_and_every_place_is_told() {
    let app = app("ok").await;
    let config = setup::config(app.address());
    let program = Program::serve(&config);
    let path = program.folder().join("config.yaml").display().to_string();
    let before = metrics(program.admin()).await;
    let wrong = "listen: 127.0.0.1:0\nupstream: hunter2\nlog:\n  levle: info\nhsts: { max_age: hunter2 }\n";

    let end = program.reload(wrong).await;

    assert_eq!(end["message"], "not reloaded; the previous configuration stays in force");
    for place in [":2:11: upstream: ", ":4:3: log.levle: unknown key", ":5:18: hsts.max_age: "] {
        program.told(&[r#""level":"ERROR""#, &format!("{path}{place}")], 1).await;
    }
    assert!(!program.log().join("").contains("hunter2"), "no value is repeated: {:#?}", program.log());
    assert_eq!(raw::exchange(program.address(), raw::get("/", "")).await.unwrap().text(), "ok");
    let counts = metrics(program.admin()).await;
    assert_eq!(counts["truegate_config_last_reload_successful"], 0.0);
    let time = "truegate_config_last_reload_success_timestamp_seconds";
    assert!(counts[time] == before[time] && before[time] > 0.0, "{counts:#?}");

    program.reloaded(&config).await;
    assert_eq!(metrics(program.admin()).await["truegate_config_last_reload_successful"], 1.0);
}

#[tokio::test]
async fn a_file_that_is_gone_or_that_a_configuration_names_in_vain_changes_nothing() {
    let (app, pair) = (app("ok").await, Pair::new());
    let config = format!("{LISTEN}{}", setup::config_without_listener(app.address()));
    let program = serve(&pair, &setup::config_without_listener(app.address()));
    let key = program.folder().join("key.pem");
    fs::rename(&key, program.folder().join("moved.pem")).unwrap();
    assert_ne!(program.reload(&config).await["message"], "reloaded");
    program.told(&["listen.key: ", "config.yaml:1:"], 1).await;
    fs::rename(program.folder().join("moved.pem"), &key).unwrap();

    program.reloaded(&config).await;
    fs::remove_file(program.folder().join("config.yaml")).unwrap();
    program.signal("HUP");

    program.told(&["not reloaded"], 2).await;
    let mut client = Talk::over(pair.connect(program.address(), &[]).await.unwrap());
    client.say(raw::get("/", "")).await;
    assert_eq!(client.message().await.text(), "ok");
}

#[tokio::test]
async fn settings_that_need_a_restart_are_named_and_so_are_likely_mistakes() {
    let app = app("ok").await;
    let config = setup::config(app.address()) + "server: { threads: 1 }\n";
    let program = Program::serve(&config);
    program.reloaded(&config).await;
    assert!(!program.log().join("").contains("restart"), "{:#?}", program.log());

    let other = setup::config(app.address()) + "server: { threads: 3 }\nlog: { format: json, level: warn }\n";
    fs::write(program.folder().join("config.yaml"), &other).unwrap();
    program.signal("HUP");

    for key in ["server.threads", "log.format"] {
        program.told(&[r#""level":"WARN""#, key, "only a restart puts it in force"], 1).await;
    }
    program.told(&["callback.path: can be guessed"], 3).await;
    let workers = program.threads().into_iter().filter(|name| name.starts_with("worker-")).count();
    assert_eq!(workers, 1);
    let told = program.log().iter().filter(|line| line.contains(r#""message":"reloaded""#)).count();
    assert_eq!(told, 1, "the new level is in force");
}

#[tokio::test]
async fn the_standard_input_cannot_be_read_again() {
    let (app, folder) = (app("ok").await, TempDir::new().unwrap());
    let path = folder.path().join("config.yaml");
    fs::write(&path, setup::config(app.address())).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_truegate"));
    command.args(["serve", "--config", "-"]).env_remove("RUST_LOG").stdin(fs::File::open(path).unwrap());
    let program = Program::start(command, folder);

    program.signal("HUP");

    program.told(&["the standard input, which cannot be read again"], 1).await;
    assert_eq!(raw::exchange(program.address(), raw::get("/", "")).await.unwrap().text(), "ok");
}

#[tokio::test]
async fn a_hangup_that_comes_while_a_configuration_is_read_counts_too() {
    let (before, after) = (app("before").await, app("after").await);
    let config = setup::config(before.address());
    let program = Program::serve(&config);
    let mut pipe = read_from_a_pipe(&program).await;
    (0..20).for_each(|_| program.signal("HUP"));
    let (path, next) = (program.folder().join("config.yaml"), program.folder().join("next.yaml"));
    fs::write(&next, setup::config(after.address())).unwrap();
    fs::rename(next, path).unwrap();

    pipe.write_all(config.as_bytes()).unwrap();
    drop(pipe);

    program.told(&[r#""message":"reloaded""#], 2).await;
    assert_eq!(raw::exchange(program.address(), raw::get("/", "")).await.unwrap().text(), "after");
    program.signal("HUP");
    program.signal("TERM");
    assert_eq!(setup::ended(program).await.0.code(), Some(0));
}

#[tokio::test]
async fn a_configuration_that_does_not_end_keeps_no_gateway_from_its_end() {
    let app = app("ok").await;
    let program = Program::serve(&setup::config(app.address()));
    let _pipe = read_from_a_pipe(&program).await;
    assert_eq!(raw::exchange(program.address(), raw::get("/", "")).await.unwrap().text(), "ok");
    program.signal("TERM");
    assert_eq!(setup::ended(program).await.0.code(), Some(0));

    let folder = TempDir::new().unwrap();
    let mut command = setup::command(&folder, "");
    let path = pipe(folder.path());
    let mut child = command.spawn().unwrap();
    let _pipe = spawn_blocking(|| fs::File::options().write(true).open(path)).await.unwrap().unwrap();
    assert!(std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    let ended = spawn_blocking(move || child.wait());
    assert_eq!(raw::within(ended).await.unwrap().unwrap().code(), Some(0));
}

/// Puts a pipe in the place of the configuration in a folder.
fn pipe(folder: &Path) -> PathBuf {
    let path = folder.join("config.yaml");
    fs::remove_file(&path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

/// Asks for a reload from a pipe, and waits until that reads.
async fn read_from_a_pipe(program: &Program) -> fs::File {
    let path = pipe(program.folder());
    program.signal("HUP");
    let opened = spawn_blocking(|| fs::File::options().write(true).open(path));
    raw::within(opened).await.unwrap().unwrap()
}

/// An app that says its name.
pub(crate) async fn app(name: &str) -> Recorder {
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{name}", name.len());
    Recorder::answering(Box::leak(answer.into_boxed_str())).await
}
