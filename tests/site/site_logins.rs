//! Logins that the site's own page finishes, with several gateways on one Redis.

use truegate::simulator::Call;

use crate::{
    site::{Site, again, kept_state, login_key, phone, visitor},
    support::{
        program::Program,
        raw::Message,
        redis::{Redis, until},
        site_login::finish,
        visitor::{Visitor, json},
    },
};

const PAGE: &str = "/other-login";
const OPENS: &str = "Sec-Fetch-Mode: navigate\r\n";

async fn site(redis: &Redis) -> Site {
    let mut site = Site::on(redis).await;
    site.sessions.fallback = Some(PAGE);
    site.sessions.tickets = true;
    site
}

/// The ticket with which the page gets a request of a browser.
async fn ticket(site: &Site, browser: &mut Visitor) -> String {
    assert_eq!(again(async || browser.get_with(PAGE, OPENS).await).await.status(), 200);
    let request: Message = site.app.take().pop().unwrap();
    request.one("x-truecaller-login").expect("a ticket").to_owned()
}

#[tokio::test]
async fn a_ticket_of_one_gateway_is_finished_at_another_while_the_browser_waits_at_a_third() {
    let redis = Redis::start();
    let site = site(&redis).await;
    let gateways: [Program; 3] = std::array::from_fn(|_| site.gateway());
    for (person, [page, server, waits]) in [[0, 1, 2], [1, 1, 0], [2, 0, 0], [0, 0, 0]].into_iter().enumerate() {
        let mut browser = visitor(&gateways[waits]);
        let request_id = browser.start_login().await;
        let ticket = ticket(&site, browser.clone().via(gateways[page].address())).await;
        let number = phone(person);
        let finishing = finish(gateways[server].admin(), &ticket, &number);
        let (state, finished) = tokio::join!(browser.state_after(&request_id, "pending"), finishing);
        assert_eq!((&*state, finished.status()), ("verified", 204));
        for gateway in &gateways {
            let me = again(async || browser.via(gateway.address()).get("/.truegate/me").await).await;
            assert_eq!(
                (json(&me)["phone"].as_str(), json(&me)["method"].as_str()),
                (Some(&*phone(person)), Some("site"))
            );
        }
    }
}

#[tokio::test]
async fn of_all_who_finish_a_login_at_once_one_does() {
    let redis = Redis::start();
    let site = site(&redis).await;
    let gateways: [Program; 2] = std::array::from_fn(|_| site.gateway());
    for round in 0..20_usize {
        let mut browser = visitor(&gateways[0]);
        let request_id = browser.start_login().await;
        let tickets = [ticket(&site, &mut browser).await, ticket(&site, &mut browser).await];
        let number = |person| phone(10 * round + person);
        let (one, other, numbers) = (number(1), number(2), [number(1), number(2)]);
        let ([a, b], [first, second]) = ([&gateways[0], &gateways[1]], &tickets);
        // Truecaller hears of the user at the same time.
        let (one, other, _) = tokio::join!(
            finish(a.admin(), first, &one),
            finish(b.admin(), second, &other),
            site.call(b, Call::refusal(), &request_id),
        );
        let statuses = [one.status(), other.status()];
        let finished: Vec<_> = (0..2).filter(|at| statuses[*at] == 204).collect();
        assert!(finished.len() <= 1 && statuses.iter().all(|status| [204, 410].contains(status)), "{statuses:?}");
        let state = kept_state(&redis, &request_id);
        assert_eq!(state, if finished.is_empty() { "refused" } else { "verified" });
        let led = browser.get_with("/.truegate/login", OPENS).await;
        assert_eq!(led.status(), if finished.is_empty() { 200 } else { 302 });
        if let [at] = finished[..] {
            let me = again(async || browser.get("/.truegate/me").await).await;
            assert_eq!(json(&me)["phone"], numbers[at]);
        }
    }
}

#[tokio::test]
async fn a_login_is_finished_once_the_store_is_back() {
    let mut redis = Redis::start();
    let site = site(&redis).await;
    let gateway = site.gateway();
    let mut browser = visitor(&gateway);
    let before = ticket(&site, &mut browser).await;
    redis.kill();

    let refused = finish(gateway.admin(), &before, &phone(1)).await;
    assert_eq!((refused.status(), refused.code().as_str()), (503, "store-unavailable"));
    assert!(refused.one("retry-after").is_some());
    assert_eq!(browser.get_with(PAGE, OPENS).await.status(), 200, "the page opens");
    assert_eq!(site.app.take()[0].one("x-truecaller-login"), None);

    // The logins are lost with the server, which keeps nothing on disk.
    redis.restart();
    until(async || finish(gateway.admin(), &before, &phone(1)).await.status() == 410).await;
    let after = ticket(&site, &mut browser).await;
    assert_eq!(finish(gateway.admin(), &after, &phone(1)).await.status(), 204);
    assert_eq!(browser.get_with("/.truegate/login", OPENS).await.status(), 302);
}

#[tokio::test]
async fn a_login_whose_record_was_given_to_another_browser_is_not_finished() {
    let redis = Redis::start();
    let site = site(&redis).await;
    let gateway = site.gateway();
    for is_copied in [true, false] {
        let (mut victim, mut attacker) = (visitor(&gateway), visitor(&gateway));
        let of_victim = victim.start_login().await;
        let of_attacker = attacker.start_login().await;
        let ticket = ticket(&site, &mut victim).await;
        // A person who writes to the store gives the victim's login to the browser of the attacker.
        let [victims, attackers] = [&of_victim, &of_attacker].map(|request_id| login_key(request_id));
        if is_copied {
            redis.command(&["COPY", &attackers, &victims, "REPLACE"]);
        } else {
            let browser = redis.command(&["HGET", &attackers, "browser"]);
            redis.command(&["HSET", &victims, "browser", browser.trim()]);
        }
        assert_eq!(finish(gateway.admin(), &ticket, &phone(1)).await.status(), 410);
        assert_eq!(attacker.state_after(&of_victim, "opened").await, "expired");
        assert_eq!(attacker.get_with("/.truegate/login", OPENS).await.status(), 200);
    }
}
