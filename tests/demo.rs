//! What `truegate demo` promises to those who see truegate for the first time.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::{
    io::{BufRead, BufReader},
    net::{Ipv4Addr, TcpListener},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

const PHONE: &str = "+ x-truecaller-phone: +919999999999";
/// That of the user who logs in with Truecaller.
const OTHER_PHONE: &str = "+ x-truecaller-phone: +919999900001";
/// That of the user who logs in by a code.
const CODE_PHONE: &str = "+ x-truecaller-phone: +447700900123";

#[test]
fn it_shows_the_phone_that_the_app_received_once_and_exits_with_0() {
    let output = demo(&["--once", "--listen", "127.0.0.1:0"]).output().unwrap();

    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert_eq!(text.matches(PHONE).count(), 1, "{text}");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn it_walks_a_login_with_truecaller_and_shows_whom_both_apps_were_told_of() {
    let output = demo(&["--once", "--listen", "127.0.0.1:0"]).output().unwrap();

    let text = String::from_utf8(output.stdout).unwrap();
    let (_, logins) = text.split_once("A user logged in").unwrap();
    let (login, _) = logins.split_once("A user without Truecaller").unwrap();
    for (part, times) in [
        ("302 Found to /.truegate/login?next=", 1),
        ("201 Created, sets truegate-login", 1),
        ("The shop received", 1),
        ("  GET /account/ HTTP/1.1", 1),
        ("The wiki received", 1),
        ("  host: wiki.demo.localhost:", 1),
        (OTHER_PHONE, 2),
    ] {
        assert_eq!(login.matches(part).count(), times, "{part}\n{text}");
    }
    assert!(!login.to_lowercase().contains("cookie"), "the app was shown the session\n{text}");
}

#[test]
fn it_walks_a_login_by_a_code_on_the_page_of_the_shop() {
    let output = demo(&["--once", "--listen", "127.0.0.1:0"]).output().unwrap();

    let text = String::from_utf8(output.stdout).unwrap();
    let (_, login) = text.split_once("A user without Truecaller").unwrap();
    for (part, times) in [
        ("/login?next=http%3A%2F%2Fwiki.demo.localhost%3A", 5),
        ("  GET http://shop.demo.localhost:", 2),
        ("200 OK, sets truegate-login", 1),
        ("  POST http://shop.demo.localhost:", 2),
        ("303 See Other to /.truegate/login?next=http%3A%2F%2Fwiki.demo.localhost%3A", 1),
        ("302 Found to http://wiki.demo.localhost:", 1),
        ("The wiki received", 1),
        (CODE_PHONE, 1),
        ("+ x-truecaller-method: site", 1),
    ] {
        assert_eq!(login.matches(part).count(), times, "{part}\n{text}");
    }
    assert!(!text.to_lowercase().contains("x-truecaller-login"), "the ticket was shown\n{text}");
}

#[test]
fn its_greeting_tells_of_both_ways_to_log_in() {
    let demo = Demo::start();
    let shown = demo.text.iter().position(|line| line.contains("with Truecaller, or another way")).unwrap();
    let page = demo.text[shown + 2].trim_start();
    assert!(page.starts_with("http://shop.demo.localhost:") && page.ends_with("/login"), "{:#?}", demo.text);
    let form = run(&format!("curl -s -H 'Accept: text/html' {page}"));
    assert!(form.contains("name=\"phone\""), "{form}");
}

#[test]
fn a_code_of_the_page_works_for_its_number_alone_and_once() {
    let demo = Demo::start();
    let page = demo.text.iter().find(|line| line.ends_with("/login")).unwrap().trim_start();
    let shop = page.strip_suffix("/login").unwrap();
    let send = |form: &str| {
        run(&format!(
            "curl -s -w '%{{http_code}}' -H 'Origin: {shop}' -H 'Sec-Fetch-Mode: navigate' -d '{form}' {page}"
        ))
    };
    let code = |answer: &str| answer.split_once("id=\"code\">").unwrap().1[..6].to_owned();
    let form = |phone: &str, code: &str| format!("phone=%2B{phone}&code={code}");

    let [one, other] = ["447700900123", "447700900124"].map(|phone| code(&send(&format!("phone=%2B{phone}"))));
    let wrong = send(&form("447700900124", &one));
    assert!(wrong.ends_with("403") && !wrong.contains(&one), "{wrong}");
    let spent = send(&form("447700900124", &other));
    assert!(spent.ends_with("403"), "a code has one try: {spent}");
    let right = send(&form("447700900123", &one));
    assert!(right.ends_with("303"), "{right}");
    let again = send(&form("447700900123", &one));
    assert!(again.ends_with("403"), "{again}");
    for number in ["", "447700900123", "%2B0447700900", "%2B44%22%3E%3Cscript%3E"] {
        let refused = send(&format!("phone={number}"));
        assert!(refused.ends_with("400") && !refused.contains("<script"), "{refused}");
    }
}

#[test]
fn colour_is_for_terminals_and_for_those_who_did_not_refuse_it() {
    for (variables, coloured) in
        [(&[][..], false), (&[("CLICOLOR_FORCE", "1")], true), (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false)]
    {
        let mut command = demo(&["--once", "--listen", "127.0.0.1:0"]);
        let output = command.envs(variables.iter().copied()).output().unwrap();

        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.contains('\u{1b}'), coloured, "{variables:?} {text}");
        assert!(text.contains(PHONE), "{text}");
    }
}

#[test]
fn it_takes_a_free_port_if_the_usual_one_is_taken() {
    let _taken = [8080, 8081].map(held);
    let output = demo(&["--once"]).output().unwrap();

    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(!text.contains("127.0.0.1:8080") && !text.contains("127.0.0.1:8081"), "{text}");
}

#[test]
fn a_given_port_that_is_taken_exits_with_1_and_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = demo(&["--once", "--listen", &address]).output().unwrap();

    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.starts_with(&format!("truegate demo: cannot listen on {address}: ")), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn it_listens_for_this_machine_alone() {
    let output = demo(&["--once", "--listen", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn every_line_to_try_does_what_its_text_says() {
    let demo = Demo::start();
    let expectations: &[(&[&str], &[&str])] = &[
        (&[PHONE], &[]),
        (&["+ x-truecaller-status: user_rejected"], &["phone"]),
        (&["  GET /account HTTP/1.1\n"], &["truecaller", "Truecaller", "10000000000"]),
        (&[r#""status":403"#, "endpoint-not-allowed"], &["The sample app received"]),
        (&[], &["\n"]),
        (&[r#""status":502"#, "profile-unavailable"], &["The sample app received"]),
        (&[], &["\n"]),
        (&[PHONE], &[]),
    ];

    // The first comes once more at the end, for the fault is over.
    let lines = demo.curl_lines();
    assert_eq!(lines.len() + 1, expectations.len(), "{lines:#?}");
    for (line, (shown, hidden)) in lines.iter().cycle().zip(expectations) {
        let text = run(line);
        assert!(shown.iter().all(|part| text.contains(part)), "{line}\n{text}");
        assert!(!hidden.iter().any(|part| text.contains(part)), "{line}\n{text}");
    }
}

#[test]
fn the_links_at_its_end_open_the_shop_to_everyone_and_the_wiki_to_users() {
    let demo = Demo::start();
    let links: Vec<_> = demo.text.iter().rev().filter_map(|line| line.strip_prefix("  http://")).take(2).collect();
    let [wiki, shop] = links[..] else { panic!("{:#?}", demo.text) };
    let page = run(&format!("curl -s -H 'Accept: text/html' http://{shop}"));
    assert!(page.contains("Hello, stranger!") && page.contains("/.truegate/login?next=/account/"), "{page}");
    let login = run(&format!("curl -s -o /dev/null -w '%{{redirect_url}}' -H 'Accept: text/html' http://{wiki}"));
    assert_eq!(login, format!("http://{wiki}.truegate/login?next=%2F"));
}

#[test]
fn a_signal_ends_it_with_0() {
    for signal in ["-INT", "-TERM"] {
        assert_eq!(Demo::start().end(signal).code(), Some(0), "{signal}");
    }
}

/// A port that is taken until this is dropped. Another demo may have it for a moment; what has it for longer keeps it.
fn held(port: u16) -> Option<TcpListener> {
    (0..2_000).find_map(|_| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok();
        if listener.is_none() {
            thread::sleep(Duration::from_millis(5));
        }
        listener
    })
}

/// A demo that goes on; it is killed when it is dropped.
struct Demo {
    child: Child,
    text: Vec<String>,
}

impl Demo {
    /// Starts on a free port, and reads what it says to its last line.
    fn start() -> Self {
        let mut child = demo(&["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines().map(Result::unwrap);
        let text: Vec<_> = lines.take_while(|line| line != "Ctrl-C ends the demo.").collect();
        Self { child, text }
    }

    fn curl_lines(&self) -> Vec<&str> {
        self.text.iter().map(|line| line.trim_start()).filter(|line| line.starts_with("curl ")).collect()
    }

    fn end(&mut self, signal: &str) -> ExitStatus {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        self.child.wait().unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_truegate"));
    command.arg("demo").args(arguments).stdin(Stdio::null());
    for variable in ["RUST_LOG", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    command
}

/// What a line prints, as a shell runs it.
fn run(line: &str) -> String {
    let output = Command::new("sh").args(["-c", line]).env("no_proxy", "*").output().unwrap();
    assert!(output.status.success(), "{line}: {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}
