//! The callbacks that Truecaller posts.

use std::{str::FromStr, time::Duration};

use bytes::Bytes;
use serde::Serialize;

use super::{
    CallError, DOCUMENTED_PROFILE, DOCUMENTED_TOKEN, PostedCallback, post::CallbackTarget, shared::SharedState,
};

/// A kind of callback.
///
/// By default the request id and the token are new, a grant names the simulator's own endpoint, and its token gives the
/// documented profile.
#[derive(Debug, Clone)]
pub struct Call {
    pub(crate) kind: CallKind,
    pub(crate) delay: Duration,
    pub(crate) request_id: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) profile: Bytes,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum CallKind {
    Grant,
    Twice,
    Status(&'static str),
}

impl Call {
    /// The texts that name a call, each with its meaning.
    pub const KINDS: &[(&str, &str)] = &[
        ("grant", "the user agreed"),
        ("refusal", "the user said no (user_rejected)"),
        ("another-number", "the user wants another number (use_another_number)"),
        ("flow-invoked", "the dialog is shown (flow_invoked)"),
        ("twice", "the same grant two times"),
        ("late", "a grant after 5 seconds, or after the given delay"),
    ];

    /// The user agreed: a token and an endpoint.
    pub fn grant() -> Self {
        Self::new(CallKind::Grant)
    }

    /// The user refused: `user_rejected`.
    pub fn refusal() -> Self {
        Self::new(CallKind::Status("user_rejected"))
    }

    /// The user wants to use another number: `use_another_number`.
    pub fn another_number() -> Self {
        Self::new(CallKind::Status("use_another_number"))
    }

    /// The dialog is shown: `flow_invoked`.
    pub fn flow_invoked() -> Self {
        Self::new(CallKind::Status("flow_invoked"))
    }

    /// The same grant, byte for byte, two times. The second follows the answer to the first.
    pub fn twice() -> Self {
        Self::new(CallKind::Twice)
    }

    /// A grant after this delay.
    pub fn late(delay: Duration) -> Self {
        Self::grant().after(delay)
    }

    /// Waits before the first post.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Answers the login of this request id.
    #[must_use]
    pub fn request_id(self, request_id: impl Into<String>) -> Self {
        Self { request_id: Some(request_id.into()), ..self }
    }

    /// Names another endpoint in a grant. The endpoint need not be valid.
    #[must_use]
    pub fn endpoint(self, endpoint: impl Into<String>) -> Self {
        Self { endpoint: Some(endpoint.into()), ..self }
    }

    /// Grants this profile. The simulator serves its bytes unchanged.
    #[must_use]
    pub fn profile(self, profile: impl Into<Bytes>) -> Self {
        Self { profile: profile.into(), ..self }
    }

    /// Posts it to an allowed URL, and returns what was posted, in order, with the answers.
    pub(super) async fn post(self, shared: &SharedState, to: &str) -> Result<Vec<PostedCallback>, CallError> {
        let target = CallbackTarget::parse(to, shared.targets)?;
        tokio::time::sleep(self.delay).await;
        let count = if matches!(self.kind, CallKind::Twice) { 2 } else { 1 };
        let (body, mut posted) = (self.body(shared), Vec::new());
        for _ in 0..count {
            posted.push(PostedCallback { body: body.clone(), answer: target.post(body.clone()).await? });
        }
        Ok(posted)
    }

    fn body(self, shared: &SharedState) -> Bytes {
        let request_id = self.request_id.unwrap_or_else(|| shared.random.request_id());
        match self.kind {
            CallKind::Status(status) => json(&StatusBody { request_id: &request_id, status }),
            CallKind::Grant | CallKind::Twice => json(&GrantBody {
                request_id: &request_id,
                access_token: &shared.grant(self.profile),
                endpoint: self.endpoint.as_deref().unwrap_or(&shared.endpoint),
            }),
        }
    }

    fn new(kind: CallKind) -> Self {
        let profile = Bytes::from_static(DOCUMENTED_PROFILE);
        Self { kind, delay: Duration::ZERO, request_id: None, endpoint: None, profile }
    }
}

impl FromStr for Call {
    type Err = UnknownCall;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "grant" => Self::grant(),
            "refusal" => Self::refusal(),
            "another-number" => Self::another_number(),
            "flow-invoked" => Self::flow_invoked(),
            "twice" => Self::twice(),
            "late" => Self::late(LATE),
            _ => return Err(UnknownCall(text.to_owned())),
        })
    }
}

/// A text that does not name a kind of callback.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a kind of callback; the kinds are {kinds}", kinds = Call::KINDS.iter().map(|(kind, _)| *kind).collect::<Vec<_>>().join(", "))]
pub struct UnknownCall(String);

/// The documented callback with another endpoint in it.
pub(super) fn documented(endpoint: &str) -> Bytes {
    json(&GrantBody { request_id: DOCUMENTED_REQUEST_ID, access_token: DOCUMENTED_TOKEN, endpoint })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GrantBody<'a> {
    request_id: &'a str,
    access_token: &'a str,
    endpoint: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusBody<'a> {
    request_id: &'a str,
    status: &'a str,
}

fn json(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).expect("an object of strings can be written").into()
}

/// Truecaller gives a callback route 3 seconds.
const LATE: Duration = Duration::from_secs(5);
const DOCUMENTED_REQUEST_ID: &str = "RL8YZ41FQMt5Jiak2sc_Ys0OgQA=";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_callback_is_the_documented_one_byte_for_byte() {
        let sample = include_bytes!("callback.json");
        assert_eq!(documented("https://profile4-noneu.truecaller.com/v1/default"), sample.trim_ascii());
    }

    #[test]
    fn every_kind_is_read_and_no_other() {
        for (kind, _) in Call::KINDS {
            assert!(kind.parse::<Call>().is_ok(), "{kind}");
        }
        let error = "raw".parse::<Call>().unwrap_err().to_string();
        assert!(error.ends_with("the kinds are grant, refusal, another-number, flow-invoked, twice, late"), "{error}");
    }
}
