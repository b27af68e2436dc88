//! What a ticket is good for, and how long.

use super::*;

#[tokio::test]
async fn the_login_in_progress_is_taken_and_another_one_is_started_once_it_has_ended() {
    let (site, mut browser) = (Site::with(with_page), Browser::default());
    let request_id = browser.start(&site).await;
    site.decline(&request_id, "flow_invoked").await;
    let before = browser.cookies.clone();
    let ticket = opens_page(&site, &mut browser).await;
    assert_eq!(browser.cookies, before);
    assert_eq!(finish(&site, &ticket).await, Ok(()));
    assert_eq!(browser.state(&site, &request_id).await, "verified");

    for ending in ["user_rejected", "use_another_number"] {
        let mut browser = Browser::default();
        let request_id = browser.start(&site).await;
        let before = browser.clone();
        site.decline(&request_id, ending).await;
        let mut other_tab = browser.clone();
        let ticket = opens_page(&site, &mut browser).await;
        assert_ne!(browser.cookies, before.cookies);
        assert_eq!(finish(&site, &ticket).await, Ok(()));
        let (_, newest) = other_tab.json(&site, "GET", "/.truegate/status", &[]).await;
        assert_eq!(newest["state"], "verified", "it is the same browser");
    }
}

#[tokio::test]
async fn a_page_that_is_opened_once_more_takes_no_verified_login_away() {
    let (site, mut browser) = (Site::with(with_page), Browser::default());
    let ticket = opens_page(&site, &mut browser).await;
    assert_eq!(finish(&site, &ticket).await, Ok(()));

    // A form that is sent twice, another tab, or a link of another site.
    let cross = ("sec-fetch-site", "cross-site");
    for (method, headers) in [("POST", &[ORIGIN][..]), ("GET", &[OPENS]), ("GET", &[OPENS, cross])] {
        assert_eq!(ticket_for(&site, &mut browser, (method, PAGE), headers).await, None, "{method} {headers:?}");
    }

    let led = browser.go(&site, "GET", "/.truegate/login", &[OPENS]).await;
    assert_eq!(led.summary(), "302 /");
    assert_eq!(browser.phone(&site).await.unwrap(), "+447911123456");
    browser.ask(&site, "POST", "/.truegate/logout", &[ORIGIN]).await;
    opens_page(&site, &mut browser).await;
}

#[tokio::test]
async fn a_form_that_comes_late_has_a_ticket_all_the_same() {
    let (site, mut browser) = (Site::with(with_page), Browser::default());
    let early = opens_page(&site, &mut browser).await;
    site.advance(Duration::from_mins(4));
    assert_eq!(finish(&site, &early).await, Err(FinishLoginError::LoginOver));
    for cookies in [browser.cookies.clone(), Default::default()] {
        browser.cookies = cookies;
        let ticket = ticket_for(&site, &mut browser, ("POST", PAGE), &[ORIGIN]).await.unwrap();
        assert_eq!(finish(&site, &ticket).await, Ok(()));
        let led = browser.go(&site, "GET", "/.truegate/login", &[OPENS]).await;
        assert_eq!(led.summary(), "302 /");
    }
}

#[tokio::test]
async fn a_ticket_works_once() {
    let (site, mut browser) = (Site::with(with_page), Browser::default());
    let twin = Site::join(site.store.clone(), with_page);
    let [ticket, another] = [opens_page(&site, &mut browser).await, opens_page(&site, &mut browser).await];
    assert_ne!(ticket, another, "each request has its own");
    assert_eq!(finish(&site, &ticket).await, Ok(()));
    for site in [&site, &twin] {
        for ticket in [&ticket, &another] {
            assert_eq!(finish(site, ticket).await, Err(FinishLoginError::LoginOver));
        }
    }
}

#[tokio::test]
async fn a_ticket_works_only_while_its_login_runs() {
    let site = Site::with(with_page);
    let ended = async |end: &str| {
        let mut browser = Browser::default();
        let request_id = browser.start(&site).await;
        let ticket = opens_page(&site, &mut browser).await;
        match end {
            "verified" => {
                site.grant(&request_id, "a-token").await;
                site.tasks.run();
            }
            "failed" => {
                site.grant(&request_id, "inactive").await;
                site.tasks.run();
            }
            "replaced" => {
                for _ in 0..5 {
                    browser.start(&site).await;
                }
            }
            "expired" => site.advance(Duration::from_mins(3)),
            status => drop(site.decline(&request_id, status).await),
        }
        let state = browser.state(&site, &request_id).await;
        (finish(&site, &ticket).await, state, browser.state(&site, &request_id).await)
    };
    for end in ["verified", "failed", "replaced", "user_rejected", "use_another_number", "expired"] {
        let (finished, before, after) = ended(end).await;
        assert_eq!(finished, Err(FinishLoginError::LoginOver), "{end}");
        assert_eq!(before, after, "{end}");
    }
}

#[tokio::test]
async fn a_ticket_expires_by_itself_whatever_the_store_keeps() {
    let (site, mut browser) = (Site::with(with_page), Browser::default());
    let ticket = opens_page(&site, &mut browser).await;
    let asked = site.store.asked();
    site.clock.set_wall(site.gate.clock().wall() + Duration::from_mins(3));
    assert_eq!(finish(&site, &ticket).await, Err(FinishLoginError::LoginOver));
    assert_eq!(site.store.asked(), asked);
}

#[tokio::test]
async fn nothing_but_a_ticket_of_this_site_is_one() {
    let (site, mut browser) = (Site::with(with_page), Browser::default());
    let ticket = opens_page(&site, &mut browser).await;
    let sealed_elsewhere = SharedStore::default();
    let stranger = Site::join(sealed_elsewhere, |sessions| {
        let sessions = with_page(sessions);
        sessions.sealer(Sealer::new(&Secret::generate(), &[]))
    });
    let foreign = opens_page(&stranger, &mut Browser::default()).await;
    let session = site.signed_in().await.cookies["__Host-truegate"].clone();
    let asked = site.store.asked();
    for forged in
        [&foreign, &browser.cookies[LOGIN], &session, "", "a", &ticket[1..], &ticket[..ticket.len() - 1], "\u{e9}"]
    {
        assert_eq!(finish(&site, forged).await, Err(FinishLoginError::LoginOver));
    }
    assert_eq!(site.store.asked(), asked, "the store hears of none of them");
    assert_eq!(finish(&site, &ticket).await, Ok(()));
}

#[tokio::test]
async fn each_browser_gets_the_session_of_its_own_ticket() {
    let site = Site::with(with_page);
    let [mut victim, mut attacker] = [Browser::default(), Browser::default()];
    // The attacker sends the victim a link to the page. The victim's browser gets a login of its own.
    let [of_attacker, of_victim] = [opens_page(&site, &mut attacker).await, opens_page(&site, &mut victim).await];
    // Nobody can send a ticket of another browser along.
    let spoofs = [OPENS, ("x-truecaller-login", &*of_attacker), ("x_truecaller_login", &*of_attacker)];
    let Outcome::Passed { request, .. } = victim.go(&site, "GET", PAGE, &spoofs).await else { panic!() };
    assert_eq!(request.get_all("x-truecaller-login").iter().count(), 1);
    assert!(ticket(&request).is_some_and(|ticket| ticket != of_attacker));
    assert!(!request.contains_key("x_truecaller_login"));

    assert_eq!(finish(&site, &of_victim).await, Ok(()));

    for (browser, summary) in [(&mut attacker, "200"), (&mut victim, "302 /account/")] {
        let led = browser.go(&site, "GET", "/.truegate/login?next=/account/", &[OPENS]).await;
        assert_eq!(led.summary(), summary);
    }
    assert_eq!(attacker.phone(&site).await, None);
    assert_eq!(victim.phone(&site).await.unwrap(), "+447911123456");
}

#[tokio::test]
async fn a_browser_with_a_session_has_no_ticket_and_starts_no_login() {
    for page in ["/other-login", "/public/login"] {
        let fallback = |sessions: SessionsBuilder| sessions.fallback(ReturnPath::parse(page).unwrap()).login_tickets();
        let site = Site::with(fallback);
        let mut browser = site.signed_in().await;
        let before = browser.cookies.clone();
        assert_eq!(ticket_for(&site, &mut browser, ("GET", page), &[OPENS]).await, None, "{page}");
        assert_eq!(browser.cookies, before);
        let mut stranger = Browser::default();
        assert!(ticket_for(&site, &mut stranger, ("GET", page), &[OPENS]).await.is_some(), "{page}");

        site.advance(Duration::from_hours(3));
        let outcome = browser.go(&site, "GET", page, &[OPENS]).await;
        let Outcome::Passed { request, .. } = outcome else { panic!("the page is open") };
        assert!(ticket(&request).is_some(), "{page}: the session is over");
    }
}
