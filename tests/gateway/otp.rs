//! The example of a page that verifies numbers, behind the gateway, with the very configuration that it shows.

use super::support::{
    otp::Otp,
    port::Port,
    program::Program,
    raw::Message,
    site_login::TOKEN,
    visitor::{Visitor, json},
};

const ORIGIN: &str = "http://127.0.0.1:8080";
const PHONE: &str = "+447911123456";
const OPENS: &str = "Sec-Fetch-Mode: navigate\r\n";

struct Site {
    otp: Otp,
    program: Program,
    _port: Port,
}

impl Site {
    fn start() -> Self {
        let port = Port::reserve();
        let program = Program::serve(&configuration(&port));
        let otp = Otp::start(port.address(), program.admin());
        Self { otp, program, _port: port }
    }

    fn visitor(&self) -> Visitor {
        Visitor::at(self.program.address(), ORIGIN)
    }
}

/// What the example tells its reader to write into a file, with addresses of the test's own.
fn configuration(otp: &Port) -> String {
    let text = include_str!("../../examples/otp.rs");
    let shown = text.split("<<END\n").nth(1).and_then(|rest| rest.split("//! END\n").next()).unwrap();
    let shown: String = shown.lines().map(|line| line.trim_start_matches("//!").to_owned() + "\n").collect();
    let lines: String = shown.lines().map(|line| line.strip_prefix(' ').unwrap().to_owned() + "\n").collect();
    let filled_in = lines
        .replace("127.0.0.1:3000", &otp.address().to_string())
        .replace("admin: {", "admin: { listen: 127.0.0.1:0,")
        .replace("$TRUEGATE_ADMIN_TOKEN", TOKEN)
        .replace("$(cargo run --features dev -- keys path)", "/truecaller/callback-x7Kq2vNf9TzR4mWb6pLd")
        .replace("$(cargo run --features dev -- keys secret)", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    assert!(!filled_in.contains("cargo"), "{filled_in}");
    format!("listen: 127.0.0.1:0\n{filled_in}")
}

/// Sends the form of the page.
async fn send(browser: &mut Visitor, form: &str) -> Message {
    let lines = format!("{OPENS}Origin: {ORIGIN}\r\nContent-Type: application/x-www-form-urlencoded\r\n");
    browser.send("POST /login?next=%2Faccount%3Fa%3Db", &lines, form).await
}

fn form_of(phone: &str, code: Option<&str>) -> String {
    let code = code.map(|code| format!("&code={code}")).unwrap_or_default();
    format!("phone={}{code}", phone.replace('+', "%2B"))
}

#[tokio::test]
async fn a_user_proves_a_number_by_the_code_that_was_sent_there() {
    let site = Site::start();
    let mut browser = site.visitor();
    let led = browser.get_with("/account?a=b", OPENS).await;
    assert_eq!(led.one("location"), Some("/.truegate/login?next=%2Faccount%3Fa%3Db"));
    let login = browser.get_with("/.truegate/login?next=%2Faccount%3Fa%3Db", OPENS).await.text();
    assert!(login.contains("login?next=%2Faccount%3Fa%3Db\""), "{login}");
    let page = browser.get_with("/login?next=%2Faccount%3Fa%3Db", OPENS).await;
    assert!(page.text().contains(r#"action="/login?next=%2Faccount%3Fa%3Db""#), "{}", page.text());

    assert_eq!(send(&mut browser, &form_of(PHONE, None)).await.status(), 200);
    let code = site.otp.code(PHONE);
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for wrong in [wrong, "", &format!("{code}0"), "०००००१"] {
        assert_eq!(send(&mut browser, &form_of(PHONE, Some(wrong))).await.status(), 403);
    }
    assert_eq!(send(&mut browser, &form_of("+447911123457", Some(&code))).await.status(), 403, "of another number");
    assert_eq!(browser.get("/.truegate/me").await.status(), 401);
    let finished = send(&mut browser, &form_of(PHONE, Some(&code))).await;
    assert_eq!((finished.status(), finished.one("location")), (303, Some("/.truegate/login?next=%2Faccount%3Fa%3Db")));
    let led = browser.get_with("/.truegate/login?next=%2Faccount%3Fa%3Db", OPENS).await;
    assert_eq!((led.status(), led.one("location")), (302, Some("/account?a=b")));
    assert_eq!(browser.get("/account?a=b").await.text(), PHONE);
    assert_eq!(json(&browser.get("/.truegate/me").await)["method"], "site");

    let late = send(&mut browser, &form_of(PHONE, None)).await;
    assert_eq!((late.status(), site.otp.has_sent_more()), (303, false), "the user is logged in");
    let mut thief = site.visitor();
    assert_eq!(send(&mut thief, &form_of(PHONE, Some(&code))).await.status(), 403, "a code works once");
}

#[tokio::test]
async fn a_number_has_three_codes_and_ten_tries_from_all_browsers_together() {
    let site = Site::start();
    for allowed in [true, true, true, false, false] {
        let answer = send(&mut site.visitor(), &form_of(PHONE, None)).await;
        assert_eq!(answer.status(), if allowed { 200 } else { 429 });
    }
    let codes = [(); 3].map(|()| site.otp.code(PHONE));
    assert!(!site.otp.has_sent_more());
    for number in 0..10 {
        let wrong = (0..).map(|other| format!("{:06}", number + other)).find(|code| !codes.contains(code)).unwrap();
        assert_eq!(send(&mut site.visitor(), &form_of(PHONE, Some(&wrong))).await.status(), 403);
    }
    let right = send(&mut site.visitor(), &form_of(PHONE, Some(&codes[2]))).await;
    assert_eq!(right.status(), 429, "not even the right one is looked at");
    assert_eq!(send(&mut site.visitor(), &form_of("+15550100000", None)).await.status(), 200, "another number");
}

#[tokio::test]
async fn an_address_has_as_many_codes_as_ten_numbers() {
    let site = Site::start();
    for number in 0..31 {
        let phone = format!("+4479111234{number:02}");
        let answer = send(&mut site.visitor(), &form_of(&phone, None)).await;
        assert_eq!(answer.status(), if number < 30 { 200 } else { 429 }, "{number}");
    }
}

#[tokio::test]
async fn nothing_but_a_number_is_sent_a_code_or_shown() {
    let site = Site::start();
    for phone in [
        "", "+", "447911123456", "+0911123456", "+44791112345678901", "+4479111\"><script>", "+44 7911",
        "+４４７９１１１２３４５６",
    ] {
        let answer = send(&mut site.visitor(), &form_of(phone, None)).await;
        assert_eq!(answer.status(), 400, "{phone}");
        assert!(!answer.text().contains("script"), "{}", answer.text());
    }
    let mut browser = site.visitor();
    let next = browser.get_with("/login?next=%22%3E%3Cscript%3E&next=b", OPENS).await.text();
    assert!(!next.contains("script>"), "{next}");
    assert!(!site.otp.has_sent_more());
}

#[tokio::test]
async fn a_form_of_another_site_sends_no_code_and_logs_nobody_in() {
    let site = Site::start();
    let mut attacker = site.visitor();
    send(&mut attacker, &form_of(PHONE, None)).await;
    let code = site.otp.code(PHONE);
    let mut victim = site.visitor();
    victim.get_with("/login", OPENS).await;
    let lines = "Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    for form in [form_of(PHONE, Some(&code)), form_of("+15550100000", None)] {
        let answer = victim.send("POST /login", &format!("{OPENS}{lines}"), &form).await;
        assert_eq!((answer.status(), answer.one("location")), (303, Some("/.truegate/login?next=%2F")));
    }
    assert_eq!(victim.get_with("/.truegate/login", OPENS).await.status(), 200);
    assert!(!site.otp.has_sent_more());
    assert_eq!(send(&mut attacker, &form_of(PHONE, Some(&code))).await.status(), 303, "the code was not spent");
}

#[test]
fn the_example_is_short() {
    assert!(include_str!("../../examples/otp.rs").lines().count() < 150);
}
