//! `POST /reload` and `truegate reload`: the same as SIGHUP, answered when it is done.

use std::{fs, net::TcpListener as StdListener, process::Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{
    command_line::truegate,
    operators::{JSON, act, bearer, command, told},
    reload::app,
    setup,
    support::{port::Port, program::Program, raw, site_login::TOKEN},
};

async fn reload(program: &Program, config: &str) -> (u16, Value) {
    fs::write(program.folder().join("config.yaml"), config).unwrap();
    let answer = act(program.admin(), "/reload", JSON, "").await;
    assert_eq!(answer.one("content-type"), Some("application/json"), "{}", answer.text());
    (answer.status(), serde_json::from_slice(&answer.body).unwrap())
}

async fn text(program: &Program) -> String {
    raw::exchange(program.address(), raw::get("/", "")).await.unwrap().text()
}

#[tokio::test]
async fn the_answer_comes_when_the_configuration_is_in_force() {
    let apps = [app("one").await, app("two").await];
    let program = Program::serve(&setup::config(apps[0].address()));
    for (app, name) in [(&apps[1], "two"), (&apps[0], "one"), (&apps[1], "two")] {
        let (status, report) = reload(&program, &setup::config(app.address())).await;
        assert_eq!((status, &report["valid"]), (200, &true.into()), "{report:#}");
        assert_eq!(text(&program).await, name);
    }
    let needs_restart = setup::config(apps[0].address()) + "server: { threads: 3 }\n";
    let (status, report) = reload(&program, &needs_restart).await;
    let found = report["findings"].as_array().unwrap().iter().find(|found| found["key"] == "server.threads").unwrap();
    assert_eq!((status, &found["severity"]), (200, &"warning".into()));
    assert_eq!((&found["line"], &found["column"]), (&4.into(), &11.into()));
    assert_eq!(found["message"], "changed, but only a restart puts it in force");
    assert_eq!(found["advice"], "restart the gateway");
}

#[tokio::test]
async fn mistakes_are_told_as_a_check_tells_them() {
    let app = app("ok").await;
    let program = Program::serve(&setup::config(app.address()));
    let wrong = "listen: 127.0.0.1:0\nupstream: hunter2\nlog:\n  levle: info\nhsts: { max_age: hunter2 }\n";

    let (status, report) = reload(&program, wrong).await;

    let path = program.folder().join("config.yaml");
    let checked = truegate(&["check", "--format", "json", path.to_str().unwrap()]).await;
    assert_eq!((status, report), (422, serde_json::from_slice(&checked.stdout).unwrap()));
    assert_eq!(text(&program).await, "ok");
    program.told(&["not reloaded; the previous configuration stays in force"], 1).await;

    let taken = StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let taken = StdListener::bind(taken).unwrap();
    let busy = setup::config(app.address())
        .replace("listen: 127.0.0.1:0\nadmin", &format!("listen: {}\nadmin", taken.local_addr().unwrap()));
    let (status, report) = reload(&program, &busy).await;
    let found = &report["findings"][0];
    assert_eq!((status, &found["severity"], &found["key"]), (422, &"error".into(), &"".into()));
    assert!(found["message"].as_str().unwrap().contains("cannot listen on"), "{report:#}");
    assert_eq!(text(&program).await, "ok");
}

#[tokio::test]
async fn many_at_once_are_done_one_after_the_other() {
    let (before, after) = (app("before").await, app("after").await);
    let program = Program::serve(&setup::config(before.address()));
    fs::write(program.folder().join("config.yaml"), setup::config(after.address())).unwrap();
    let ask = || act(program.admin(), "/reload", JSON, "");
    let (one, two, three, four, _) = tokio::join!(ask(), ask(), ask(), ask(), async { program.signal("HUP") });
    assert_eq!([one, two, three, four].map(|answer| answer.status()), [200; 4]);
    program.told(&[r#""message":"reloaded""#], 5).await;
    assert_eq!(text(&program).await, "after");
}

#[tokio::test]
async fn a_listener_that_moves_answers_the_request_that_moved_it() {
    let app = app("ok").await;
    let program = Program::serve(&setup::config(app.address()));
    let port = Port::reserve();
    let moved =
        setup::config(app.address()).replace("127.0.0.1:0 }", &format!("'{}', token: '{TOKEN}' }}", port.address()));
    assert_eq!(reload(&program, &moved).await.0, 200);
    let refused = act(port.address(), "/reload", JSON, "").await;
    assert_eq!(refused.status(), 401, "the token is in force, too");
    assert_eq!(act(port.address(), "/reload", &(JSON.to_owned() + &bearer(TOKEN)), "").await.status(), 200);
}

#[tokio::test]
async fn the_standard_input_is_read_once() {
    let (app, folder) = (app("ok").await, TempDir::new().unwrap());
    let path = folder.path().join("config.yaml");
    fs::write(&path, setup::config(app.address())).unwrap();
    let mut serve = std::process::Command::new(env!("CARGO_BIN_EXE_truegate"));
    serve.args(["serve", "--config", "-"]).env_remove("RUST_LOG").stdin(Stdio::from(fs::File::open(path).unwrap()));
    let program = Program::start(serve, folder);

    let refused = act(program.admin(), "/reload", JSON, "").await;

    assert_eq!((refused.status(), &*refused.code()), (409, "no-configuration-file"));
    let (code, _, errors) = told(&command("reload", &format!("listen: '{}'", program.admin())).await);
    assert_eq!(code, Some(1));
    assert!(errors.contains("came from the standard input, which cannot be read again"), "{errors}");
}

#[tokio::test]
async fn the_command_tells_by_its_exit_code_how_it_ended() {
    let apps = [app("one").await, app("two").await];
    let config = |app: usize| {
        let admin = format!("listen: 127.0.0.1:0, token: '{TOKEN}'");
        setup::config(apps[app].address()).replace("listen: 127.0.0.1:0 }", &format!("{admin} }}"))
            + "callback: { path: '${THE_PATH}' }\n"
    };
    let folder = TempDir::new().unwrap();
    let mut serve = setup::command(&folder, &config(0));
    serve.env("THE_PATH", setup::CALLBACK);
    let program = Program::start(serve, folder);
    let admin = format!("listen: '{}', token: '{TOKEN}'", program.admin());
    let path = program.folder().join("config.yaml");

    fs::write(&path, config(1) + "server: { threads: 3 }\n").unwrap();
    let (code, out, errors) = told(&command("reload", &admin).await);
    assert_eq!((code, &*out), (Some(0), "reloaded\n"), "{errors}");
    let warning = "warning: server.threads: changed, but only a restart puts it in force (restart the gateway)";
    assert_eq!(errors, format!("{}:5:11: {warning}\n", path.display()));
    assert_eq!(text(&program).await, "two");

    fs::write(&path, config(0) + "log: { levle: info }\n").unwrap();
    let (code, out, errors) = told(&command("reload", &admin).await);
    assert_eq!((code, &*out), (Some(2), ""));
    let (first, last) = errors.split_once('\n').unwrap();
    assert!(first.starts_with(&format!("{}:", path.display())) && first.contains("log.levle: unknown key"), "{errors}");
    assert_eq!(last, "truegate reload: not reloaded; the previous configuration stays in force\n");
    assert_eq!(text(&program).await, "two");

    let listen = format!("listen: '{}'", program.admin());
    for (admin, code, words) in [
        (listen.clone(), 1, "the gateway has another `admin.token` than this configuration"),
        (format!("{listen}, token: '{}'", TOKEN.to_lowercase()), 1, "the gateway has another `admin.token`"),
        (format!("listen: '{}'", Port::reserve().address()), 1, "no gateway answers at"),
        (format!("{listen}, token: short"), 2, "admin.token: must be at least 32"),
    ] {
        let (exit, out, errors) = told(&command("reload", &admin).await);
        assert_eq!((exit, &*out), (Some(code), ""), "{errors}");
        assert!(errors.contains(words) && !errors.contains(TOKEN), "{errors}");
    }
}
