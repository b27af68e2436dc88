//! What a line tells of paths and of users.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use tempfile::TempDir;
use truegate::simulator::{Call, Simulator};

use super::{
    super::{
        sessions::Site,
        setup::{self, CALLBACK},
        support::{
            edge::sessions::{Need, Sessions},
            program::Program,
            raw::get,
            recorder::Recorder,
        },
    },
    LOG, ask, fields, lines, lines_of,
};

#[tokio::test]
async fn a_path_is_told_as_the_operator_chooses_and_no_secret_one_ever() {
    let sessions = Sessions {
        rules: vec![("/account", Need::Required), ("/orders", Need::Required), ("/", Need::Optional)],
        ..Sessions::usual()
    };
    let decoded = CALLBACK.replace('-', "%2d");
    for (mode, account, public, unknown) in
        [("none", "-", "-", "-"), ("rule", "/account", "/", "/"), ("full", "/account/7/invoice", "/a%20b;c=d", "/x")]
    {
        let log = format!("log: {{ access: {{ to: access.log, path: {mode} }} }}\n");
        let site = Site::open(&sessions, "", &log).await;
        let own = |path: &'static str| if mode == "none" { "-" } else { path };
        let table = [
            ("/account/7/invoice?secret-query", account),
            ("/a%20b;c=d?secret-query", public),
            ("/x", unknown),
            (CALLBACK, own("callback")),
            (&format!("{CALLBACK}/"), own("callback")),
            (&decoded, own("callback")),
            (&format!("{CALLBACK}/more"), if mode == "rule" { "/" } else { own("callback") }),
            ("/.truegate/login?next=/secret-query", own("/.truegate/login")),
            ("/.truegate/status?request_id=secret-query", own("/.truegate/status")),
            ("/.truegate/auth/secret-path", own("/.truegate/auth")),
            ("/.truegate/secret-path", own("/.truegate/*")),
        ];
        let lines = lines_of(&site.program, table.iter().map(|(target, _)| get(target, ""))).await;
        let told: Vec<_> = lines.iter().map(|line| fields(line, &["path"])).collect();
        assert_eq!(told, table.map(|(_, path)| [path]), "{mode}");
        let text = fs::read_to_string(site.program.folder().join("access.log")).unwrap();
        assert!(!text.contains("secret-") && !text.contains("unguessable"), "{text}");
    }
}

#[tokio::test]
async fn the_rule_is_the_one_that_matches_even_if_all_rules_do_the_same() {
    let sessions = Sessions { rules: vec![("/a", Need::Required), ("/b", Need::Required)], ..Sessions::usual() };
    let site = Site::open(&sessions, "", LOG).await;
    let lines = lines_of(&site.program, ["/a/1", "/b/2", "/c"].map(|path| get(path, ""))).await;
    let told: Vec<_> = lines.iter().map(|line| fields(line, &["path", "status", "refusal"])).collect();
    assert_eq!(told, [["/a", "401", "not-signed-in"], ["/b", "401", "not-signed-in"], ["-", "401", "not-signed-in"]]);
}

#[tokio::test]
async fn the_lines_of_a_user_are_found_by_the_name_of_the_number() {
    let sessions = Sessions {
        rules: vec![("/vip", Need::Listed(vec!["+919999900009"])), ("/", Need::Optional)],
        ..Sessions::usual()
    };
    let site = Site::open(&sessions, "", LOG).await;
    let visitor = site.signed_in().await;
    let cookie = format!("Cookie: __Host-truegate={}\r\n", visitor.cookie("__Host-truegate").unwrap());
    let program = &site.program;
    // The login, its callback and its status.
    let before = lines(program, 3).await.len();
    let mut told = Vec::new();
    for (path, cookie) in
        [("/", &*cookie), ("/vip", &cookie), ("/.truegate/me", &cookie), ("/.truegate/auth", &cookie), ("/", "")]
    {
        ask(program, get(path, cookie)).await;
        told = lines(program, before + told.len() + 1).await.split_off(before);
    }

    let config = site.program.folder().join("config.yaml");
    let phone =
        site.app.seen().iter().find_map(|request| request.one("x-truecaller-phone").map(str::to_owned)).unwrap();
    let (code, names, _) = name_users(&config, &format!("{phone}\n{}\n", phone.trim_start_matches('+')));

    assert_eq!(code, Some(0));
    let [name, same] = names.lines().collect::<Vec<_>>()[..] else { panic!("{names}") };
    assert_eq!(name, same);
    let log = fs::read_to_string(site.program.folder().join("access.log")).unwrap();
    let told: Vec<_> = told.iter().map(|line| fields(line, &["status", "user"])).collect();
    assert_eq!(told, [["200", name], ["403", name], ["200", name], ["200", name], ["200", "-"]]);
    assert!(!log.contains(phone.trim_start_matches("+91")), "{log}");
}

/// Runs `truegate keys user`; returns the exit code and what it printed.
fn name_users(config: &PathBuf, input: &str) -> (Option<i32>, String, String) {
    let folder = TempDir::new().unwrap();
    let numbers = folder.path().join("numbers");
    fs::write(&numbers, input).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_truegate"));
    let command = command.args(["keys", "user", "--config"]).arg(config);
    let output = command.stdin(Stdio::from(fs::File::open(numbers).unwrap())).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_number_is_named_only_by_a_key_and_if_it_is_one() {
    let folder = TempDir::new().unwrap();
    for (log, input, message) in [
        ("", "+919999900001\n", "truegate keys: the configuration has no `log.user_key`"),
        (LOG, "+919999900001\nhunter2\n", "truegate keys: line 2 is not a phone number"),
    ] {
        setup::command(&folder, &(setup::config(([127, 0, 0, 1], 9).into()) + log));
        let (code, _, errors) = name_users(&folder.path().join("config.yaml"), input);
        assert_eq!(code, Some(1));
        assert!(errors.starts_with(message) && !errors.contains("hunter2"), "{errors}");
    }
    let (code, _, errors) = name_users(&PathBuf::from("-"), LOG);
    assert_eq!(code, Some(1));
    assert!(errors.starts_with("truegate keys: the standard input has the numbers"), "{errors}");
}

#[tokio::test]
async fn without_a_key_a_start_has_names_of_its_own() {
    let truecaller = Simulator::start().await.unwrap();
    let app = Recorder::start().await;
    let mut names = Vec::new();
    for _ in 0..2 {
        let log = "log: { access: { to: access.log } }\n";
        let program = Program::serve(&(setup::config(app.address()) + &setup::truecaller(&truecaller) + log));
        let url = format!("http://{}{CALLBACK}", program.address());
        for _ in 0..2 {
            truecaller.call(&url, Call::grant()).await.unwrap();
        }
        let lines = lines(&program, 2).await;
        assert_eq!(lines[0]["user"], lines[1]["user"]);
        names.push(lines[0]["user"].clone());
    }
    assert_ne!(names[0], names[1]);
}
