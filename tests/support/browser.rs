//! A real Chromium without a window, and one fresh profile; all of it ends with the test.

mod driver;

use std::{path::Path, time::Duration};

use fantoccini::{
    Client, ClientBuilder, Locator,
    actions::{InputSource, KeyAction, KeyActions},
    error::CmdError,
    key::Key,
    wd::{WebDriverCompatibleCommand, WindowHandle},
};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use self::driver::{Driver, capabilities};
use super::raw::within;

/// How a browser looks at pages.
#[derive(Debug, Clone)]
pub struct Looks {
    /// The size of the page, in CSS pixels.
    pub size: (u32, u32),
    pub dark: bool,
    /// What it says in `Accept-Language`.
    pub languages: &'static str,
    /// What it says in `User-Agent`.
    pub agent: &'static str,
    /// Whether it runs scripts.
    pub scripts: bool,
}

impl Default for Looks {
    /// An Android phone, light, in English.
    fn default() -> Self {
        Self { size: (360, 640), dark: false, languages: "en-US,en", agent: ANDROID, scripts: true }
    }
}

/// One browser.
pub struct Browser {
    client: Client,
    // Ends before its folder does.
    driver: Driver,
    _folder: TempDir,
}

impl Browser {
    pub async fn start() -> Self {
        Self::looking(&Looks::default()).await
    }

    pub async fn looking(looks: &Looks) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the browser's files");
        let mut driver = Driver::start(folder.path());
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(looks, &folder.path().join("profile")))
            .connect(&format!("http://{}", driver.address))
            .await
            .expect("chromium starts: scripts/setup tests installs it");
        driver.session = client.session_id().await.expect("the driver answers");
        let browser = Self { client, driver, _folder: folder };
        if looks.dark {
            let dark = json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
            browser.devtools("Emulation.setEmulatedMedia", &dark).await;
        }
        browser
    }

    /// The WebDriver client, for what has no shorter way here.
    pub fn client(&self) -> &Client {
        &self.client
    }

    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.expect("the page opens");
    }

    /// Taps what a CSS selector names, once it is there.
    pub async fn tap(&self, selector: &str) {
        let element = self.client.wait().for_element(Locator::Css(selector)).await;
        element.unwrap_or_else(|_| panic!("{selector} is on the page")).click().await.expect("it can be tapped");
    }

    /// Presses a key, wherever the focus is.
    pub async fn press(&self, key: Key) {
        let value = char::from(key);
        let keys = KeyActions::new("keyboard".to_owned()).then(KeyAction::Down { value }).then(KeyAction::Up { value });
        self.client.perform_actions(keys).await.expect("a key can be pressed");
    }

    /// What a script returns.
    pub async fn ask(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.expect("the script runs")
    }

    /// Waits until a condition in JavaScript holds. A page that is just being left holds none.
    pub async fn until(&self, condition: &str) {
        let script = format!("return Boolean({condition})");
        let holds = async {
            while !self.client.execute(&script, Vec::new()).await.is_ok_and(|holds| holds == true) {
                sleep(PAUSE).await;
            }
        };
        tokio::select! {
            () = holds => {}
            () = sleep(PATIENCE) => panic!("{condition} at {:?}: {:?}", self.client.current_url().await, self.client.source().await),
        }
    }

    /// The tab in front.
    pub async fn tab(&self) -> WindowHandle {
        self.client.window().await.expect("a tab is open")
    }

    /// Goes to a tab, as a user does: it is in front then.
    pub async fn go_to(&self, tab: &WindowHandle) {
        self.client.switch_to_window(tab.clone()).await.expect("the tab is open");
        self.devtools("Page.bringToFront", &json!({})).await;
    }

    /// Waits for a tab that was not among these, and goes to it.
    pub async fn go_to_new(&self, known: &[WindowHandle]) -> WindowHandle {
        let new = within(async {
            loop {
                let tabs = self.client.windows().await.expect("the browser answers");
                match tabs.into_iter().find(|tab| !known.contains(tab)) {
                    Some(tab) => return tab,
                    None => sleep(PAUSE).await,
                }
            }
        });
        let new = new.await;
        self.go_to(&new).await;
        new
    }

    /// What the console was told since the last time, each with its level first, such as `SEVERE`; violations of a
    /// page's policy are among it.
    pub async fn console(&self) -> Vec<String> {
        let entries = self.command("se/log", json!({ "type": "browser" })).await.expect("the driver keeps logs");
        let entries = entries.as_array().expect("a list").iter();
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        entries.map(|entry| format!("{} {}", text(entry, "level"), text(entry, "message"))).collect()
    }

    /// Sends a command of the DevTools protocol to the tab in front.
    pub async fn devtools(&self, method: &str, parameters: &Value) -> Value {
        let command = json!({ "cmd": method, "params": parameters });
        self.command("goog/cdp/execute", command).await.expect("a command of the protocol")
    }

    /// Lets the tab in front think that it has the focus, whatever is in front of it.
    pub async fn keep_focus(&self) {
        self.devtools("Emulation.setFocusEmulationEnabled", &json!({ "enabled": true })).await;
    }

    /// Keeps a picture of the tab in front.
    pub async fn screenshot(&self, path: &Path) {
        let picture = self.client.screenshot().await.expect("a picture");
        std::fs::write(path, picture).expect("the picture can be kept");
    }

    async fn command(&self, name: &'static str, body: Value) -> Result<Value, CmdError> {
        self.client.issue_cmd(Extension { name, body }).await
    }
}

/// A command of Chromium's driver beyond the standard.
#[derive(Debug)]
struct Extension {
    name: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.name))
    }

    fn method_and_body(&self, _: &url::Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

/// Chrome on Android.
pub const ANDROID: &str =
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36";
const PAUSE: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(60);
