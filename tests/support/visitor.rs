//! A visitor of the site: a browser as far as cookies and the origin of requests go.

use std::{collections::BTreeMap, net::SocketAddr};

use serde_json::Value;

use super::raw::{Message, exchange};

/// Somebody whose browser keeps cookies for one site.
#[derive(Debug, Clone)]
pub struct Visitor {
    address: SocketAddr,
    origin: String,
    cookies: BTreeMap<String, String>,
}

impl Visitor {
    /// Without cookies; they know the site by this origin.
    pub fn at(address: SocketAddr, origin: &str) -> Self {
        Self { address, origin: origin.to_owned(), cookies: BTreeMap::new() }
    }

    /// The same browser on another host of the site: it keeps the cookies that are not for one host alone.
    pub fn on(&self, origin: &str) -> Self {
        let mut other = self.clone();
        origin.clone_into(&mut other.origin);
        other.cookies.retain(|name, _| !name.starts_with("__Host-"));
        other
    }

    /// From now on, requests come to another gateway of the site.
    pub fn via(&mut self, address: SocketAddr) -> &mut Self {
        self.address = address;
        self
    }

    pub async fn get(&mut self, path: &str) -> Message {
        self.get_with(path, "").await
    }

    /// A GET with more header lines, each ending in CR LF.
    pub async fn get_with(&mut self, path: &str, lines: &str) -> Message {
        self.send(&format!("GET {path}"), lines, "").await
    }

    /// A POST of one of the site's pages.
    pub async fn post(&mut self, path: &str, body: &str) -> Message {
        let origin = format!("Origin: {}\r\n", self.origin);
        self.send(&format!("POST {path}"), &origin, body).await
    }

    /// A GET that has no answer if the session ends while it is in flight.
    pub async fn get_in_flight(&mut self, path: &str) -> Option<Message> {
        self.try_send(&format!("GET {path}"), "", "").await
    }

    /// Sends a request, and keeps the cookies of the answer.
    pub async fn send(&mut self, start: &str, lines: &str, body: &str) -> Message {
        self.try_send(start, lines, body).await.unwrap_or_else(|| panic!("no answer to {start}"))
    }

    async fn try_send(&mut self, start: &str, lines: &str, body: &str) -> Option<Message> {
        let host = self.origin.split_once("://").map_or("", |(_, host)| host);
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let head = format!("{start} HTTP/1.1\r\nHost: {host}\r\n{lines}{}{length}\r\n", self.cookie_line());
        let answer = exchange(self.address, head + body).await?;
        answer.all("set-cookie").iter().for_each(|line| self.keep(line));
        Some(answer)
    }

    /// Starts a login, and gives its request id.
    pub async fn start_login(&mut self) -> String {
        let answer = self.post("/.truegate/login", "").await;
        assert_eq!(answer.status(), 201, "{answer:#?}");
        json(&answer)["request_id"].as_str().expect("a request id").to_owned()
    }

    /// How a login stands once it is no longer in this state.
    pub async fn state_after(&mut self, request_id: &str, since: &str) -> String {
        let path = format!("/.truegate/status?request_id={request_id}&since={since}&wait=25");
        let answer = self.get(&path).await;
        assert_eq!(answer.status(), 200, "{answer:#?}");
        json(&answer)["state"].as_str().expect("a state").to_owned()
    }

    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    fn cookie_line(&self) -> String {
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { String::new() } else { format!("Cookie: {}\r\n", pairs.join("; ")) }
    }

    fn keep(&mut self, line: &str) {
        let (name, rest) = line.split_once('=').expect("a cookie has a name");
        if line.split("; ").any(|attribute| attribute == "Max-Age=0") {
            self.cookies.remove(name);
        } else {
            self.set_cookie(name, rest.split(';').next().unwrap_or_default());
        }
    }
}

/// The body of an answer.
pub fn json(answer: &Message) -> Value {
    serde_json::from_slice(&answer.body).expect("JSON")
}
