//! The site: what a gateway with sessions promises to browsers, played without one.
//!
//! The scenes know nothing of it but these methods.

mod desk;

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Request, State},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, StatusCode, Uri, header};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet, time::timeout};
use truegate::{
    session::{
        DeepLinks, Partner,
        page::{self, Language, LoginView, Pages, UnavailableView},
    },
    simulator::{Day, Simulator},
};

use self::desk::Desk;

pub(crate) struct Site {
    origin: String,
    desk: Arc<Desk>,
    _server: JoinSet<()>,
}

impl Site {
    pub(crate) async fn start(link_base: &str, _truecaller: &Simulator) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let partner = Partner::new("a-key", "A&B #1 दुकान").unwrap();
        let links = DeepLinks::new(link_base.parse().unwrap(), &partner, LIFETIME);
        let desk = Arc::new(Desk::new(links));
        let app = router(Arc::clone(&desk));
        let mut server = JoinSet::new();
        server.spawn(async { axum::serve(listener, app).await.unwrap() });
        Self { origin, desk, _server: server }
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    pub(crate) fn callback_url(&self) -> String {
        format!("{}/truecaller/callback", self.origin)
    }

    /// Makes users agree with profiles that cannot be used.
    pub(crate) fn fail_logins(&self, truecaller: &Simulator) {
        truecaller.set_day(Day::Inactive);
        self.desk.fails.store(true, SeqCst);
    }

    /// Lets every running login expire.
    pub(crate) fn expire_logins(&self) {
        self.desk.expire();
    }

    /// Makes logins that start from now on live for so many seconds.
    pub(crate) fn set_lifetime(&self, seconds: u64) {
        self.desk.lifetime.store(seconds, SeqCst);
    }

    /// Makes it impossible to start a login, or possible again.
    pub(crate) fn set_available(&self, available: bool) {
        self.desk.unavailable.store(!available, SeqCst);
    }

    /// How many logins were started.
    pub(crate) fn started(&self) -> usize {
        self.desk.started.load(SeqCst)
    }
}

fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/.truegate/login", get(login).post(start_login))
        .route("/.truegate/status", get(status))
        .route("/.truegate/truegate.js", get(script))
        .route("/truecaller/callback", post(callback))
        .route("/embedded", get(|| async { Html(EMBEDDED) }))
        .fallback(|request: Request| async move {
            Html(format!("<!doctype html><title>App</title><h1>{}</h1>{APP}", request.uri().path()))
        })
        .with_state(desk)
}

async fn login(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    let language = headers.get(header::ACCEPT_LANGUAGE).map_or("", |value| value.to_str().unwrap());
    let language = Language::negotiate(language);
    let pages = Pages::default();
    let Some(nonce) = desk.begin() else {
        let again = "/.truegate/login";
        let view = UnavailableView {
            language,
            again,
            fallback: "/login",
            retry_after: 1,
            partner: PARTNER,
            style_nonce: STYLE_NONCE,
        };
        return (StatusCode::SERVICE_UNAVAILABLE, shown(pages.unavailable(&view).unwrap())).into_response();
    };
    let view = LoginView {
        language,
        path: "/.truegate",
        request_id: nonce.expose(),
        deep_link: &desk.links.deep(&nonce),
        intent_link: &desk.links.intent(&nonce),
        next: "/account?a=b&c=d",
        fallback: "/login",
        expires_in: desk.lifetime.load(SeqCst),
        partner: PARTNER,
        style_nonce: STYLE_NONCE,
    };
    shown(pages.login(&view).unwrap())
}

fn shown(page: String) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, page::csp(STYLE_NONCE)),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::SET_COOKIE, BINDER.to_owned()),
    ];
    (headers, Html(page)).into_response()
}

async fn start_login(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> Response {
    assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    let _: HashMap<String, String> = serde_json::from_slice(&body).unwrap();
    let Some(nonce) = desk.begin() else {
        let headers = [(header::RETRY_AFTER, "1"), (header::CONTENT_TYPE, "application/problem+json")];
        return (StatusCode::SERVICE_UNAVAILABLE, headers, "{}").into_response();
    };
    let answer = json!({
        "request_id": nonce.expose(),
        "deep_link": desk.links.deep(&nonce),
        "intent_link": desk.links.intent(&nonce),
        "expires_in": desk.lifetime.load(SeqCst),
    });
    (StatusCode::CREATED, [(header::SET_COOKIE, BINDER)], Json(answer)).into_response()
}

async fn status(State(desk): State<Arc<Desk>>, headers: HeaderMap, uri: Uri) -> Json<Value> {
    let query: HashMap<_, _> = url::form_urlencoded::parse(uri.query().unwrap().as_bytes()).into_owned().collect();
    let login = desk.login(&query["request_id"]);
    let mine = headers.get(header::COOKIE).is_some_and(|cookie| cookie == BINDER.split(';').next().unwrap());
    let Some(mut login) = login.filter(|_| mine) else { return Json(json!({ "state": "expired" })) };
    let wait = Duration::from_secs(query["wait"].parse().unwrap());
    let _ = timeout(wait, login.wait_for(|state| *state != query["since"])).await;
    Json(json!({ "state": *login.borrow() }))
}

async fn callback(State(desk): State<Arc<Desk>>, body: Bytes) -> StatusCode {
    desk.hear(&serde_json::from_slice(&body).unwrap());
    StatusCode::NO_CONTENT
}

async fn script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], page::SCRIPT)
}

const PARTNER: &str = "A&B #1 दुकान";
const STYLE_NONCE: &str = "c3R5bGU";
const BINDER: &str = "truegate-login=browser; Path=/; HttpOnly; SameSite=Lax";
const LIFETIME: Duration = Duration::from_secs(180);
const APP: &str = "<a id=login href=/.truegate/login?next=/account>Log in</a>";
/// A page of the app with the button inside, which keeps what it hears.
const EMBEDDED: &str = r#"<!doctype html><title>Shop</title>
<a id="truegate">Log in</a><p role="status"></p>
<script src="/.truegate/truegate.js"></script>
<script>
const heard = [];
const onState = state => { heard.push(state); document.querySelector('[role=status]').textContent = heard.join(' '); };
window.truegate.login(document.querySelector('#truegate'), { onState, next: '/account' });
</script>"#;
