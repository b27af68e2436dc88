//! Exit codes and what is printed with them.

use std::{
    fs::File,
    net::TcpListener as StdListener,
    path::Path,
    process::{Output, Stdio},
};

use tempfile::TempDir;
use tokio::{io::AsyncWriteExt as _, process::Command};

use super::{
    setup,
    support::{program::Program, raw::within},
    tls::Pair,
};

pub(crate) async fn truegate(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_truegate"));
    within(command.args(arguments).current_dir("/").kill_on_drop(true).output()).await.unwrap()
}

/// `check` with a configuration, and with these files beside it.
async fn check(config: &str, files: &[(&str, &str)]) -> Output {
    let folder = TempDir::new().unwrap();
    setup::command(&folder, config);
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    truegate(&["check", "--config", folder.path().join("config.yaml").to_str().unwrap()]).await
}

/// The rules in force, as `check` prints them for a valid configuration.
pub(crate) async fn in_force(config: &str) -> String {
    let text = String::from_utf8(check(config, &[]).await.stdout).unwrap();
    text.rsplit_once("\n\n").expect("there are rules in force").1.to_owned()
}

/// `serve` with a configuration that does not let it run.
async fn serve(config: &str) -> (Option<i32>, String) {
    let folder = TempDir::new().unwrap();
    let mut command = Command::from(setup::command(&folder, config));
    let output = within(command.kill_on_drop(true).output()).await.unwrap();
    assert!(output.stdout.is_empty());
    let errors = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), errors.replace(&folder.path().display().to_string(), ""))
}

#[tokio::test]
async fn every_subcommand_has_its_help() {
    let overview = truegate(&["--help"]).await;
    assert_eq!(overview.status.code(), Some(0));
    let overview = String::from_utf8(overview.stdout).unwrap();
    let (_, commands) = overview.split_once("Commands:\n").unwrap();
    let commands = commands.lines().take_while(|line| !line.is_empty());
    let names: Vec<_> = commands.map(|line| line.split_whitespace().next().unwrap()).collect();
    for known in ["serve", "health", "reload", "revoke", "check", "config", "keys", "simulate"] {
        assert!(names.contains(&known), "{overview}");
    }
    for name in names.iter().filter(|name| **name != "help") {
        let help = truegate(&[name, "--help"]).await;
        assert_eq!(help.status.code(), Some(0), "{name}");
        let help = String::from_utf8(help.stdout).unwrap();
        assert!(help.contains(&format!("truegate {name}")), "{help}");
        assert!(overview.contains(help.lines().next().unwrap().trim_end_matches('.')), "{help}");
    }
    assert_eq!(truegate(&["--version"]).await.status.code(), Some(0));
}

#[tokio::test]
async fn the_manual_tells_of_the_released_commands_alone() {
    let folder = TempDir::new().unwrap();
    let output = truegate(&["manual", folder.path().to_str().unwrap()]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for name in
        ["truegate.1", "truegate-serve.1", "truegate-keys-secret.1", "truegate.bash", "truegate.fish", "_truegate"]
    {
        assert!(folder.path().join(name).is_file(), "{name} is missing");
    }
    for file in std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()) {
        let text = std::fs::read_to_string(&file).unwrap();
        let for_development =
            ["simulate", "demo", "manual"].into_iter().find(|name| text.contains(&format!("truegate-{name}")));
        assert!(text.contains("truegate") && for_development.is_none(), "{}: {for_development:?}", file.display());
    }
}

#[tokio::test]
async fn unknown_arguments_exit_with_2() {
    for arguments in [
        &[][..],
        &["nonsense"],
        &["--nonsense"],
        &["serve", "--nonsense"],
        &["serve", "config.yaml"],
        &["serve", "--config"],
        &["check", "--config", "a", "--config", "b"],
        &["check", "--config", "a", "b"],
        &["check", "a", "b"],
        &["simulate", "--nonsense"],
        &["config"],
        &["config", "nonsense"],
        &["keys"],
        &["keys", "nonsense"],
        &["keys", "secret", "--output"],
    ] {
        let output = truegate(arguments).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_configuration_that_is_not_there_exits_with_2() {
    for (command, code) in [("serve", 2), ("check", 2), ("reload", 2), ("revoke", 2), ("health", 1)] {
        for arguments in [&[command][..], &[command, "--config", "/none/config.yaml"]] {
            let output = truegate(arguments).await;
            assert_eq!(output.status.code(), Some(code), "{arguments:?}");
            let errors = String::from_utf8(output.stderr).unwrap();
            assert!(errors.contains("config.yaml: cannot be read: No such file"), "{errors}");
            assert_eq!(errors.lines().count(), 1, "{errors}");
        }
    }
}

#[tokio::test]
async fn a_configuration_is_named_by_an_option_or_for_check_alone() {
    let folder = TempDir::new().unwrap();
    setup::command(&folder, "upstream: nowhere\n");
    for arguments in [
        &["serve"][..],
        &["serve", "-c", "config.yaml"],
        &["serve", "--config=config.yaml"],
        &["check"],
        &["check", "-c", "config.yaml"],
        &["check", "config.yaml"],
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_truegate"));
        let output = within(command.args(arguments).current_dir(folder.path()).output()).await.unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.starts_with("config.yaml:1:11: upstream: "), "{arguments:?}: {errors}");
    }
}

#[tokio::test]
async fn a_configuration_may_come_from_the_standard_input() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("path"), setup::CALLBACK).unwrap();
    let valid = "upstream: http://127.0.0.1:3000\ncallback: { path: '${file:path}' }\n";
    for (arguments, input, code, printed) in [
        (&["check", "--config", "-"][..], valid, 0, "<stdin>: valid\n"),
        (&["check", "-"], valid, 0, "<stdin>: valid\n"),
        (&["check", "-c", "-"], "upstream: nowhere\n", 2, "<stdin>:1:11: upstream: "),
        (&["serve", "-c", "-"], "\nupstream: nowhere\n", 2, "<stdin>:2:11: upstream: "),
        (&["check", "-"], "", 2, "<stdin>:1:1: upstream: missing "),
    ] {
        std::fs::write(folder.path().join("input"), input).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_truegate"));
        command.args(arguments).current_dir(folder.path()).stdin(File::open(folder.path().join("input")).unwrap());
        let output = within(command.output()).await.unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        let said = if code == 0 { output.stdout } else { output.stderr };
        let said = String::from_utf8(said).unwrap();
        assert!(said.starts_with(printed), "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn the_default_configuration_and_the_schema_are_printed() {
    let printed = truegate(&["config", "default"]).await;
    assert_eq!(printed.status.code(), Some(0));
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), include_str!("../../config.yaml"));

    let printed = truegate(&["config", "schema"]).await;
    assert_eq!(printed.status.code(), Some(0));
    let schema: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(schema["properties"]["callback"]["properties"]["deadline"]["default"], "2500ms");
}

#[tokio::test]
async fn the_page_of_the_configuration_is_made_from_the_schema() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema = truegate(&["config", "schema"]).await.stdout;
    let mut command = Command::new("python3");
    command.arg("scripts/books/configuration.py").current_dir(root).kill_on_drop(true);
    let mut script = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    script.stdin.take().unwrap().write_all(&schema).await.unwrap();

    let page = within(script.wait_with_output()).await.unwrap().stdout;

    let kept = std::fs::read(root.join("docs/configuration.md")).unwrap();
    assert!(page == kept, "docs/configuration.md is not what the schema says: CONTRIBUTING.md tells how it is made");
}

#[tokio::test]
async fn every_mistake_is_printed_before_anything_listens() {
    let wrong = "listen: nowhere\ncallback: { deadline: soon }\nlog: { levle: info }\nupstream: localhost\n";
    let places = ["/config.yaml:1:9: listen: ", ":2:23: callback.deadline: ", ":3:8: log.levle: ", ":4:11: upstream: "];
    let folder = TempDir::new().unwrap();
    setup::command(&folder, wrong);
    let path = folder.path().join("config.yaml");

    let checked = truegate(&["check", "--config", path.to_str().unwrap()]).await;
    let (code, served) = serve(wrong).await;

    assert_eq!((checked.status.code(), code), (Some(2), Some(2)));
    for errors in [String::from_utf8(checked.stderr).unwrap(), served] {
        assert_eq!(errors.lines().count(), places.len(), "{errors}");
        for (line, place) in errors.lines().zip(places) {
            assert!(line.contains(place), "{place} in {line}");
        }
    }
}

#[tokio::test]
async fn mistakes_are_printed_with_their_lines_or_as_json() {
    let wrong = "upstream: localhost\nlog: { levle: info }\ncallback: { path: secret-canary, deadline: 5 }\n";
    let folder = TempDir::new().unwrap();
    setup::command(&folder, wrong);
    let run = async |arguments: &[&str], colors: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_truegate"));
        command.args(arguments).arg("config.yaml").current_dir(folder.path()).env(colors, "1");
        within(command.output()).await.unwrap()
    };
    let output = run(&["check", "--format", "text"], "NO_COLOR").await;
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let printed = String::from_utf8(output.stderr).unwrap();
    for expected in [
        "error: config.yaml:1:11: upstream: must start with ",
        "\n  |\n1 | upstream: localhost\n  |           ^^^^^^^^^\n",
        "error: config.yaml:2:8: log.levle: unknown key (did you mean `level`?)\n  |\n2 | log: { levle: … }\n  |        ^^^^^\n",
        "\n  |\n3 | callback: { path: …, deadline: 5 }\n  |                   ^\n",
    ] {
        assert!(printed.contains(expected), "{expected}\n{printed}");
    }
    let colored = String::from_utf8(run(&["check", "--format", "text"], "CLICOLOR_FORCE").await.stderr).unwrap();
    assert!(colored.contains("\u{1b}[") && !printed.contains("\u{1b}["), "{colored}");

    let output = run(&["check", "--format", "json"], "CLICOLOR_FORCE").await;
    assert_eq!((output.status.code(), output.stderr.len()), (Some(2), 0));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["file"], &report["valid"]), (&"config.yaml".into(), &false.into()));
    assert_eq!(report["findings"].as_array().unwrap().len(), 4);
    assert_eq!(
        report["findings"][1],
        serde_json::json!({
            "severity": "error", "file": "config.yaml", "line": 2, "column": 8, "key": "log.levle",
            "message": "unknown key", "advice": "did you mean `level`?",
        })
    );
    assert!(!(printed + &colored + &report.to_string()).contains("canary"));
}

#[tokio::test]
async fn warnings_and_missing_files_have_the_same_form_as_mistakes() {
    let folder = TempDir::new().unwrap();
    setup::command(&folder, "upstream: http://127.0.0.1:9\ncallback:\n  path: /truecaller/our-shop\n");
    let path = folder.path().join("config.yaml");
    let path = path.to_str().unwrap();

    let text = truegate(&["check", "--format", "text", path]).await;
    let json = truegate(&["check", "--format", "json", path]).await;
    let missing = truegate(&["check", "--format", "json", "/none.yaml"]).await;

    let printed = String::from_utf8(text.stderr).unwrap();
    assert!(printed.starts_with(&format!("warning: {path}:3:3: callback.path: can be guessed, ")), "{printed}");
    assert!(printed.ends_with("\n  |\n3 |   path: …\n  |   ^^^^\n"), "{printed}");
    let report: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((json.status.code(), &report["valid"]), (Some(0), &true.into()));
    let warning = &report["findings"][0];
    assert_eq!((&warning["severity"], &warning["line"]), (&"warning".into(), &3.into()), "{warning}");
    let report: serde_json::Value = serde_json::from_slice(&missing.stdout).unwrap();
    assert_eq!((missing.status.code(), &report["findings"][0]["line"]), (Some(2), &serde_json::Value::Null));
}

#[tokio::test]
async fn a_rule_with_the_callback_path_is_told_of_and_not_shown() {
    let config = "upstream: http://127.0.0.1:9\ncallback: { path: '${TRUEGATE_CALLBACK_PATH}' }\nsession: \
        { public_url: 'https://a.example', secret: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=, partner: { key: k, name: n } }\n\
        routes:\n  - { access: public, exact: RULE }\n";
    for (path, code, finding) in [
        ("/hooks/x7Kq2vNf9TzR4mWb6pLd", 0, "warning: config.yaml:5:5: routes[0]: never applies, "),
        ("/hooks/%787Kq2vNf9TzR4mWb6pLd", 2, "error: config.yaml:5:30: routes[0].exact: must escape only "),
    ] {
        let folder = TempDir::new().unwrap();
        setup::command(&folder, &config.replace("RULE", path));
        let mut command = Command::new(env!("CARGO_BIN_EXE_truegate"));
        command.args(["check", "--format", "text", "config.yaml"]).current_dir(folder.path());
        command.env("TRUEGATE_CALLBACK_PATH", "/hooks/x7Kq2vNf9TzR4mWb6pLd");
        let output = within(command.output()).await.unwrap();

        let printed = String::from_utf8([output.stderr, output.stdout].concat()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{printed}");
        assert!(printed.contains(finding), "{printed}");
        assert!(printed.contains("\n5 |   - { access: public, exact: … }\n"), "{printed}");
        assert!(!printed.contains("7Kq2"), "{printed}");
    }
}

#[tokio::test]
async fn a_valid_configuration_is_said_to_be() {
    let folder = TempDir::new().unwrap();
    let config = format!("upstream: http://127.0.0.1:3000\ncallback: {{ path: {} }}\n", setup::CALLBACK);
    setup::command(&folder, &config);
    let path = folder.path().join("config.yaml");

    let output = truegate(&["check", "--config", path.to_str().unwrap()]).await;

    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("valid") && !text.contains("unguessable"), "{text}");
    assert!(text.ends_with(", and only callbacks carry an identity\n"), "{text}");
    assert!(output.stderr.is_empty());
    let with_app = check(&(config + "native: { client_id: an-id }\n"), &[]).await;
    let text = String::from_utf8(with_app.stdout).unwrap();
    let carriers = ", and only callbacks, and logins of your Android app at /truecaller/native, carry an identity\n";
    assert!(text.ends_with(carriers), "{text}");
}

#[tokio::test]
async fn what_is_in_force_is_printed() {
    const IN_FORCE: &str = "\
rules (the first that matches applies):
  1. /account/help and below: public
  2. /account and below: required
  3. /vip alone: required, allowed: 2 numbers, 1 prefix, 3 numbers in a file
  4. /api and below: required; preflights pass
  5. /shop and below (GET, HEAD): public
  6. /cart and below: optional
  any other path or method: required
a stranger can reach:
  the pages of truegate below /.truegate, and the callback path
  /account/help and below
  preflights of /api and below
  /shop and below (GET, HEAD)
  /cart and below
";
    let config = setup::config("127.0.0.1:9".parse().unwrap())
        + &format!("callback: {{ path: {} }}\n", setup::CALLBACK)
        + "\
session:
  public_url: https://shop.example
  secret: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
  partner: { key: k, name: n }
  upstream_cookies: [PHPSESSID]
routes:
  - { path: /account/help, access: public }
  - { path: /account/, access: required }
  - exact: /vip
    access: required
    allow: { phones: ['+919999900001', '+919999900002'], phone_prefixes: ['+44'], phones_file: vip.txt }
  - { path: /api, access: required, preflight: pass }
  - { path: /shop, methods: [GET, HEAD], access: public }
  - { path: /cart, access: optional }
";
    let files = [("vip.txt", "+919999900003\n+919999900004\n+919999900005\n")];

    let output = check(&config, &files).await;

    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.rsplit_once("\n\n").map(|(_, in_force)| in_force), Some(IN_FORCE), "{text}");
    assert!(output.stderr.is_empty() && !text.contains("99999") && !text.contains("unguessable"), "{text}");

    let with_app = config.clone() + "native: { client_id: an-id, path: /app/login }\n";
    let text = String::from_utf8(check(&with_app, &files).await.stdout).unwrap();
    let route = "and the callback path\n  /app/login alone (POST), where users of your Android app log in\n";
    assert!(text.contains(route), "{text}");
    let open = config.replace("/cart", "/").replace("/account/help, access: public", "/x, access: required");
    let text = String::from_utf8(check(&open, &files).await.stdout).unwrap();
    assert!(
        text.contains("\n  / and below, but not /x and below, /account and below, /vip alone, /api and below\n"),
        "{text}"
    );
    let closed =
        config.lines().filter(|line| !line.contains("public") || line.contains("url")).collect::<Vec<_>>().join("\n");
    let closed = closed.replace("access: optional", "access: required").replace(", preflight: pass", "");
    let text = String::from_utf8(check(&closed, &files).await.stdout).unwrap();
    assert!(text.ends_with("and the callback path\n  nothing of the app\n"), "{text}");
}

#[tokio::test]
async fn a_check_names_each_listener_and_each_app() {
    let pair = Pair::new().pem();
    let config = "\
listen:
  - { address: 0.0.0.0:80, redirect: https }
  - { address: '[::1]:443', certificate: a.pem, key: a.pem, client_ca: a.pem, proxy_protocol: true }
  - unix:/run/truegate.sock
trusted_proxies: [10.0.0.9, unix]
upstreams:
  shop: { servers: ['http://10.0.0.1:3000', unix:/run/shop.sock] }
  wiki: { url: https://Wiki.internal, protocol: http2 }
upstream: shop
routes: [{ path: /wiki, upstream: wiki }]
";

    let output = check(config, &[("a.pem", &pair)]).await;

    let expected = "\
listeners:
  0.0.0.0:80: http, redirects to https
  [::1]:443: https, for clients with a certificate, after a PROXY header
  unix:/run/truegate.sock: http
apps:
  shop: http://10.0.0.1:3000, unix:/run/shop.sock by HTTP/1.1
  wiki: https://wiki.internal:443 by HTTP/2
";
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("\n\n{expected}\nrules ")), "{text}");
}

#[tokio::test]
async fn a_check_names_the_groups_and_methods_and_no_member() {
    let config = setup::config("127.0.0.1:9".parse().unwrap())
        + &format!("callback: {{ path: {} }}\n", setup::CALLBACK)
        + "\
session:
  public_url: https://shop.example
  secret: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
  partner: { key: k, name: n }
  upstream_cookies: []
native: { client_id: an-id }
groups:
  staff: { phones: ['+919999900001'], phones_file: staff.txt }
  abroad: { phone_prefixes: ['+44', '+49'] }
routes:
  - { path: /office, access: required, allow: { groups: [staff, abroad], phones: ['+919999900002'] } }
  - { path: /wallet, access: required, allow: { methods: [missed-call, app] } }
  - { path: /safe, access: required, allow: { groups: [staff], methods: [web] } }
";

    let output = check(&config, &[("staff.txt", "+919999900003\n")]).await;

    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("/office and below: required, allowed: group staff, group abroad, 1 number\n"), "{text}");
    assert!(
        text.contains("/wallet and below: required, allowed: everyone, if verified by app or missed-call\n"),
        "{text}"
    );
    assert!(text.contains("/safe and below: required, allowed: group staff, if verified by web\n"), "{text}");
    assert!(text.contains("groups:\n  staff: 1 number, 1 number in a file\n  abroad: 2 prefixes\n"), "{text}");
    assert!(output.stderr.is_empty() && !text.contains("99999"), "{text}");
}

#[tokio::test]
async fn what_is_most_likely_not_meant_is_a_warning() {
    let (folder, app) = (TempDir::new().unwrap(), StdListener::bind("127.0.0.1:0").unwrap());
    let config = setup::config(app.local_addr().unwrap()) + "callback: { path: /truecaller/our-shop-callback }\n";
    setup::command(&folder, &config);
    let path = folder.path().join("config.yaml");

    let checked = truegate(&["check", "--config", path.to_str().unwrap()]).await;
    let program = Program::serve(&config);
    program.signal("TERM");
    let (status, log) = setup::ended(program).await;

    assert_eq!((checked.status.code(), status.code()), (Some(0), Some(0)));
    let checked = String::from_utf8(checked.stderr).unwrap();
    let place = format!("{}:4:13: ", path.display());
    assert!(checked.starts_with(&format!("{place}warning: callback.path: can be guessed, ")), "{checked}");
    assert_eq!(checked.lines().count(), 1, "{checked}");
    let lines: Vec<_> = log.iter().filter(|line| line.contains(":4:13: callback.path: can be guessed")).collect();
    assert!(lines.len() == 1 && lines[0].contains(r#""level":"WARN""#), "{log:#?}");
    assert!(!(checked + &log.concat()).contains("our-shop"), "the path is not repeated");
}

#[tokio::test]
async fn a_busy_port_exits_with_1_and_one_line_that_names_it() {
    let taken = StdListener::bind("127.0.0.1:0").unwrap();
    let busy = taken.local_addr().unwrap();
    for config in [
        format!("listen: '{busy}'\nadmin: {{ listen: '127.0.0.1:0' }}\n"),
        format!("listen: ['127.0.0.1:0', '{busy}']\nadmin: {{ listen: '127.0.0.1:0' }}\n"),
        format!("listen: 127.0.0.1:0\nadmin: {{ listen: '{busy}' }}\n"),
    ] {
        let (code, errors) = serve(&format!("{config}upstream: http://127.0.0.1:9\n")).await;
        assert_eq!(code, Some(1), "{errors}");
        assert!(errors.contains(&format!("cannot listen on {busy}: Address already in use")), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}
