//! The users of the site's app, as Truecaller's SDK verifies them there.

use std::sync::Arc;

use axum::{Json, extract::State};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};
use sha2::{Digest, Sha256};

use super::{
    phone::{DOCUMENTED_PHONE, DOCUMENTED_USER_ID, number},
    shared::SharedState,
};

/// A user of the site's app.
///
/// By default any client id may ask for the user, and the app asks for every scope.
#[derive(Debug, Clone)]
pub struct AppUser {
    phone: String,
    client_id: Option<String>,
    scope: Option<String>,
    answer: Option<Bytes>,
}

impl AppUser {
    /// A user with this phone number. It is told as it was typed but for white space and the plus, which Truecaller leaves out.
    pub fn new(phone: &str) -> Self {
        Self { phone: number(phone), client_id: None, scope: None, answer: None }
    }

    /// Lets only this app ask for the user.
    #[must_use]
    pub fn client_id(self, client_id: impl Into<String>) -> Self {
        Self { client_id: Some(client_id.into()), ..self }
    }

    /// Sets the scopes that the app asks for, separated by spaces: `openid`, `profile`, `phone`, `email` and `address`.
    #[must_use]
    pub fn scope(self, scope: impl Into<String>) -> Self {
        Self { scope: Some(scope.into()), ..self }
    }

    /// Sets the answer to the question who this is. The simulator serves its bytes unchanged.
    #[must_use]
    pub fn answer(self, answer: impl Into<Bytes>) -> Self {
        Self { answer: Some(answer.into()), ..self }
    }

    /// Whether an app may ask for the user.
    pub(super) fn is_of(&self, client_id: &str) -> bool {
        self.client_id.as_ref().is_none_or(|own| own == client_id)
    }

    pub(super) fn has_scope(&self, name: &str) -> bool {
        self.scope.as_ref().is_none_or(|scope| scope.split(' ').any(|scope| scope == name))
    }

    /// The answer of the userinfo endpoint.
    pub(super) fn userinfo(&self, phone: Phone) -> Bytes {
        if let (Some(answer), Phone::Verified) = (&self.answer, &phone) {
            return answer.clone();
        }
        let (profile, email, address) = (self.has_scope("profile"), self.has_scope("email"), self.has_scope("address"));
        let has_phone = self.has_scope("phone") && phone != Phone::Absent;
        let documented = self.phone == DOCUMENTED_PHONE;
        write(&Userinfo {
            sub: if documented { DOCUMENTED_USER_ID } else { &self.phone },
            given_name: profile.then_some("Rajat"),
            family_name: profile.then_some("Kapoor"),
            phone_number: has_phone.then_some(&*self.phone),
            email: email.then_some("y.s@truecaller.com"),
            picture: profile.then_some("https://www.truecaller.com/picture.png"),
            gender: profile.then_some("male"),
            phone_number_country_code: has_phone.then_some("IN"),
            phone_number_verified: has_phone.then_some(phone == Phone::Verified),
            address: address.then_some(Address { locality: "Bangalore", postal_code: "560001" }),
        })
    }

    /// The answer of the missed-call endpoint.
    pub(super) fn phone_number_detail(&self, phone: Phone) -> Bytes {
        if let (Some(answer), Phone::Verified) = (&self.answer, &phone) {
            return answer.clone();
        }
        // Truecaller tells the number as a number.
        let number = RawValue::from_string(self.phone.clone()).ok().filter(|_| is_digits(&self.phone));
        let number = number.unwrap_or_else(|| string(&self.phone));
        let phone_number = (phone != Phone::Absent).then_some(&*number);
        write(&PhoneNumberDetail { phone_number, country_code: "IN" })
    }
}

/// What an answer says of the phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phone {
    Verified,
    Unverified,
    Absent,
}

/// Returns the S256 code challenge of a code verifier (RFC 7636 §4.2), which an app sends when it asks for a code.
pub fn code_challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

/// A code that waits for its verifier.
#[derive(Debug)]
pub(super) struct IssuedCode {
    pub(super) user: AppUser,
    pub(super) challenge: String,
}

/// `POST /simulator/app`: the user agreed.
pub(super) async fn agree(
    State(shared): State<Arc<SharedState>>,
    Json(asked): Json<AppRequest>,
) -> Result<Json<Value>, (StatusCode, String)> {
    let challenge = asked.code_challenge.clone().filter(|challenge| is_challenge(challenge));
    let challenge = challenge.ok_or((StatusCode::BAD_REQUEST, NO_CHALLENGE.to_owned()))?;
    Ok(Json(json!({ "code": shared.issue_code(asked.into(), challenge) })))
}

/// `POST /simulator/missed-call`: the user was called.
pub(super) async fn call(State(shared): State<Arc<SharedState>>, Json(asked): Json<AppRequest>) -> Json<Value> {
    Json(json!({ "access_token": shared.issue_missed_call(asked.into()) }))
}

/// The body of the requests for a code or a token.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AppRequest {
    phone: String,
    code_challenge: Option<String>,
    client_id: Option<String>,
    scope: Option<String>,
    answer: Option<Box<RawValue>>,
}

impl From<AppRequest> for AppUser {
    fn from(asked: AppRequest) -> Self {
        let AppRequest { phone, code_challenge: _, client_id, scope, answer } = asked;
        let answer = answer.map(|answer| String::from(Box::<str>::from(answer)).into());
        Self { phone: number(&phone), client_id, scope, answer }
    }
}

#[derive(Serialize)]
struct Userinfo<'a> {
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    given_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gender: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number_country_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Address<'a>>,
}

#[derive(Serialize)]
struct Address<'a> {
    locality: &'a str,
    postal_code: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhoneNumberDetail<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<&'a RawValue>,
    country_code: &'a str,
}

fn write(answer: &impl Serialize) -> Bytes {
    serde_json::to_vec(answer).expect("an object of strings can be written").into()
}

fn string(text: &str) -> Box<RawValue> {
    serde_json::value::to_raw_value(text).expect("a string can be written")
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0')
}

/// 43 characters of base64url: the hash of SHA-256.
fn is_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

const NO_CHALLENGE: &str =
    "code_challenge must be the S256 challenge of the verifier (RFC 7636 §4.2): 43 characters of base64url\n";
