//! The site's own app on a user's phone, as the tests of tokens need it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use super::super::{
    browser::Browser,
    queue::now,
    shared_store::SharedStore,
    site::{Outcome, Site, code},
};
use crate::{
    clock::Clock as _,
    gate::{
        GateBuilder, Rejection,
        plugin::{Plugin, VerifiedAppLogin},
    },
    identity::{Identity, VerificationMethod},
    profile::Profile,
    session::{PublicUrl, PublicUrls},
};

pub(super) const COOKIE: &str = "__Host-truegate";
pub(super) const RAJAT: &str = r#"{"phoneNumbers":["919999999999"],"name":{"first":"Rajat"},"userId":"17"}"#;
pub(super) const ASHA: &str = r#"{"phoneNumbers":["918888888888"]}"#;
pub(super) const CHALLENGE: &str = "Bearer error=\"invalid_token\"";
/// What asks for a user, with the answer if there is none.
pub(super) const ASKED: [(&str, &str); 4] =
    [("GET", "/account/"), ("GET", "/"), ("GET", "/.truegate/me"), ("GET", "/.truegate/auth")];

/// What verifies the users of the site's own app, as far as other plugins notice.
struct OwnApp;

impl Plugin for OwnApp {
    fn verifies_apps(&self) -> bool {
        true
    }
}

pub(super) fn with_app(gate: GateBuilder) -> GateBuilder {
    gate.plug_in(OwnApp)
}

/// A site with an app of its own.
pub(super) fn site() -> Site {
    Site::build(SharedStore::default(), |sessions| sessions, with_app)
}

/// Another gate of the same site.
pub(super) fn twin(site: &Site) -> Site {
    Site::build(site.store.clone(), |sessions| sessions, with_app)
}

pub(super) fn two_hosts() -> PublicUrls {
    let [first, second] =
        ["https://shop.example", "https://wiki.shop.example"].map(|url| PublicUrl::parse(url).unwrap());
    PublicUrls::new(first, [second]).unwrap()
}

/// What the app hears on a host once its user was verified.
pub(super) fn admit(site: &Site, host: &str, profile: &str) -> Result<Response<Bytes>, Rejection> {
    admit_since(site, host, profile, site.clock.now())
}

/// The same, for a credential that arrived before.
pub(super) fn admit_since(
    site: &Site,
    host: &str,
    profile: &str,
    arrived: Instant,
) -> Result<Response<Bytes>, Rejection> {
    let (head, _) = Browser::on(host).request("POST", "/truecaller/native", &[]).into_parts();
    let identity = Identity::vouch(None, Profile::parse(profile.as_bytes()).unwrap(), VerificationMethod::App);
    let login = VerifiedAppLogin { identity, arrived, deadline: arrived + Duration::from_secs(10) };
    let admitted = now(site.gate.admit_app(&head, &login).expect("the gate has sessions"));
    admitted.expect("the store answers at once").map(|reply| reply.response)
}

/// The site's own app on a user's phone.
#[derive(Clone)]
pub(super) struct App {
    pub(super) host: String,
    pub(super) token: String,
}

impl App {
    pub(super) fn of(site: &Site, profile: &str) -> Self {
        Self::on("shop.example", site, profile)
    }

    pub(super) fn on(host: &str, site: &Site, profile: &str) -> Self {
        let answer: Value = serde_json::from_slice(admit(site, host, profile).unwrap().body()).unwrap();
        Self { host: host.to_owned(), token: answer["token"].as_str().unwrap().to_owned() }
    }

    /// The token without the beginning that all tokens have.
    pub(super) fn sealed(&self) -> &str {
        self.token.strip_prefix("truegate.").unwrap()
    }

    /// Sends a request with the token, and keeps the one that comes back.
    pub(super) async fn go(&mut self, site: &Site, method: &str, target: &str, lines: &[(&str, &str)]) -> Outcome {
        self.go_with(&mut Browser::on(&self.host.clone()), site, method, target, lines).await
    }

    /// The same, with the cookies of a browser besides.
    pub(super) async fn go_with(
        &mut self,
        browser: &mut Browser,
        site: &Site,
        method: &str,
        target: &str,
        lines: &[(&str, &str)],
    ) -> Outcome {
        let bearer = format!("Bearer {}", self.token);
        let outcome = browser.go(site, method, target, &[lines, &[("authorization", &bearer)]].concat()).await;
        if let Some(token) = response(&outcome).get("x-truecaller-token") {
            assert!(token.is_sensitive());
            self.token = token.to_str().unwrap().to_owned();
        }
        outcome
    }

    pub(super) async fn summary(&self, site: &Site, target: &str) -> String {
        self.clone().go(site, "GET", target, &[]).await.summary()
    }
}

/// The headers of a response, besides those of the app.
pub(super) fn response(outcome: &Outcome) -> &HeaderMap {
    match outcome {
        Outcome::Passed { response, .. } => response,
        Outcome::Answered(response) => response.headers(),
    }
}

/// Insists that a client hears that its token is worth nothing, and is led nowhere.
pub(super) fn assert_challenged(outcome: &Outcome, case: &str) {
    let Outcome::Answered(response) = outcome else { panic!("{case}: it passed") };
    assert_eq!(code(response), (StatusCode::UNAUTHORIZED, "not-signed-in".to_owned()), "{case}");
    assert_eq!(response.headers().get(header::WWW_AUTHENTICATE), Some(&HeaderValue::from_static(CHALLENGE)), "{case}");
    assert_eq!(outcome.cookies(), Vec::<&str>::new(), "{case}");
}

/// A line with any credentials, sent to a path that needs a session.
pub(super) async fn try_credentials(site: &Site, credentials: &str) -> Outcome {
    Browser::default().go(site, "GET", "/account/", &[("authorization", credentials)]).await
}
