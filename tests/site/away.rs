//! What a gateway promises while Redis is away, asked row by row.

use std::time::{Duration, Instant};

use truegate::{
    clock::{Clock as _, SystemClock},
    simulator::{Call, Simulator},
};

use crate::{
    site::{CALLBACK, SESSION, Site, asked_for_logouts, phone, profile, visitor},
    support::{
        program::Program,
        raw::{Message, exchange, post},
        redis::{Redis, until},
        visitor::Visitor,
    },
};

/// How long sessions go on without Redis.
const GRACE: Duration = Duration::from_secs(2);

/// What a request may take on account of the store: a question is given up after a second.
const STORE_DEADLINE: Duration = Duration::from_secs(1);

/// Within which all is well again.
const RECOVERY: Duration = Duration::from_secs(2);

/// What a busy machine may add.
const SLACK: Duration = Duration::from_secs(3);

/// A site with one gateway, somebody who is signed in, and somebody who is about to.
pub struct Scene {
    site: Site,
    gateway: Program,
    known: Visitor,
    /// Two who log out while Redis is away.
    leaving: [Visitor; 2],
    starting: Visitor,
    request_id: String,
    /// The longest that any request has taken.
    longest: Duration,
}

impl Scene {
    pub async fn of(mut site: Site) -> Self {
        site.sessions.revocation_grace = GRACE;
        let gateway = site.gateway();
        let (known, mut starting) = (site.signed_in(&gateway, 1).await, visitor(&gateway));
        let leaving = [site.signed_in(&gateway, 3).await, site.signed_in(&gateway, 4).await];
        let request_id = starting.start_login().await;
        Self { site, gateway, known, leaving, starting, request_id, longest: Duration::ZERO }
    }

    async fn timed<T>(&mut self, asked: impl Future<Output = T>) -> T {
        let start = SystemClock.now();
        let answer = asked.await;
        self.longest = self.longest.max(SystemClock.now() - start);
        answer
    }

    /// Returns a time after which the gateway has heard from Redis.
    pub async fn hears(&mut self, redis: &Redis) -> Instant {
        let mut known = self.known.clone();
        assert_eq!(self.timed(known.get("/account/")).await.status(), 200);
        let (mut last, before) = (SystemClock.now(), asked_for_logouts(redis));
        // The gateway asks the second of two questions when it has heard the answer to the first.
        loop {
            let now = SystemClock.now();
            match asked_for_logouts(redis) - before {
                0 => last = now,
                1 => {}
                _ => return last,
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Redis goes away, and the session goes on for the grace, which begins with the last question that was answered.
    pub async fn goes_on_for_the_grace(&mut self, heard: Instant, goes_away: impl FnOnce()) {
        goes_away();
        let gone = SystemClock.now();
        let ended = self.ends().await;
        assert!(ended - heard >= GRACE - STORE_DEADLINE, "{:?}", ended - heard);
        let most = GRACE + 2 * self.longest + SLACK;
        assert!(ended - gone < most, "{:?} of {most:?}", ended - gone);
    }

    /// When the session has ended that no store can vouch for.
    async fn ends(&mut self) -> Instant {
        self.logs_out(0).await;
        loop {
            let mut known = self.known.clone();
            let answer = self.timed(known.get("/account/")).await;
            if answer.status() != 200 {
                assert_away(&answer);
                assert_eq!(answer.one("set-cookie"), None, "nobody is logged out");
                return SystemClock.now();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Who logs out hears that not everyone knows it yet, and is nobody here from then on.
    async fn logs_out(&mut self, who: usize) {
        let mut leaving = self.leaving[who].clone();
        assert_away(&self.timed(leaving.post("/.truegate/logout", "")).await);
        assert_eq!(leaving.cookie(SESSION), None);
        let mut replay = self.leaving[who].clone();
        assert_eq!(self.timed(replay.get("/account/")).await.status(), 401);
    }

    /// Row by row what is promised for when the grace has passed.
    pub async fn is_away(&mut self) {
        let (mut known, mut starting) = (self.known.clone(), self.starting.clone());
        for path in ["/account/", "/.truegate/me", "/.truegate/auth"] {
            assert_away(&self.timed(known.get(path)).await);
        }
        let status = format!("/.truegate/status?request_id={}&wait=20", self.request_id);
        assert_away(&self.timed(starting.get(&status)).await);
        assert_away(&self.timed(starting.post("/.truegate/login", "")).await);
        self.logs_out(1).await;
        let page = self.timed(starting.get("/.truegate/login")).await;
        assert_eq!((page.status(), page.one("content-type")), (200, Some("text/html; charset=utf-8")));
        for callback in [grant(&self.site.truecaller, &self.request_id), refusal(&self.request_id)] {
            let address = self.gateway.address();
            assert_away(&self.timed(exchange(address, post(CALLBACK, callback.as_bytes()))).await.unwrap());
        }
        self.site.app.take();
        for path in ["/", "/public/"] {
            assert_eq!(self.timed(known.get(path)).await.status(), 200);
            let request = self.site.reached_once();
            assert_eq!((request.one("x-truecaller-phone"), request.one("cookie")), (None, None), "{path}");
        }
        let stranger = self.timed(visitor(&self.gateway).get("/account/")).await;
        assert_eq!(stranger.status(), 401, "who is nobody needs no store");
        assert!(known.cookie(SESSION).is_some(), "nobody is logged out");
        assert!(self.longest < STORE_DEADLINE + SLACK, "{:?}", self.longest);
    }

    /// All is well within two seconds.
    pub async fn is_back(&mut self) {
        let back = SystemClock.now();
        let (mut known, mut starting) = (self.known.clone(), self.starting.clone());
        until(async || known.get("/account/").await.status() == 200).await;
        until(async || starting.post("/.truegate/login", "").await.status() == 201).await;
        assert_recovered(back);
        self.site.app.take();
        self.known.get("/account/").await;
        assert_eq!(self.site.reached_once().one("x-truecaller-phone"), Some(&*phone(1)));
    }

    /// The login that began before goes on.
    pub async fn finishes_the_login(&mut self) {
        let call = Call::grant().profile(profile(2));
        assert_eq!(self.site.call(&self.gateway, call, &self.request_id).await.1, 204);
        assert_eq!(self.starting.state_after(&self.request_id, "pending").await, "verified");
    }
}

/// All is well again in time.
pub fn assert_recovered(since: Instant) {
    let waited = SystemClock.now() - since;
    assert!(waited < RECOVERY + SLACK, "{waited:?}");
}

fn assert_away(answer: &Message) {
    assert_eq!((answer.status(), &*answer.code()), (503, "store-unavailable"), "{answer:?}");
    assert!(answer.one("retry-after").is_some_and(|wait| wait.parse::<u64>().is_ok()), "{answer:?}");
}

fn grant(truecaller: &Simulator, request_id: &str) -> String {
    let (token, endpoint) = (truecaller.grant(profile(1)), truecaller.endpoint());
    format!(r#"{{"requestId":"{request_id}","accessToken":"{token}","endpoint":"{endpoint}"}}"#)
}

fn refusal(request_id: &str) -> String {
    format!(r#"{{"requestId":"{request_id}","status":"user_rejected"}}"#)
}
