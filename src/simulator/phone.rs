//! The user's phone: a page that plays Truecaller's app.
//!
//! If the deep links of a site begin with the URL of this page in place of `truecallersdk://truesdk/web_verify`, a user can log
//! in to the site with a browser alone.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    response::{Html, IntoResponse, Response},
};
use http::{StatusCode, header::CACHE_CONTROL};
use minijinja::{Environment, context};
use serde_json::Value;
use url::form_urlencoded;

use super::{Call, DOCUMENTED_PROFILE, shared::SharedState};

/// `GET`: the app opens, and Truecaller posts `flow_invoked`.
pub(super) async fn open(State(shared): State<Arc<SharedState>>, RawQuery(query): RawQuery) -> Response {
    let link = match DeepLink::parse(query.as_deref().unwrap_or_default()) {
        Ok(link) => link,
        Err(error) => return refused(error),
    };
    let posted = post(&shared, Call::flow_invoked().request_id(&link.request_id)).await;
    let DeepLink { request_id, partner, lang } = link;
    page(StatusCode::OK, context! { request_id, partner, lang, phone => DOCUMENTED_PHONE, posted })
}

/// `POST`: the user has tapped a button.
pub(super) async fn answer(State(shared): State<Arc<SharedState>>, form: String) -> Response {
    let Some(call) = tapped(&form) else {
        return refused("The form has no request id, or no answer that a button has.");
    };
    page(StatusCode::OK, context! { posted => post(&shared, call).await })
}

/// Posts a callback to the callback URL, if there is one, and returns what was posted and answered.
async fn post(shared: &SharedState, call: Call) -> Option<String> {
    let url = shared.settings().callback_url.clone()?;
    Some(match call.post(shared, &url).await {
        Ok(posted) => {
            let told = posted.iter().map(|posted| {
                format!("Posted {}\nAnswered {}", String::from_utf8_lossy(&posted.body), posted.answer.status)
            });
            told.collect::<Vec<_>>().join("\n")
        }
        Err(error) => format!("No callback was answered: {}.", error.with_causes()),
    })
}

fn refused(error: &str) -> Response {
    page(StatusCode::BAD_REQUEST, context! { error })
}

fn page(status: StatusCode, shown: minijinja::Value) -> Response {
    // A name that ends in .html has everything escaped that is filled in.
    let html = Environment::new().render_named_str("phone.html", include_str!("phone.html"), shown);
    (status, [(CACHE_CONTROL, "no-store")], Html(html.expect("the page is valid"))).into_response()
}

/// The parts of a deep link that the page needs, read as the app reads them.
#[derive(Debug, PartialEq, Eq)]
struct DeepLink {
    request_id: String,
    partner: String,
    lang: String,
}

impl DeepLink {
    /// Reads a link. The error says why the app would lose the login.
    fn parse(query: &str) -> Result<Self, &'static str> {
        let given = |name| field(query, name).filter(|value| !value.is_empty());
        let request_id = given("requestNonce").ok_or(NO_NONCE)?;
        given("type").filter(|kind| kind == "btmsheet").ok_or(NO_TYPE)?;
        let key = given("partnerKey").ok_or(NO_PARTNER)?;
        Ok(Self { request_id, partner: given("partnerName").unwrap_or(key), lang: given("lang").unwrap_or_default() })
    }
}

/// The call that Truecaller posts when the user taps a button of the dialog.
fn tapped(form: &str) -> Option<Call> {
    let phone = field(form, "phone")?;
    let call = match field(form, "answer")?.as_str() {
        "agree" => Call::grant().profile(profile(&phone)),
        "refuse" => Call::refusal(),
        "another" => Call::another_number(),
        _ => return None,
    };
    Some(call.request_id(field(form, "request_id")?))
}

/// The first value of a name in a query or a form, decoded.
pub(super) fn field(text: &str, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(text.as_bytes());
    pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// A number as it was typed but for white space and the plus, which Truecaller leaves out.
pub(super) fn number(typed: &str) -> String {
    let phone: String = typed.chars().filter(|character| !character.is_whitespace()).collect();
    phone.trim_start_matches('+').to_owned()
}

/// The documented profile with another number; with one other than its own, it is another user's.
fn profile(phone: &str) -> String {
    let phone = number(phone);
    let documented = String::from_utf8_lossy(DOCUMENTED_PROFILE);
    if phone == DOCUMENTED_PHONE {
        return documented.into_owned();
    }
    let phone = Value::from(phone).to_string();
    [DOCUMENTED_PHONE, DOCUMENTED_USER_ID, DOCUMENTED_ID]
        .iter()
        .fold(documented.into_owned(), |text, known| text.replace(&format!("\"{known}\""), &phone))
}

const NO_NONCE: &str =
    "The link has no requestNonce, so the site could not tell whose login this is. Is the & before it missing?";
const NO_TYPE: &str = "The link has no type=btmsheet, so the app would not know what to show.";
const NO_PARTNER: &str = "The link has no partnerKey, so Truecaller would not know the site.";

/// The number of the documented profile.
pub(super) const DOCUMENTED_PHONE: &str = "919999999999";
pub(super) const DOCUMENTED_USER_ID: &str = "1319413476";
const DOCUMENTED_ID: &str = "655574719";

/// The path of the deep link, under the simulator's own origin.
pub(super) const PATH: &str = "/truesdk/web_verify";
/// The path that the page's form posts to.
pub(super) const ANSWER_PATH: &str = "/simulator/phone";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_read_as_the_app_reads_it() {
        let link = DeepLink::parse(
            "type=btmsheet&requestNonce=n%2Bn%3D&partnerKey=k&partnerName=A%26B%20%231%20%E0%A4%A6%E0%A5%81&lang=hi",
        );
        let (request_id, partner, lang) = ("n+n=".to_owned(), "A&B #1 दु".to_owned(), "hi".to_owned());
        assert_eq!(link, Ok(DeepLink { request_id, partner, lang }));
    }

    #[test]
    fn a_link_that_the_app_would_lose_is_an_error() {
        for (query, error) in [
            ("", NO_NONCE),
            ("type=btmsheetrequestNonce=abcdefgh&partnerKey=k&partnerName=A", NO_NONCE),
            ("type=btmsheet&requestNonce=&partnerKey=k", NO_NONCE),
            ("type=btmsheet&requestnonce=abcdefgh&partnerKey=k", NO_NONCE),
            ("type=btmsheet&amp;requestNonce=abcdefgh&partnerKey=k", NO_NONCE),
            ("requestNonce=abcdefgh&partnerKey=k", NO_TYPE),
            ("type=btmsheet&requestNonce=abcdefgh&partnerName=A", NO_PARTNER),
        ] {
            assert_eq!(DeepLink::parse(query), Err(error), "{query}");
        }
    }

    #[test]
    fn the_documented_number_has_the_documented_profile() {
        for typed in ["919999999999", "+91 99999 99999"] {
            assert_eq!(profile(typed).as_bytes(), DOCUMENTED_PROFILE);
        }
    }

    #[test]
    fn another_number_is_another_users() {
        let profile = profile("+91 99999 00001");
        assert_eq!(profile.matches("\"919999900001\"").count(), 3);
        assert!(!profile.contains("\"919999999999\"") && !profile.contains("1319413476"), "{profile}");
    }

    #[test]
    fn whatever_is_typed_stays_one_string() {
        assert!(profile("\"], \"evil\": [\"").contains(r#""phoneNumbers": ["\"],\"evil\":[\""]"#));
    }

    #[test]
    fn only_a_form_of_the_page_is_an_answer() {
        for form in
            ["", "request_id=abcdefgh&phone=1", "answer=agree&phone=1", "request_id=abcdefgh&phone=1&answer=Agree"]
        {
            assert!(tapped(form).is_none(), "{form}");
        }
        assert!(tapped("request_id=abcdefgh&phone=1&answer=another").is_some());
    }
}
