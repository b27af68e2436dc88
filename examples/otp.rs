//! A page behind truegate that logs users in without Truecaller: it asks for a number, and sends a code there.
//!
//! ```sh
//! export TRUEGATE_ADMIN_TOKEN=$(cargo run --features dev -- keys secret)   # the same in each terminal
//! cat >otp.yaml <<END
//! upstream: http://127.0.0.1:3000
//! callback: { path: $(cargo run --features dev -- keys path) }
//! admin: { token: "$TRUEGATE_ADMIN_TOKEN" }
//! session: { public_url: "http://127.0.0.1:8080", partner: { key: a-key, name: A Shop }, fallback_url: /login,
//!   secret: "$(cargo run --features dev -- keys secret)" }
//! routes: [{ path: /account, access: required }, { path: /, access: optional }]
//! END
//! cargo run --features dev -- serve --config otp.yaml
//! cargo run --example otp   # in another terminal, where it shows the codes
//! # Open http://127.0.0.1:8080/account in a browser, and use another way.
//! ```
//! `LISTEN` names another address, and `TRUEGATE_LOGINS` another URL of truegate's admin listener.

use std::{collections::HashMap, env, error::Error, sync::Arc, time::Duration, time::UNIX_EPOCH};

use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, Request, StatusCode, header::AUTHORIZATION};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Router, body::Body, routing::get};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::{net::TcpListener, sync::Mutex, time::timeout};
use url::form_urlencoded::byte_serialize;

type AnyError = Box<dyn Error + Send + Sync>;
type Fields = HashMap<String, String>;

/// Sends a code to a number. Write one that calls your SMS provider.
trait Sender {
    async fn send(&self, phone: &str, code: &str) -> Result<(), AnyError>;
}

struct Console;
impl Sender for Console {
    async fn send(&self, phone: &str, code: &str) -> Result<(), AnyError> {
        println!("to {phone}: {code}");
        Ok(())
    }
}

/// The page. Several servers keep the codes and the counts in a database that they share, each with the time of its end.
struct Page {
    sender: Console,
    token: String,
    codes: Mutex<HashMap<String, (String, u64)>>,
    counts: Mutex<HashMap<String, (u32, u64)>>,
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let token = env::var("TRUEGATE_ADMIN_TOKEN")?;
    let page = Page { sender: Console, token, codes: Mutex::default(), counts: Mutex::default() };
    let listener = TcpListener::bind(env::var("LISTEN").as_deref().unwrap_or("127.0.0.1:3000")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let ask = async |Query(query): Query<Fields>| form(StatusCode::OK, "What is your number?", PHONE, &query);
    let greet = async |headers: HeaderMap| text(&headers, "x-truecaller-phone").unwrap_or("a stranger").to_owned();
    let app = Router::new().route("/login", get(ask).post(verify)).fallback(greet).with_state(Arc::new(page));
    Ok(axum::serve(listener, app).await?)
}

async fn verify(page: State<Arc<Page>>, query: Query<Fields>, headers: HeaderMap, sent: Form<Fields>) -> Response {
    // Without a ticket, the user is logged in, or no login can be started now.
    let Some(ticket) = text(&headers, "x-truecaller-login") else { return to_login(&query) };
    let Some(phone) = sent.get("phone").filter(|phone| is_number(phone)) else {
        return form(StatusCode::BAD_REQUEST, "This is not a number.", PHONE, &query);
    };
    let (what, most) = if sent.contains_key("code") { ("tries", 10) } else { ("codes", 3) };
    let address = text(&headers, "x-forwarded-for").unwrap_or_default();
    if !page.allows(what, address, 10 * most).await || !page.allows(what, phone, most).await {
        return form(StatusCode::TOO_MANY_REQUESTS, "Try again in an hour.", PHONE, &query);
    }
    let enter = format!(r#"<input type="hidden" name="phone" value="{phone}">{CODE}"#);
    let Some(code) = sent.get("code") else {
        let code = format!("{:06}", rand::random_range(0..1_000_000));
        page.codes.lock().await.insert(phone.clone(), (code.clone(), now() + 600));
        let sent = page.sender.send(phone, &code).await.is_ok();
        let text = if sent { "Which code did you get?" } else { "No code could be sent." };
        return form(StatusCode::OK, text, &enter, &query);
    };
    if !page.takes(phone, code).await {
        return form(StatusCode::FORBIDDEN, "This is another code.", &enter, &query);
    }
    match page.finish(ticket, phone).await {
        Ok(StatusCode::NO_CONTENT) => to_login(&query),
        _ => form(StatusCode::SERVICE_UNAVAILABLE, "Please start again.", PHONE, &query),
    }
}

impl Page {
    /// Counts one more, and tells whether an hour may have so many.
    async fn allows(&self, what: &str, whose: &str, most: u32) -> bool {
        let mut counts = self.counts.lock().await;
        counts.retain(|_, (_, end)| *end > now());
        let (count, _) = counts.entry(format!("{what} {whose}")).or_insert((0, now() + 3600));
        *count += 1;
        *count <= most
    }

    /// Takes the code of a number, which works once.
    async fn takes(&self, phone: &str, code: &str) -> bool {
        let mut codes = self.codes.lock().await;
        codes.retain(|_, (_, end)| *end > now());
        codes.get(phone).is_some_and(|(known, _)| known == code) && codes.remove(phone).is_some()
    }

    async fn finish(&self, ticket: &str, phone: &str) -> Result<StatusCode, AnyError> {
        let url = env::var("TRUEGATE_LOGINS").unwrap_or("http://127.0.0.1:9090/logins".to_owned());
        let request = Request::post(url).header(AUTHORIZATION, format!("Bearer {}", self.token));
        let body = serde_json::json!({ "ticket": ticket, "phone": phone }).to_string();
        let finished = Client::builder(TokioExecutor::new()).build_http().request(request.body(Body::from(body))?);
        Ok(timeout(Duration::from_secs(5), finished).await??.status())
    }
}

/// The login hands the session over, and leads to the page that the user wanted.
fn to_login(query: &Fields) -> Response {
    Redirect::to(&format!("/.truegate/login?next={}", next(query))).into_response()
}

fn form(status: StatusCode, text: &str, fields: &str, query: &Fields) -> Response {
    let (start, next) = (r#"<!doctype html><meta name="viewport" content="width=device-width">"#, next(query));
    let form = format!(r#"<form method="post" action="/login?next={next}">{fields}<button>Continue</button></form>"#);
    (status, Html(format!("{start}<p>{text}</p>{form}"))).into_response()
}

/// The page that the user wanted, encoded for URLs and HTML.
fn next(query: &Fields) -> String {
    byte_serialize(query.get("next").map_or("/", String::as_str).as_bytes()).collect()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn is_number(phone: &str) -> bool {
    let digits = phone.strip_prefix('+').filter(|digits| !digits.starts_with('0')).unwrap_or_default();
    (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn now() -> u64 {
    UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs())
}

const PHONE: &str = r#"<input name="phone" type="tel" placeholder="+919999999999" required>"#;
const CODE: &str = r#"<input name="code" inputmode="numeric" required>"#;
