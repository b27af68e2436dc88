//! The app: it greets whom a header names, and counts visits in a cookie of its own.

use std::net::SocketAddr;

use axum::{
    Router,
    extract::Request,
    response::{Html, IntoResponse, Redirect},
    routing::get,
};
use http::{HeaderMap, header};
use tokio::{net::TcpListener, task::JoinSet};

use crate::support::port::Port;

/// The app; it stops when it is dropped.
pub(super) struct Shop {
    port: Port,
    server: JoinSet<()>,
}

impl Shop {
    pub(super) async fn start() -> Self {
        let port = Port::reserve();
        let listener = TcpListener::bind(port.address()).await.unwrap();
        let mut server = JoinSet::new();
        server.spawn(async { axum::serve(listener, routes()).await.unwrap() });
        Self { port, server }
    }

    /// Answers no more: the listener and its connections close.
    pub(super) fn stop(&mut self) {
        self.server.abort_all();
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.port.address()
    }
}

pub(super) fn routes() -> Router {
    let another_way = "<h1>Another way</h1><p>Here the shop sends a code by SMS.</p>";
    Router::new()
        .route("/login", get(move || async move { page(another_way) }))
        .route("/embedded", get(|| async { page(EMBEDDED) }))
        .route("/signout", get(|| async { Redirect::to("/.truegate/logout?next=/public/") }))
        .fallback(greet)
}

async fn greet(request: Request) -> impl IntoResponse {
    let visits = visits(request.headers()) + 1;
    let links = match request.headers().get("x-truecaller-phone") {
        Some(phone) => format!("<h1>Hello, {}!</h1>{LOGOUT}", phone.to_str().unwrap()),
        None => format!("<h1>Hello, stranger!</h1>{LOGIN}"),
    };
    let cookie = format!("PHPSESSID={visits}; Path=/; HttpOnly");
    ([(header::SET_COOKIE, cookie)], page(&format!("{links}<p>Visit <b id=\"visits\">{visits}</b></p>")))
}

/// How often the browser was here, by its cookie.
fn visits(headers: &HeaderMap) -> u32 {
    let cookies = headers.get_all(header::COOKIE).iter().flat_map(|line| line.to_str().unwrap().split("; "));
    let counted = cookies.filter_map(|cookie| cookie.strip_prefix("PHPSESSID="));
    counted.map(|count| count.parse().unwrap()).next().unwrap_or(0)
}

fn page(content: &str) -> Html<String> {
    Html(format!("{FRAME}<main>{content}</main>"))
}

const FRAME: &str = r#"<!doctype html><html lang="en"><meta charset="utf-8"><title>Shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>:root { color-scheme: light dark } main { max-width: 26rem; margin: 0 auto; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif } h1 { font-size: 1.5rem }
a, button { display: inline-block; min-height: 44px; padding: .5rem 0; font: inherit } button { padding: .5rem 1rem }</style>"#;
const LOGIN: &str = r#"<a id="login" href="/.truegate/login?next=/account/%3Fa=b%26c=d">Log in</a>"#;
const LOGOUT: &str = r#"<p><a id="another" href="/embedded">Log in as somebody else</a></p>
<p><a id="signout" href="/signout">Sign out</a></p><form method="post" action="/account/save"><button id="save">Save</button></form>
<form method="post" action="/.truegate/logout"><button id="logout" name="next" value="/">Log out</button></form>"#;
/// The button inside of the app's own page, which keeps what it hears.
const EMBEDDED: &str = r#"<h1>Your order</h1><p><a id="truegate">Continue with Truecaller</a></p><p role="status"></p>
<script src="/.truegate/truegate.js"></script>
<script>
const heard = [];
const onState = state => { heard.push(state); document.querySelector('[role=status]').textContent = heard.join(' '); };
truegate.login(document.querySelector('#truegate'), { onState, next: '/account/' });
</script>"#;
