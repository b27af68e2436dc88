//! A sample app behind a gateway: it shows what it received, and knows nothing of Truecaller.

use std::{
    fmt::Write,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    extract::State,
    response::{Html, IntoResponse, Response},
};
use bytes::Bytes;
use clap::builder::styling::Style;
use http::{HeaderName, HeaderValue, request::Parts};
use minijinja::{Environment, context, value::Value};
use tokio::{net::TcpListener, task::JoinSet};

use crate::headers::HeaderNames;

/// An app; it stops when it is dropped.
pub(super) struct App {
    address: SocketAddr,
    memory: Arc<Memory>,
    _server: JoinSet<io::Result<()>>,
}

/// The kind of an app's answers.
#[derive(Clone, Copy)]
pub(super) enum AnswerKind {
    /// Text, for programs.
    Text,
    /// Pages with this title, for browsers.
    Pages(&'static str),
}

struct Memory {
    answers: AnswerKind,
    /// The path whose requests are kept.
    path: String,
    kept: Mutex<Option<Received>>,
}

impl App {
    /// Starts an app that keeps a request for a path.
    pub(super) async fn start(answers: AnswerKind, path: &str) -> io::Result<Self> {
        Self::with_routes(Router::new(), answers, path).await
    }

    /// Starts an app that also has other routes.
    pub(super) async fn with_routes(routes: Router, answers: AnswerKind, path: &str) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let memory = Arc::new(Memory { answers, path: path.to_owned(), kept: Mutex::default() });
        let routes = routes.fallback_service(Router::new().fallback(answer).with_state(Arc::clone(&memory)));
        let mut server = JoinSet::new();
        server.spawn(async { axum::serve(listener, routes).await });
        Ok(Self { address, memory, _server: server })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes the first request for the path since the last time; later ones are the user's own.
    pub(super) fn take(&self) -> Option<Received> {
        self.memory.kept().take()
    }
}

impl Memory {
    fn kept(&self) -> MutexGuard<'_, Option<Received>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(State(memory): State<Arc<Memory>>, head: Parts, body: Bytes) -> Response {
    let received = Received { head, body };
    let answer = match memory.answers {
        AnswerKind::Text => format!("The sample app received:\n\n{}", received.text(Style::new())).into_response(),
        AnswerKind::Pages(title) => Html(received.page(title)).into_response(),
    };
    if received.head.uri.path() == memory.path {
        memory.kept().get_or_insert(received);
    }
    answer
}

/// A request as the app received it.
pub(super) struct Received {
    head: Parts,
    body: Bytes,
}

impl Received {
    /// Whether it carries the identity of a user, and each header of it once.
    pub(super) fn is_verified(&self, phone: &str) -> bool {
        let says = |name: &str, value: &str| self.head.headers.get_all(name).iter().eq([value]);
        says("x-truecaller-status", "verified") && says("x-truecaller-phone", phone)
    }

    /// Returns the request in lines. Those that truegate injected come last, marked by a `+` and in `style`.
    pub(super) fn text(&self, style: Style) -> String {
        let Parts { method, uri, version, headers, .. } = &self.head;
        let mut text = format!("  {method} {uri} {version:?}\n");
        // Writing to a string cannot fail.
        for (name, value) in headers.iter().filter(|(name, _)| !is_injected(name)) {
            let _ = writeln!(text, "  {name}: {}", lossy(value));
        }
        text += &self.injected(style);
        if !self.body.is_empty() {
            let _ = writeln!(text, "\n  {}", String::from_utf8_lossy(&self.body));
        }
        text
    }

    fn injected(&self, style: Style) -> String {
        let injected = self.head.headers.iter().filter(|(name, _)| is_injected(name));
        injected.map(|(name, value)| format!("{style}+ {name}: {}{style:#}\n", lossy(value))).collect()
    }

    /// Returns a page that greets the user, and shows the request.
    fn page(&self, title: &str) -> String {
        let phone = self.head.headers.get("x-truecaller-phone").map(lossy);
        let (injected, request) = (self.injected(Style::new()), self.text(Style::new()));
        fill_in("app.html", include_str!("app.html"), context! { title, phone, injected, request })
    }
}

/// Fills in a page of the demo, whose name ends in `.html`: then everything that is filled in is escaped.
pub(super) fn fill_in(name: &str, template: &str, shown: Value) -> String {
    let mut pages = Environment::new();
    pages.add_template("page.html", include_str!("page.html")).expect("the frame is valid");
    pages.render_named_str(name, template, shown).expect("the page is valid")
}

/// A reserved name was injected by truegate: the gateway strips all others.
fn is_injected(name: &HeaderName) -> bool {
    HeaderNames::default().is_reserved(name)
}

fn lossy(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn received(headers: &[(&str, &str)]) -> Received {
        let request = headers.iter().fold(Request::get("/"), |request, (name, value)| request.header(*name, *value));
        let (head, ()) = request.body(()).unwrap().into_parts();
        Received { head, body: Bytes::from_static(b"<b>&") }
    }

    #[test]
    fn only_the_identity_of_the_user_is_verified_and_only_once() {
        let (status, phone) = (("x-truecaller-status", "verified"), ("x-truecaller-phone", "+919999999999"));
        for (headers, verified) in [
            (&[status, phone][..], true),
            (&[status], false),
            (&[phone], false),
            (&[status, phone, phone], false),
            (&[status, ("x-truecaller-phone", "+910000000000")], false),
            (&[("x-truecaller-status", "user_rejected"), phone], false),
        ] {
            assert_eq!(received(headers).is_verified("+919999999999"), verified, "{headers:?}");
        }
    }

    #[test]
    fn a_page_greets_whom_the_gateway_names() {
        assert!(received(&[]).page("A shop").contains("<h1>Hello, stranger!</h1>"));
        let known = received(&[("x-truecaller-phone", "+919999999999")]).page("A shop");
        assert!(known.contains("<h1>Hello, +919999999999!</h1>") && known.contains("/.truegate/logout"), "{known}");
    }

    #[test]
    fn whatever_is_sent_stays_text() {
        let page = received(&[("x-truecaller-phone", "<script>"), ("a", "</pre><script>")]).page("<b>");
        assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
        assert_eq!(page.matches("</pre>").count(), 2);
    }
}
