//! Logins without a browser: what a browser, a user and the app on their phone do.

use std::fmt::Display;

use http::{HeaderValue, header};
use reqwest::{Client, RequestBuilder, Response, redirect::Policy};
use serde::Deserialize;
use url::form_urlencoded;

use super::{
    DevError,
    site::{Demo, HOSTS},
};

/// A step, and what came of it.
pub(super) struct LoginStep {
    pub(super) request: String,
    pub(super) outcome: String,
}

/// A browser with its cookies.
struct DemoBrowser {
    http: Client,
    cookies: Vec<String>,
    steps: Vec<LoginStep>,
}

#[derive(Deserialize)]
struct LoginAnswer {
    request_id: String,
    deep_link: String,
}

#[derive(Deserialize)]
struct StatusAnswer {
    state: String,
}

/// Logs in to the shop with Truecaller, opens a page there that needs a login, then the wiki, and returns the steps.
pub(super) async fn with_truecaller(demo: &Demo, page: &str) -> Result<Vec<LoginStep>, DevError> {
    let (site, simulator) = (demo.shop_origin(), &demo.simulator);
    let mut browser = DemoBrowser::open(demo)?;
    browser.go("GET", browser.http.get(format!("{site}{page}")).header(header::ACCEPT, "text/html")).await?;
    let start = browser.http.post(format!("{site}/.truegate/login")).header(header::ORIGIN, &site);
    let LoginAnswer { request_id, deep_link } = read(browser.go("POST", start).await?).await?;

    browser.go("GET", browser.http.get(deep_link)).await?;
    let agreed = format!("request_id={request_id}&phone={PHONE}&answer=agree");
    browser.go("POST", browser.http.post(format!("{}/simulator/phone", simulator.origin())).body(agreed)).await?;

    let asked = format!("{site}/.truegate/status?request_id={request_id}&since=opened&wait=25");
    let StatusAnswer { state } = read(browser.go("GET", browser.http.get(asked)).await?).await?;
    if state != "verified" {
        return Err(not_logged_in(state));
    }
    browser.go("GET", browser.http.get(format!("{site}{page}"))).await?;
    browser.go("GET", browser.http.get(format!("{}/", demo.wiki_origin()))).await?;
    Ok(browser.steps)
}

/// Opens the wiki, uses another way to log in, which is the shop's page for codes, then the wiki again, and returns the steps.
pub(super) async fn with_a_code(demo: &Demo) -> Result<Vec<LoginStep>, DevError> {
    let (site, wiki) = (demo.shop_origin(), format!("{}/", demo.wiki_origin()));
    let next: String = form_urlencoded::byte_serialize(wiki.as_bytes()).collect();
    let page = format!("{}?next={next}", demo.code_page());
    let mut browser = DemoBrowser::open(demo)?;
    let open = |browser: &DemoBrowser, url: &str| browser.http.get(url).header("sec-fetch-mode", "navigate");
    let send = |browser: &DemoBrowser, form: String| browser.http.post(&page).header(header::ORIGIN, &site).body(form);
    browser.go("GET", open(&browser, &wiki)).await?;
    browser.go("GET", open(&browser, &page)).await?;

    let phone = format!("phone=%2B{CODE_PHONE}");
    let shown = browser.go("POST", send(&browser, phone.clone())).await?.text().await.map_err(no_answer)?;
    let code = shown.split_once("id=\"code\">").and_then(|(_, rest)| rest.split('<').next());
    let code = code.ok_or_else(|| not_logged_in("the page shows no code"))?;
    browser.go("POST", send(&browser, format!("{phone}&code={code}"))).await?;

    browser.go("GET", open(&browser, &format!("{site}/.truegate/login?next={next}"))).await?;
    browser.go("GET", open(&browser, &wiki)).await?;
    Ok(browser.steps)
}

impl DemoBrowser {
    fn open(demo: &Demo) -> Result<Self, DevError> {
        let client = Client::builder().no_proxy().redirect(Policy::none());
        // Browsers know that these names are this machine's, and some resolvers do not.
        let client = HOSTS.iter().fold(client, |client, host| client.resolve(host, demo.logins.address()));
        let http = client.build().map_err(no_answer)?;
        Ok(Self { http, cookies: Vec::new(), steps: Vec::new() })
    }

    /// Sends a request with the cookies, and keeps those that come.
    async fn go(&mut self, method: &str, request: RequestBuilder) -> Result<Response, DevError> {
        let request = request.header(header::COOKIE, self.cookies.join("; "));
        let answer = request.send().await.map_err(no_answer)?;
        for line in answer.headers().get_all(header::SET_COOKIE) {
            self.keep(line);
        }
        let request = format!("{method} {}", answer.url());
        self.steps.push(LoginStep { request, outcome: outcome(&answer) });
        Ok(answer)
    }

    fn keep(&mut self, line: &HeaderValue) {
        let pair = line.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
        let name = pair.split('=').next().unwrap_or_default();
        self.cookies.retain(|kept| kept.split('=').next() != Some(name));
        self.cookies.push(pair.to_owned());
    }
}

fn outcome(answer: &Response) -> String {
    let set = answer.headers().get_all(header::SET_COOKIE).iter();
    let names = set.filter_map(|line| line.to_str().ok()?.split('=').next().map(|name| format!(", sets {name}")));
    let to = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
    let to = to.map(|to| format!(" to {to}"));
    [answer.status().to_string()].into_iter().chain(to).chain(names).collect()
}

async fn read<T: for<'a> Deserialize<'a>>(answer: Response) -> Result<T, DevError> {
    let (status, body) = (answer.status(), answer.bytes().await.map_err(no_answer)?);
    serde_json::from_slice(&body).map_err(|_| not_logged_in(status))
}

fn not_logged_in(instead: impl Display) -> DevError {
    format!("the login was not completed: {instead}").into()
}

fn no_answer(error: impl Display) -> DevError {
    format!("the gateway or the simulator did not answer: {error}").into()
}

/// The phone number of the user with Truecaller, which is another one than that of the documented callback.
pub(super) const PHONE: &str = "919999900001";
/// The phone number of the user with a code.
pub(super) const CODE_PHONE: &str = "447700900123";
