//! What an app could read as identity, and what a problem may tell.

use serde_json::{Value, json};

use crate::support::{edge::PATH, raw::Message};

/// The headers of a request that some server would take for truegate's, in lower case and in order.
pub fn claims(request: &Message) -> Vec<(String, String)> {
    let mut claims: Vec<_> = request.headers.iter().filter(|(name, _)| is_claim(name)).cloned().collect();
    claims.iter_mut().for_each(|(name, _)| name.make_ascii_lowercase());
    claims.sort();
    claims
}

/// Whether a name can be read as one of the namespace.
pub fn is_claim(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    name.starts_with("x-truecaller-")
}

/// The identity of the documented profile, with the request id of the callback.
pub fn documented(request_id: &str) -> Vec<(String, String)> {
    owned(&[
        ("x-truecaller-country", "IN"),
        ("x-truecaller-family-name", "Kapoor"),
        ("x-truecaller-given-name", "Rajat"),
        ("x-truecaller-method", "web"),
        ("x-truecaller-name", "Rajat Kapoor"),
        ("x-truecaller-phone", "+919999999999"),
        ("x-truecaller-request-id", request_id),
        ("x-truecaller-status", "verified"),
        ("x-truecaller-user-id", "1319413476"),
    ])
}

/// The identity of the documented profile, as every request of its session carries it.
pub fn known() -> Vec<(String, String)> {
    documented("").into_iter().filter(|(name, _)| name != "x-truecaller-request-id").collect()
}

/// The identity of the documented user, whom Truecaller verified in the site's app.
pub fn of_app() -> Vec<(String, String)> {
    let by = |(name, value): (String, String)| match &*name {
        "x-truecaller-method" => (name, "app".to_owned()),
        _ => (name, value),
    };
    known().into_iter().map(by).collect()
}

/// The identity of the same user without Truecaller, verified by a missed call.
pub fn of_missed_call() -> Vec<(String, String)> {
    owned(&[
        ("x-truecaller-country", "IN"),
        ("x-truecaller-method", "missed-call"),
        ("x-truecaller-phone", "+919999999999"),
        ("x-truecaller-status", "verified"),
    ])
}

/// What is said of a callback that was not verified.
pub fn declined(request_id: &str, status: &str) -> Vec<(String, String)> {
    owned(&[("x-truecaller-request-id", request_id), ("x-truecaller-status", status)])
}

/// Insists on problem details (RFC 9457) that tell the code and no secret.
pub fn assert_problem(answer: &Message, status: u16, code: &str) {
    assert_eq!((answer.status(), answer.code().as_str()), (status, code), "{answer:?}");
    assert_eq!(answer.one("content-type"), Some("application/problem+json"));
    assert_eq!(answer.one("cache-control"), Some("no-store"));
    let mut problem: Value = serde_json::from_slice(&answer.body).unwrap();
    let title = problem.as_object_mut().unwrap().remove("title").unwrap();
    assert!(title.is_string());
    assert_eq!(problem, json!({ "type": format!("urn:truegate:problem:{code}"), "status": status, "code": code }));
    let told = format!("{:?}{}", answer.headers, answer.text());
    for secret in SECRETS {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}

fn owned(claims: &[(&str, &str)]) -> Vec<(String, String)> {
    claims.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// What callbacks and profiles of these tests hold, where they go, and what libraries would say.
const SECRETS: [&str; 10] =
    ["a-nonce-", "RL8YZ41F", "a1asX--8", "9999999", "127.0.0.1", "v1/default", PATH, "serde", "reqwest", "expected"];
