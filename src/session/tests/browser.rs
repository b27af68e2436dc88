//! The browsers that visit a site.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use serde_json::Value;

use super::site::{Outcome, Site};
use crate::gate::{Step, TrustedProxy};

/// A browser with its cookies, on one host.
#[derive(Clone)]
pub(super) struct Browser {
    pub(super) host: String,
    pub(super) cookies: BTreeMap<String, String>,
}

/// On the one host of most sites.
impl Default for Browser {
    fn default() -> Self {
        Self::on("shop.example")
    }
}

impl Browser {
    pub(super) fn on(host: &str) -> Self {
        Self { host: host.to_owned(), cookies: BTreeMap::new() }
    }

    /// Starts a login, and gives its request id.
    pub(super) async fn start(&mut self, site: &Site) -> String {
        let origin = format!("https://{}", self.host);
        let (status, answer) = self.json(site, "POST", "/.truegate/login", &[("origin", &*origin)]).await;
        assert_eq!(status, 201, "{answer}");
        answer["request_id"].as_str().unwrap().to_owned()
    }

    pub(super) async fn state(&mut self, site: &Site, request_id: &str) -> String {
        let (status, answer) = self.json(site, "GET", &format!("/.truegate/status?request_id={request_id}"), &[]).await;
        assert_eq!(status, 200, "{answer}");
        answer["state"].as_str().unwrap().to_owned()
    }

    pub(super) async fn json(
        &mut self,
        site: &Site,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> (u16, Value) {
        let response = self.ask(site, method, target, headers).await;
        let body =
            if response.body().is_empty() { Value::Null } else { serde_json::from_slice(response.body()).unwrap() };
        (response.status().as_u16(), body)
    }

    /// Asks for what the gate answers itself.
    pub(super) async fn ask(
        &mut self,
        site: &Site,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Response<Bytes> {
        match self.go(site, method, target, headers).await {
            Outcome::Answered(response) => response,
            Outcome::Passed { .. } => panic!("{method} {target} reached the app"),
        }
    }

    /// The headers with which the app gets a request.
    pub(super) async fn pass(&mut self, site: &Site, target: &str) -> HeaderMap {
        match self.go(site, "GET", target, &[]).await {
            Outcome::Passed { request, .. } => request,
            Outcome::Answered(response) => panic!("{target} was answered {}", response.status()),
        }
    }

    /// The phone that the app is told with a request.
    pub(super) async fn phone(&mut self, site: &Site) -> Option<String> {
        let headers = self.pass(site, "/").await;
        headers.get("x-truecaller-phone").map(|phone| phone.to_str().unwrap().to_owned())
    }

    pub(super) async fn go(&mut self, site: &Site, method: &str, target: &str, headers: &[(&str, &str)]) -> Outcome {
        let outcome = site.send(self.request(method, target, headers)).await;
        match &outcome {
            Outcome::Passed { response, .. } => self.take(response),
            Outcome::Answered(response) => self.take(response.headers()),
        }
        outcome
    }

    pub(super) fn request(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Request<Bytes> {
        let request = Request::builder().method(method).uri(target).header(header::HOST, &self.host);
        let mut request = headers.iter().fold(request, |request, (name, value)| match *name {
            "trusted" => request.extension(TrustedProxy),
            _ => request.header(*name, *value),
        });
        if !self.cookies.is_empty() {
            let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, pairs.join("; "));
        }
        request.body(Bytes::new()).unwrap()
    }

    /// Opens a page whose response sets cookies of the app's.
    pub(super) async fn set_by_app(&mut self, site: &Site, lines: &[&str]) {
        let (head, _) = self.request("GET", "/", &[]).into_parts();
        let Step::Forward(edits) = site.gate.inspect(&head) else { panic!("it is open") };
        let mut response = HeaderMap::new();
        for line in lines {
            response.append(header::SET_COOKIE, line.parse().unwrap());
        }
        site.gate.apply_response(edits.response.as_deref(), &mut response);
        self.take(&response);
    }

    fn take(&mut self, headers: &HeaderMap) {
        for line in headers.get_all(header::SET_COOKIE) {
            let (pair, attributes) = line.to_str().unwrap().split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}
