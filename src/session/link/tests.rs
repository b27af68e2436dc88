use std::collections::HashMap;

use url::Url;

use super::*;
use crate::session::DialogOption;

#[test]
fn a_base_is_the_app_or_a_page() {
    for base in [
        "truecallersdk://truesdk/web_verify",
        "http://127.0.0.1:8490/truesdk/web_verify",
        "http://[::1]:8490/truesdk/web_verify",
        "http://localhost/truesdk/web_verify",
        "https://phone.example/truesdk/web_verify",
    ] {
        assert_eq!(LinkBase::parse(base).unwrap().as_str(), base);
    }
    for (refused, error) in [
        ("", LinkBaseError::Url),
        ("/truesdk/web_verify", LinkBaseError::Url),
        ("http://phone.example/truesdk/web_verify", LinkBaseError::Insecure),
        ("http://127.0.0.1.evil.example/", LinkBaseError::Insecure),
        ("http://localhost@evil.example/", LinkBaseError::Insecure),
        ("javascript:alert(1)", LinkBaseError::Scheme),
        ("data:text/html,a", LinkBaseError::Scheme),
        ("intent://truesdk/web_verify", LinkBaseError::Scheme),
        ("truecallersdk:truesdk", LinkBaseError::Shape),
        ("truecallersdk://truesdk", LinkBaseError::Shape),
        ("truecallersdk:///web_verify", LinkBaseError::Shape),
        ("truecallersdk://truesdk/web_verify?type=btmsheet", LinkBaseError::Shape),
        ("https://phone.example/#a", LinkBaseError::Shape),
        ("https://user@phone.example/", LinkBaseError::Shape),
    ] {
        assert_eq!(LinkBase::parse(refused), Err(error), "{refused}");
    }
    assert_eq!(LinkBase::default().as_str(), "truecallersdk://truesdk/web_verify");
}

#[test]
fn a_deep_link_has_every_parameter_encoded_once() {
    let links = DeepLinks::new(LinkBase::default(), &everything(), Duration::from_secs(180));
    assert_eq!(
        links.deep(&request_id()),
        "truecallersdk://truesdk/web_verify?type=btmsheet&requestNonce=RL8YZ41FQMt5Jiak2sc_Ys0OgQA%3D\
         &partnerKey=k%2B1%2F%3D&partnerName=A%26B%20%231%20%E0%A4%A6%E0%A5%81%E0%A4%95%E0%A4%BE%E0%A4%A8&lang=hi\
         &loginPrefix=getstarted&loginSuffix=verifymobile&ctaPrefix=use&ctaColor=%230087ff&ctaTextColor=%23FFFFFF\
         &btnShape=round&skipOption=useanothernum&privacyUrl=https%3A%2F%2Fshop.example%2Fprivacy%3Fa%3D%2520\
         &termsUrl=http%3A%2F%2Fshop.example%2Fterms&ttl=180000"
    );
}

#[test]
fn what_is_not_set_is_not_in_the_link() {
    let links = DeepLinks::new(LinkBase::default(), &named("A Shop"), Duration::from_secs(180));
    assert_eq!(
        links.deep(&request_id()),
        "truecallersdk://truesdk/web_verify?type=btmsheet&requestNonce=RL8YZ41FQMt5Jiak2sc_Ys0OgQA%3D\
         &partnerKey=k%2B1%2F%3D&partnerName=A%20Shop&lang=en&ttl=180000"
    );
}

#[test]
fn any_name_comes_back_from_a_parser_as_it_was() {
    for name in ["A&B #1 दुकान", "100% +plus;semi", "a=b&requestNonce=evil", "%41", "😀\u{202e}", "'\"<>\\`{}|^"]
    {
        for base in ["truecallersdk://truesdk/web_verify", "http://127.0.0.1:8490/truesdk/web_verify"] {
            let links = DeepLinks::new(LinkBase::parse(base).unwrap(), &named(name), Duration::from_secs(180));
            for link in [links.deep(&request_id()), links.intent(&request_id())] {
                let url = Url::parse(&link).unwrap();
                let read: HashMap<_, _> = url.query_pairs().into_owned().collect();
                assert_eq!(read["partnerName"], name);
                assert_eq!(read["requestNonce"], request_id().expose());
                assert_eq!(read.len(), 6, "{link}");
            }
        }
    }
}

#[test]
fn an_intent_names_scheme_and_package_of_the_app() {
    let links = DeepLinks::new(LinkBase::default(), &named("a;end#Intent;package=evil"), Duration::from_secs(180));
    let (deep, intent) = (links.deep(&request_id()), links.intent(&request_id()));
    let query = deep.strip_prefix("truecallersdk://truesdk/web_verify?").unwrap();
    assert_eq!(
        intent,
        format!("intent://truesdk/web_verify?{query}#Intent;scheme=truecallersdk;package=com.truecaller;end")
    );
}

#[test]
fn a_page_in_place_of_the_app_has_no_intent() {
    let links = DeepLinks::new(
        LinkBase::parse("http://127.0.0.1:8490/truesdk/web_verify").unwrap(),
        &named("A Shop"),
        Duration::from_secs(180),
    );
    assert_eq!(links.intent(&request_id()), links.deep(&request_id()));
}

#[test]
fn the_dialog_waits_as_long_as_the_login_lives_but_not_under_8_seconds() {
    for (timeout, ttl) in
        [(Duration::ZERO, 8_000), (Duration::from_millis(8_001), 8_001), (Duration::from_secs(540), 540_000)]
    {
        let links = DeepLinks::new(LinkBase::default(), &named("A Shop"), timeout);
        assert!(links.deep(&request_id()).ends_with(&format!("&ttl={ttl}")));
    }
}

fn request_id() -> RequestId {
    RequestId::parse("RL8YZ41FQMt5Jiak2sc_Ys0OgQA=").unwrap()
}

fn named(name: &str) -> Partner {
    Partner::new("k+1/=", name).unwrap()
}

fn everything() -> Partner {
    let options = [
        (DialogOption::Lang, "hi"),
        (DialogOption::LoginPrefix, "getstarted"),
        (DialogOption::LoginSuffix, "verifymobile"),
        (DialogOption::CtaPrefix, "use"),
        (DialogOption::CtaColor, "#0087ff"),
        (DialogOption::CtaTextColor, "#FFFFFF"),
        (DialogOption::BtnShape, "round"),
        (DialogOption::SkipOption, "useanothernum"),
        (DialogOption::PrivacyUrl, "https://shop.example/privacy?a=%20"),
        (DialogOption::TermsUrl, "http://shop.example/terms"),
    ];
    options
        .iter()
        .fold(named("A&B #1 दुकान"), |partner, (option, text)| partner.option(*option, text).unwrap())
}
