//! Sessions of the site's own app, which sends a token in place of a cookie.

use http::{Response, StatusCode, header};
use serde_json::Value;

use super::{browser::Browser, site::Site};
use crate::{
    gate::Rejection,
    identity::{Identity, VerificationMethod},
    profile::Profile,
    session::{PublicUrl, PublicUrls, SealPurpose, Session},
};

fn profile() -> Profile {
    Profile::parse(br#"{"phoneNumbers":["919999999999"],"name":{"first":"Rajat"},"userId":"17"}"#).unwrap()
}

/// What an app hears on a host once its user was verified.
fn admit(site: &Site, host: &str) -> Result<Response<bytes::Bytes>, Rejection> {
    let (head, _) = Browser::on(host).request("POST", "/truecaller/native", &[]).into_parts();
    let identity = Identity::vouch(None, profile(), VerificationMethod::App);
    let admitted = site.gate.admit_app(&head, &identity).expect("the gate has sessions");
    admitted.map(|reply| reply.response)
}

#[test]
fn an_app_whose_user_was_verified_gets_a_token_and_is_told_who_it_is() {
    let site = Site::new();
    let response = admit(&site, "shop.example").unwrap();
    assert_eq!(
        (response.status(), &response.headers()[header::CACHE_CONTROL]),
        (StatusCode::OK, &"no-store".parse().unwrap())
    );
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    let told = ["phone", "method", "user_id", "name", "given_name"].map(|member| answer[member].as_str().unwrap());
    assert_eq!(told, ["+919999999999", "app", "17", "Rajat", "Rajat"]);
    assert!(answer["expires_at"].as_str().unwrap().ends_with('Z'));

    let sealed = answer["token"].as_str().unwrap().strip_prefix("truegate.").unwrap();
    let sealer = &site.tasks.sessions().0.sealer;
    let session = sealer.open_text(SealPurpose::Token(""), sealed.as_bytes()).unwrap();
    let session = Session::from_bytes(&session).unwrap();
    let identity = session.identity();
    assert_eq!((identity.profile().phone.as_str(), identity.method()), ("+919999999999", VerificationMethod::App));
    assert!(sealer.open_text(SealPurpose::Session(""), sealed.as_bytes()).is_none(), "it is no cookie");
}

#[test]
fn an_app_gets_no_token_on_a_host_without_sessions() {
    let urls = ["https://shop.example", "https://wiki.example"].map(|url| PublicUrl::parse(url).unwrap());
    let [first, second] = urls;
    let site = Site::of(PublicUrls::new(first, [second]).unwrap(), |sessions| sessions);
    assert!(admit(&site, "wiki.example").is_ok());
    assert_eq!(admit(&site, "other.example").err(), Some(Rejection::MisdirectedRequest));
}
