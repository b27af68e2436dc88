//! The shop's own way to log users in, for those without Truecaller: a page that verifies a number by a code.
//!
//! It uses login tickets as `examples/otp.rs` does. But it shows each code instead of sending it, so that whoever opens it can log in as
//! any number. So it has no limits for numbers and addresses, which a page of a real site needs.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use http::{StatusCode, request::Parts};
use minijinja::context;
use reqwest::{Client, redirect::Policy};
use serde_json::json;
use url::form_urlencoded;

use super::{DevError, app::fill_in};
use crate::random::Random;

/// The page, and the codes that it has shown.
pub(super) struct CodePage {
    title: &'static str,
    http: Client,
    admin_token: String,
    /// The gateway's admin listener, once it has started.
    admin: OnceLock<SocketAddr>,
    random: Random,
    /// The code of each number that has one.
    codes: Mutex<HashMap<String, String>>,
}

impl CodePage {
    /// A page that finishes logins with this token.
    pub(super) fn new(title: &'static str, admin_token: &str) -> Result<Arc<Self>, DevError> {
        let (random, admin_token) = (Random::system(), admin_token.to_owned());
        let http = Client::builder().no_proxy().redirect(Policy::none()).timeout(TIMEOUT).build()?;
        Ok(Arc::new(Self { title, http, admin_token, admin: OnceLock::new(), random, codes: Mutex::default() }))
    }

    /// Names the admin listener, which a gateway knows when it has started.
    pub(super) fn set_admin(&self, admin: SocketAddr) {
        let _ = self.admin.set(admin);
    }

    pub(super) fn routes(self: &Arc<Self>) -> Router {
        Router::new().route(PATH, get(ask).post(verify)).with_state(Arc::clone(self))
    }

    /// Makes a code for a number. An earlier one is worth nothing then.
    fn new_code(&self, phone: &str) -> String {
        let code = format!("{:06}", u32::from_le_bytes(*self.random.bytes()) % 1_000_000);
        self.codes().insert(phone.to_owned(), code.clone());
        code
    }

    /// Takes the code of a number, which has one try, and returns whether it is this one.
    fn take_code(&self, phone: &str, code: &str) -> bool {
        self.codes().remove(phone).is_some_and(|known| known == code)
    }

    fn codes(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finishes the login of a ticket with a number, and returns whether truegate did so.
    async fn finish(&self, ticket: &str, phone: &str) -> bool {
        let Some(admin) = self.admin.get() else { return false };
        let request = self.http.post(format!("http://{admin}/logins")).bearer_auth(&self.admin_token);
        let answer = request.body(json!({ "ticket": ticket, "phone": phone }).to_string()).send().await;
        answer.is_ok_and(|answer| answer.status() == StatusCode::NO_CONTENT)
    }

    /// Asks for a number, or shows the code of one and asks for it.
    fn form(&self, status: StatusCode, problem: Option<&str>, known: Option<(&str, &str)>, next: &str) -> Response {
        let (phone, code) = known.unzip();
        let shown = context! { title => self.title, action => format!("{PATH}?next={next}"), problem, phone, code };
        (status, Html(fill_in("codes.html", include_str!("codes.html"), shown))).into_response()
    }
}

async fn ask(State(page): State<Arc<CodePage>>, head: Parts) -> Response {
    page.form(StatusCode::OK, None, None, &next(&head))
}

async fn verify(State(page): State<Arc<CodePage>>, head: Parts, body: String) -> Response {
    let next = next(&head);
    let login = Redirect::to(&format!("/.truegate/login?next={next}"));
    // Without a ticket, the user is logged in, or no login can be started now.
    let Some(ticket) = head.headers.get("x-truecaller-login").and_then(|ticket| ticket.to_str().ok()) else {
        return login.into_response();
    };
    let Some(phone) = field(&body, "phone").filter(|phone| is_number(phone)) else {
        return page.form(StatusCode::BAD_REQUEST, Some("This is not a number."), None, &next);
    };
    let Some(code) = field(&body, "code") else {
        return page.form(StatusCode::OK, None, Some((&phone, &page.new_code(&phone))), &next);
    };
    if !page.take_code(&phone, &code) {
        let new_code = page.new_code(&phone);
        return page.form(StatusCode::FORBIDDEN, Some("That was another code."), Some((&phone, &new_code)), &next);
    }
    if page.finish(ticket, &phone).await {
        return login.into_response();
    }
    page.form(StatusCode::SERVICE_UNAVAILABLE, Some("Please start again."), None, &next)
}

/// The page that the user wanted, encoded for URLs.
fn next(head: &Parts) -> String {
    let next = field(head.uri.query().unwrap_or_default(), "next").unwrap_or_else(|| "/".to_owned());
    form_urlencoded::byte_serialize(next.as_bytes()).collect()
}

/// The first value of a name in a form or in a query.
fn field(form: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(form.as_bytes()).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

fn is_number(phone: &str) -> bool {
    let digits = phone.strip_prefix('+').filter(|digits| !digits.starts_with('0')).unwrap_or_default();
    (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The path of the page, which the configuration names as `fallback_url`.
pub(super) const PATH: &str = "/login";
const TIMEOUT: Duration = Duration::from_secs(5);
