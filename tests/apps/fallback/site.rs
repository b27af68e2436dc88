//! A site whose own page verifies numbers: truegate as `docs/fallback.md` configures it, the page that it shows, and an app.

use std::{fs, net::SocketAddr, process::Command};

use url::form_urlencoded;

use super::{FORM, NEXT, OPENS};
use crate::{
    installed,
    page::Page,
    site::filled_in,
    support::{
        port::Port, program::Program, raw::Message, recorder::Recorder, server::Server, site_login::TOKEN,
        visitor::Visitor,
    },
};

pub const ORIGIN: &str = "https://shop.example";

/// What the page is written in.
#[derive(Debug, Clone, Copy)]
pub enum Language {
    Express,
    Flask,
    Php,
}

impl Language {
    pub const ALL: [Self; 3] = [Self::Express, Self::Flask, Self::Php];

    /// The path of the page, which is `fallback_url`.
    fn path(self) -> &'static str {
        match self {
            Self::Express | Self::Flask => "/login",
            Self::Php => "/login.php",
        }
    }

    /// The file that the document shows.
    fn file(self, document: &Page) -> (&'static str, String) {
        match self {
            Self::Express => ("login.js", document.file("login.js")),
            Self::Flask => ("login.py", document.file("login.py")),
            Self::Php => ("login.php", document.block("php")),
        }
    }

    /// The server, for an address of the test's own.
    fn command(self, address: SocketAddr) -> Command {
        let port = address.port().to_string();
        let mut command = match self {
            Self::Express => installed::node(),
            Self::Flask => installed::python("flask"),
            Self::Php => Command::new("php"),
        };
        match self {
            Self::Express => command.arg("login.js"),
            Self::Flask => command.args(["--app", "login", "run", "--port", &port]),
            Self::Php => command.args(["-d", "apc.enable_cli=1", "-S", &address.to_string()]),
        };
        command
    }
}

pub struct Site {
    language: Language,
    pub server: Server,
    pub truegate: Program,
    pub app: Recorder,
}

impl Site {
    /// Starts all of it.
    pub async fn of(language: Language) -> Self {
        // Shown when the test fails.
        println!("language: {language:?}");
        let (document, port, app) = (Page::read("../fallback.md"), Port::reserve(), Recorder::start().await);
        let truegate = Program::serve(&configuration(language, &document, port.address(), app.address()));
        let (name, text) = language.file(&document);
        assert!(text.contains(ADMIN), "{name} finishes logins at {ADMIN}");
        let text = text.replace(ADMIN, &truegate.admin().to_string());
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), text.replace("3000", &port.address().port().to_string())).unwrap();
        let mut command = language.command(port.address());
        command.env("TRUEGATE_ADMIN_TOKEN", TOKEN);
        Self { language, server: Server::start(command, port, folder).await, truegate, app }
    }

    /// A browser without cookies.
    pub fn visitor(&self) -> Visitor {
        Visitor::at(self.truegate.address(), ORIGIN)
    }

    /// The URL of the page, with the encoded path that the user wants to see next.
    pub fn page(&self, next: &str) -> String {
        format!("{}?next={next}", self.language.path())
    }

    /// Sends a form of the page.
    pub async fn send(&self, browser: &mut Visitor, form: &str) -> Message {
        let lines = format!("{OPENS}Origin: {ORIGIN}\r\n{FORM}");
        browser.send(&format!("POST {}", self.page(NEXT)), &lines, form).await
    }

    /// Has a code sent to a number.
    pub async fn sent_code(&self, browser: &mut Visitor, phone: &str) -> String {
        let sent = self.codes_sent();
        let answer = self.send(browser, &form_of(phone, None)).await;
        assert_eq!((answer.status(), self.codes_sent()), (200, sent + 1), "{}", answer.text());
        self.code(phone)
    }

    /// The last code that was sent to a number.
    pub fn code(&self, phone: &str) -> String {
        let log = self.server.log();
        let (_, rest) = log.rsplit_once(&format!("to {phone}: ")).expect("a code was sent");
        rest.split_whitespace().next().unwrap_or_default().to_owned()
    }

    /// How many codes were sent.
    pub fn codes_sent(&self) -> usize {
        self.server.log().matches("to +").count()
    }

    /// The ticket of a browser, of a request for a page below this one.
    pub async fn ticket(&self, browser: &mut Visitor) -> String {
        let path = format!("{}/ticket", self.language.path());
        assert_eq!(browser.get_with(&path, OPENS).await.status(), 200);
        let request = self.app.take().pop().unwrap();
        request.one("x-truecaller-login").expect("a ticket").to_owned()
    }
}

/// A form, with a code as it is encoded.
pub fn form_of(phone: &str, code: Option<&str>) -> String {
    let phone: String = form_urlencoded::byte_serialize(phone.as_bytes()).collect();
    let code = code.map(|code| format!("&code={code}")).unwrap_or_default();
    format!("phone={phone}{code}")
}

/// The configuration of the document, with what it leaves to the reader, and with addresses of the test's own.
fn configuration(language: Language, document: &Page, server: SocketAddr, app: SocketAddr) -> String {
    let path = language.path();
    let rules = format!(
        "routes:\n  - {{ path: {path}/ticket, access: optional }}\n  - {{ path: {path}, access: optional, upstream: page }}\n"
    );
    let shown = filled_in(&document.block("yaml"))
        .replace("${TRUEGATE_ADMIN_TOKEN}", TOKEN)
        .replace(ADMIN, "127.0.0.1:0")
        .replace("fallback_url: /login", &format!("fallback_url: {path}"))
        .replace("routes:\n", &rules);
    format!(
        "\
listen: 127.0.0.1:0
shutdown_grace: 0s
upstream: http://{app}
upstreams: {{ page: \"http://{server}\" }}
callback: {{ path: /truecaller/callback-q7hWm2oPzK4yXc8bTfV1dA }}
{shown}
"
    )
}

/// The admin listener in the document.
const ADMIN: &str = "127.0.0.1:9090";
