//! The pages of `docs/fallback.md`, which verify numbers in the site's own way, in each language that it shows: whoever knows the
//! code of a number logs in with it, and nobody else does.

mod site;

use self::site::{Language, ORIGIN, Site, form_of};
use crate::support::visitor::{Visitor, json};

const PHONE: &str = "+447911123456";
const OTHER_PHONE: &str = "+15550100000";
const OPENS: &str = "Sec-Fetch-Mode: navigate\r\n";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
const NEXT: &str = "%2Faccount%3Fa%3Db";

#[tokio::test]
async fn a_user_proves_a_number_and_the_app_behind_truegate_knows_it() {
    for language in Language::ALL {
        let (site, login) = (Site::of(language).await, format!("/.truegate/login?next={NEXT}"));
        let mut browser = site.visitor();
        let led = browser.get_with("/account?a=b", OPENS).await;
        assert_eq!(led.one("location"), Some(&*login));
        let (start, page) = (browser.get_with(&login, OPENS).await.text(), site.page(NEXT));
        assert!(start.contains(&format!("{}\"", &page[1..])), "the login leads to {page}: {start}");
        let asks = browser.get_with(&page, OPENS).await;
        assert!(asks.text().contains(&format!("action=\"{page}\"")), "{}", asks.text());

        assert_eq!(site.send(&mut browser, &form_of(PHONE, None)).await.status(), 200);
        let code = site.code(PHONE);
        assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
        let finished = site.send(&mut browser, &form_of(PHONE, Some(&code))).await;
        assert_eq!((finished.status(), finished.one("location")), (303, Some(&*login)));
        let led = browser.get_with(&login, OPENS).await;
        assert_eq!((led.status(), led.one("location")), (302, Some("/account?a=b")));
        assert_eq!(browser.get("/account?a=b").await.status(), 200);
        let request = site.app.take().pop().unwrap();
        let known = ["phone", "method", "login"].map(|name| request.one(&format!("x-truecaller-{name}")));
        assert_eq!(known, [Some(PHONE), Some("site"), None]);

        let late = site.send(&mut browser, &form_of(PHONE, None)).await;
        assert_eq!((late.status(), site.codes_sent()), (303, 1), "the user is logged in");
    }
}

#[tokio::test]
async fn a_wrong_code_logs_nobody_in_and_a_right_one_works_once() {
    for language in Language::ALL {
        let site = Site::of(language).await;
        let mut browser = site.visitor();
        let (code, other) =
            (site.sent_code(&mut browser, PHONE).await, site.sent_code(&mut browser, OTHER_PHONE).await);
        let wrong = if code == "000000" { "000001" } else { "000000" };
        for wrong in [wrong, "", &format!("{code}0"), "%E0%A5%A6%E0%A5%A6%E0%A5%A6%E0%A5%A6%E0%A5%A6%E0%A5%A7"] {
            let refused = site.send(&mut browser, &form_of(PHONE, Some(wrong))).await;
            assert_eq!(refused.status(), 403, "{wrong}");
        }
        for (phone, code) in [(PHONE, &other), (OTHER_PHONE, &code), ("+15550100001", &code)] {
            assert_eq!(site.send(&mut browser, &form_of(phone, Some(code))).await.status(), 403, "of another number");
        }
        assert_eq!(browser.get_with("/.truegate/login", OPENS).await.status(), 200, "the login is not finished");
        assert_eq!(browser.get("/.truegate/me").await.status(), 401);

        assert_eq!(site.send(&mut browser, &form_of(PHONE, Some(&code))).await.status(), 303);
        let mut thief = site.visitor();
        assert_eq!(site.send(&mut thief, &form_of(PHONE, Some(&code))).await.status(), 403);
        assert_eq!(thief.get_with("/.truegate/login", OPENS).await.status(), 200);
    }
}

#[tokio::test]
async fn a_number_has_three_codes_and_ten_tries_from_all_browsers_together() {
    for language in Language::ALL {
        let (site, mut codes) = (Site::of(language).await, Vec::new());
        for _ in 0..3 {
            codes.push(site.sent_code(&mut site.visitor(), PHONE).await);
        }
        for _ in 0..2 {
            assert_eq!(site.send(&mut site.visitor(), &form_of(PHONE, None)).await.status(), 429);
        }
        assert_eq!(site.codes_sent(), 3);
        for number in 0..10 {
            let wrong = (0..).map(|other| format!("{:06}", number + other)).find(|code| !codes.contains(code)).unwrap();
            assert_eq!(site.send(&mut site.visitor(), &form_of(PHONE, Some(&wrong))).await.status(), 403);
        }
        let mut browser = site.visitor();
        let right = site.send(&mut browser, &form_of(PHONE, Some(&codes[2]))).await;
        assert_eq!(right.status(), 429, "not even the right one is looked at");
        assert_eq!(browser.get_with("/.truegate/login", OPENS).await.status(), 200);
        assert_eq!(site.send(&mut browser, &form_of(OTHER_PHONE, None)).await.status(), 200, "another number");
    }
}

#[tokio::test]
async fn a_ticket_that_was_used_finishes_no_other_login() {
    for language in Language::ALL {
        let site = Site::of(language).await;
        let mut browser = site.visitor();
        let ticket = format!("X-Truecaller-Login: {}\r\n", site.ticket(&mut browser).await);
        let code = site.sent_code(&mut browser, PHONE).await;
        assert_eq!(site.send(&mut browser, &form_of(PHONE, Some(&code))).await.status(), 303);

        // Past truegate, which lets no client send a ticket.
        let mut thief = Visitor::at(site.server.address(), ORIGIN);
        let lines = format!("{ticket}{FORM}");
        let start = format!("POST {}", site.page(NEXT));
        assert_eq!(thief.send(&start, &lines, &form_of(OTHER_PHONE, None)).await.status(), 200);
        let code = site.code(OTHER_PHONE);
        let replayed = thief.send(&start, &lines, &form_of(OTHER_PHONE, Some(&code))).await;
        assert_eq!(replayed.status(), 503);

        browser.get_with("/.truegate/login", OPENS).await;
        assert_eq!(json(&browser.get("/.truegate/me").await)["phone"], PHONE);
    }
}

#[tokio::test]
async fn the_ticket_of_another_browser_is_worth_nothing_to_a_client() {
    for language in Language::ALL {
        let site = Site::of(language).await;
        let (mut victim, mut thief) = (site.visitor(), site.visitor());
        let ticket = format!("X-Truecaller-Login: {}\r\n", site.ticket(&mut victim).await);
        let code = site.sent_code(&mut thief, OTHER_PHONE).await;
        let lines = format!("{OPENS}Origin: {ORIGIN}\r\n{FORM}{ticket}");
        let form = form_of(OTHER_PHONE, Some(&code));
        assert_eq!(thief.send(&format!("POST {}", site.page(NEXT)), &lines, &form).await.status(), 303);

        assert_eq!(victim.get_with("/.truegate/login", OPENS).await.status(), 200, "the victim is still a stranger");
        thief.get_with("/.truegate/login", OPENS).await;
        assert_eq!(json(&thief.get("/.truegate/me").await)["phone"], OTHER_PHONE);
    }
}

#[tokio::test]
async fn a_form_of_another_site_sends_no_code_and_logs_nobody_in() {
    for language in Language::ALL {
        let site = Site::of(language).await;
        let (mut attacker, mut victim) = (site.visitor(), site.visitor());
        let code = site.sent_code(&mut attacker, PHONE).await;
        victim.get_with(&site.page(NEXT), OPENS).await;
        let lines = format!("{OPENS}Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n{FORM}");
        for form in [form_of(PHONE, Some(&code)), form_of(OTHER_PHONE, None)] {
            let answer = victim.send(&format!("POST {}", site.page(NEXT)), &lines, &form).await;
            let login = format!("/.truegate/login?next={NEXT}");
            assert_eq!((answer.status(), answer.one("location")), (303, Some(&*login)));
        }
        assert_eq!(victim.get_with("/.truegate/login", OPENS).await.status(), 200);
        assert_eq!(site.codes_sent(), 1);
        let finished = site.send(&mut attacker, &form_of(PHONE, Some(&code))).await;
        assert_eq!(finished.status(), 303, "the code was not spent");
    }
}

#[tokio::test]
async fn nothing_but_a_number_is_sent_a_code_or_shown() {
    for language in Language::ALL {
        let site = Site::of(language).await;
        let mut browser = site.visitor();
        for phone in [
            "", "+", "447911123456", "+0911123456", "+44791112345678901", "+4479111\"><script>", "+44 7911",
            "+447911123456\n", "+４４７９１１１２３４５６",
        ] {
            let answer = site.send(&mut browser, &form_of(phone, None)).await;
            assert_eq!(answer.status(), 400, "{phone}");
            assert!(!answer.text().contains("script"), "{}", answer.text());
        }
        for (lines, body) in [
            ("", ""),
            (FORM, "code=1"),
            (FORM, "phone[]=%2B447911123456"),
            ("Content-Type: application/json\r\n", r#"{"phone":"+447911123456"}"#),
        ] {
            let lines = format!("{OPENS}Origin: {ORIGIN}\r\n{lines}");
            let answer = browser.send(&format!("POST {}", site.page(NEXT)), &lines, body).await;
            assert_eq!(answer.status(), 400, "{body}: {}", answer.text());
        }
        for next in ["%22%3E%3Cscript%3E", "a&next=%22%3E%3Cscript%3E", "&next[]=%22%3E%3Cscript%3E"] {
            let shown = browser.get_with(&site.page(next), OPENS).await;
            assert_eq!((shown.status(), shown.text().contains("script>")), (200, false), "{next}: {}", shown.text());
        }
        assert_eq!(site.codes_sent(), 0);
    }
}
