//! A browser as far as an app can tell: it keeps cookies for their paths, follows redirects, and says what it does.

use std::{net::SocketAddr, sync::Arc};

use cookie_store::CookieStore;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, rustls::ClientConfig, rustls::pki_types::ServerName};
use url::Url;

use crate::{
    site::ORIGIN,
    support::raw::{Message, within},
};

/// Somebody's browser, over HTTPS.
#[derive(Clone)]
pub struct Browser {
    address: SocketAddr,
    /// None where it speaks to the app itself.
    tls: Option<Arc<ClientConfig>>,
    cookies: CookieStore,
    /// Header lines that go with every request.
    spoof: String,
}

/// A page that was reached, perhaps by redirects.
pub struct Reached {
    pub url: Url,
    pub answer: Message,
}

impl Browser {
    pub fn new(address: SocketAddr, tls: Arc<ClientConfig>) -> Self {
        Self { address, tls: Some(tls), cookies: CookieStore::new(), spoof: String::new() }
    }

    /// A browser that gets past truegate to the app.
    pub fn direct(app: SocketAddr) -> Self {
        Self { address: app, tls: None, cookies: CookieStore::new(), spoof: String::new() }
    }

    /// From now on every request carries these header lines too.
    pub fn spoof(&mut self, lines: &str) {
        lines.clone_into(&mut self.spoof);
    }

    /// Opens a page, and follows where it leads.
    pub async fn open(&mut self, path: &str) -> Reached {
        let url = self.url(path);
        let first = self.request("GET", &url, NAVIGATION, "").await;
        self.follow(url, first).await
    }

    /// Submits a form of a page, and follows where it leads.
    pub async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Reached {
        let url = self.url(path);
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let lines = format!(
            "{NAVIGATION}Origin: {ORIGIN}\r\nReferer: {ORIGIN}/\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        );
        let first = self.request("POST", &url, &lines, &body).await;
        self.follow(url, first).await
    }

    /// Sends a request of a page's script.
    pub async fn script(&mut self, method: &str, path: &str, body: &str) -> Message {
        let lines = format!("Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nOrigin: {ORIGIN}\r\n");
        self.request(method, &self.url(path), &lines, body).await
    }

    async fn follow(&mut self, mut url: Url, mut answer: Message) -> Reached {
        for _ in 0..10 {
            let Some(location) = answer.one("location").filter(|_| (301..=303).contains(&answer.status())) else {
                return Reached { url, answer };
            };
            url = url.join(location).expect("a place to go to");
            assert_eq!(url.origin().ascii_serialization(), ORIGIN, "it leads away from the site");
            answer = self.request("GET", &url, NAVIGATION, "").await;
        }
        panic!("redirects without end, the last to {url}");
    }

    async fn request(&mut self, method: &str, url: &Url, lines: &str, body: &str) -> Message {
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let pairs: Vec<_> =
            self.cookies.get_request_values(url).map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = if pairs.is_empty() { String::new() } else { format!("Cookie: {}\r\n", pairs.join("; ")) };
        let length = if method == "GET" { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let host = url.host_str().expect("a host");
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Mozilla/5.0\r\n{lines}{cookies}{}{length}\r\n",
            self.spoof
        );
        let answer = self.exchange(host, &(head + body)).await;
        for line in answer.all("set-cookie") {
            // One that is for another path or host is not kept, as in a browser.
            let _ = self.cookies.parse(line, url);
        }
        answer
    }

    async fn exchange(&self, host: &str, request: &str) -> Message {
        let mut stream = TcpStream::connect(self.address).await.expect("somebody listens");
        let answer = match &self.tls {
            Some(tls) => {
                let name = ServerName::try_from(host.to_owned()).expect("a host's name");
                let connecting = TlsConnector::from(Arc::clone(tls)).connect(name, stream);
                let mut stream = within(connecting).await.expect("the certificate is known");
                talk(&mut stream, request).await
            }
            None => talk(&mut stream, request).await,
        };
        answer.unwrap_or_else(|| panic!("no answer to {}", request.lines().next().unwrap_or_default()))
    }

    fn url(&self, path: &str) -> Url {
        Url::parse(ORIGIN).and_then(|url| url.join(path)).expect("a path of the site")
    }
}

async fn talk(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &str) -> Option<Message> {
    stream.write_all(request.as_bytes()).await.expect("somebody reads");
    within(Message::read(stream)).await.expect("an answer")
}

impl Reached {
    pub fn path(&self) -> &str {
        self.url.path()
    }

    pub fn text(&self) -> String {
        self.answer.text()
    }

    /// The name of the field that a label of a form is for.
    pub fn labelled(&self, label: &str) -> String {
        let text = self.text();
        let (before, _) = text.split_once(&format!(">{label}</label>")).unwrap_or_else(|| panic!("no {label}: {text}"));
        let (_, name) = before.rsplit_once("for=\"").expect("a label is for a field");
        name.trim_end_matches('"').to_owned()
    }

    /// The value of a hidden field of a form.
    pub fn field(&self, name: &str) -> String {
        let text = self.text();
        let (_, rest) =
            text.split_once(&format!("name=\"{name}\"")).unwrap_or_else(|| panic!("no field {name}: {text}"));
        let (_, rest) = rest.split_once("value=\"").expect("a field has a value");
        rest.split('"').next().unwrap_or_default().to_owned()
    }
}

/// What a browser says when somebody follows a link of the site.
const NAVIGATION: &str = "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\nSec-Fetch-Site: same-origin\r\n\
    Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
