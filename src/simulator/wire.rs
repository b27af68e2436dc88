//! The JSON of the routes that steer the simulator.

use std::{collections::BTreeMap, time::Duration};

use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Call, Posted, Seen, UnknownCall};

/// What `POST /simulator/callbacks` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    pub(super) to: String,
    kind: String,
    delay_ms: Option<u64>,
    request_id: Option<String>,
    endpoint: Option<String>,
    profile: Option<Box<RawValue>>,
}

impl Order {
    pub(super) fn call(self) -> Result<Call, UnknownCall> {
        let mut call: Call = self.kind.parse()?;
        if let Some(delay) = self.delay_ms {
            call = call.after(Duration::from_millis(delay));
        }
        if let Some(request_id) = self.request_id {
            call = call.request_id(request_id);
        }
        if let Some(endpoint) = self.endpoint {
            call = call.endpoint(endpoint);
        }
        if let Some(profile) = self.profile {
            call = call.profile(String::from(Box::<str>::from(profile)));
        }
        Ok(call)
    }
}

#[derive(Serialize)]
pub(super) struct Granted {
    pub(super) token: String,
}

#[derive(Serialize)]
pub(super) struct Called {
    pub(super) posted: Vec<PostedText>,
}

#[derive(Serialize)]
pub(super) struct PostedText {
    body: String,
    status: u16,
    headers: HeaderTexts,
    answer: String,
}

#[derive(Serialize)]
pub(super) struct Requests {
    pub(super) count: usize,
    pub(super) requests: Vec<SeenText>,
}

#[derive(Serialize)]
pub(super) struct SeenText {
    method: String,
    target: String,
    version: String,
    connection: usize,
    headers: HeaderTexts,
}

/// All values of each name, in the order that they came in.
type HeaderTexts = BTreeMap<String, Vec<String>>;

impl From<&Posted> for PostedText {
    fn from(posted: &Posted) -> Self {
        Self {
            body: text(&posted.body),
            status: posted.answer.status.as_u16(),
            headers: header_texts(&posted.answer.headers),
            answer: text(&posted.answer.body),
        }
    }
}

impl From<&Seen> for SeenText {
    fn from(seen: &Seen) -> Self {
        Self {
            method: seen.method.to_string(),
            target: seen.target.to_string(),
            version: format!("{:?}", seen.version),
            connection: seen.connection,
            headers: header_texts(&seen.headers),
        }
    }
}

fn header_texts(headers: &HeaderMap) -> HeaderTexts {
    headers
        .keys()
        .map(|name| (name.to_string(), headers.get_all(name).iter().map(|value| text(value.as_bytes())).collect()))
        .collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
