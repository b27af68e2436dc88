//! What is stripped from requests, and what stays.

use http::header;
use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

#[test]
fn stripping_takes_names_out_of_lists_and_leaves_the_rest() {
    let names = HeaderNames::default();
    for (connection, left) in [
        (&["close, X-Truecaller-Phone"][..], Some("close")),
        (&["x-truecaller-phone"], None),
        (&["keep-alive", " x_truecaller_phone , upgrade"], Some("keep-alive, upgrade")),
        (&["X-Truecaller-Phone,X-Other"], Some("X-Other")),
    ] {
        let lines: Vec<_> = connection.iter().map(|value| ("connection", *value)).collect();
        let mut headers = headers(&lines);
        assert_eq!(names.strip(&mut headers), Spoofs { connection: true, ..Spoofs::default() });
        assert_eq!(headers.get(header::CONNECTION).map(HeaderValue::as_bytes), left.map(str::as_bytes));
    }
    let mut trailer = headers(&[("trailer", "X-Truecaller-Phone"), ("proxy-connection", "X-Truecaller-Phone")]);
    assert_eq!(names.strip(&mut trailer), Spoofs { trailer: true, connection: true, header: false });
    assert!(trailer.is_empty());
}

#[test]
fn stripping_leaves_ordinary_headers_as_they_came() {
    let lines = [
        ("accept", "a"),
        ("accept", "b"),
        ("connection", "close, x"),
        ("trailer", "expires"),
        ("x-forwarded-for", "c"),
    ];
    let mut stripped = headers(&lines);
    assert_eq!(HeaderNames::default().strip(&mut stripped), Spoofs::default());
    assert_eq!(stripped, headers(&lines));
}

#[test]
fn what_could_speak_unseen_is_taken_away() {
    let websocket = [("connection", "upgrade"), ("upgrade", "websocket")];
    for (lines, left) in [
        (&[("proxy", "http://evil.example")][..], &[][..]),
        (
            &[("connection", "upgrade, http2-settings"), ("upgrade", "h2c"), ("http2-settings", "AAMAAABk")],
            &[("connection", "upgrade, http2-settings")],
        ),
        (&[("upgrade", "websocket, H2C")], &[]),
        (&[("upgrade", "TLS/1.0, HTTP/1.1")], &[]),
        (&websocket, &websocket),
        (&[("upgrade", "chat/2")], &[("upgrade", "chat/2")]),
    ] {
        let mut stripped = headers(lines);
        assert_eq!(strip_request(&mut stripped), Spoofs::default());
        assert_eq!(stripped, headers(left), "{lines:?}");
    }
}

proptest! {
    #[test]
    fn nothing_of_the_namespace_survives_stripping(
        names in vec("[xX][-_.!~'*+]?[tT]ruecaller[-_.!~'*+][a-zA-Z-]{0,8}|[a-z]{1,6}|connection|trailer", 0..12),
        values in vec("[ ,]{0,2}([xX][-_]truecaller[-_]phone|close|[a-z]{1,6}){0,2}[ ,]{0,2}", 12),
    ) {
        let ours = HeaderNames::default();
        let mut headers = HeaderMap::new();
        for (name, value) in names.iter().zip(&values) {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let untouched: Vec<_> = names.iter().filter(|name| !folded(name).starts_with("x-truecaller-")).collect();
        let _ = ours.strip(&mut headers);
        prop_assert!(!headers.keys().any(|name| folded(name.as_str()).starts_with("x-truecaller-")));
        for list in ["connection", "trailer"] {
            for value in headers.get_all(list) {
                prop_assert!(!value.to_str().unwrap().split(',').any(|token| folded(token.trim()).starts_with("x-truecaller-")));
            }
        }
        for name in untouched.into_iter().filter(|name| !["connection", "trailer"].contains(&name.as_str())) {
            prop_assert!(headers.contains_key(name.as_str()));
        }
        let stripped = headers.clone();
        let _ = ours.strip(&mut headers);
        prop_assert_eq!(headers, stripped);
    }

    #[test]
    fn a_request_is_stripped_as_the_rules_say_one_by_one(lines in vec((select(&NAMES[..]), select(&VALUES[..])), 0..12)) {
        let mut stripped = headers(&lines);
        let spoofs = strip_request(&mut stripped);
        prop_assert_eq!((stripped, spoofs), by_the_rules(&lines));
    }
}

fn strip_request(headers: &mut HeaderMap) -> Spoofs {
    let names = HeaderNames::default();
    names.strip_request(names.survey(headers).suspects, headers)
}

/// Strips a request rule by rule, whether the headers are there or not.
fn by_the_rules(lines: &[(&str, &str)]) -> (HeaderMap, Spoofs) {
    let is_ours = |name: &str| folded(name).starts_with("x-truecaller-");
    let mut lines: Vec<_> = lines.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    lines.retain(|(name, _)| *name != "proxy");
    let carries_http = |protocol: &str| {
        let name = protocol.split('/').next().unwrap().trim().to_ascii_lowercase();
        ["h2c", "h2", "http", "tls"].contains(&name.as_str())
    };
    if lines.iter().any(|(name, value)| *name == "upgrade" && value.split(',').any(carries_http)) {
        lines.retain(|(name, _)| !["upgrade", "http2-settings"].contains(name));
    }
    let mut spoofs = Spoofs { header: lines.iter().any(|(name, _)| is_ours(name)), ..Spoofs::default() };
    lines.retain(|(name, _)| !is_ours(name));
    for list in ["connection", "proxy-connection", "trailer"] {
        let of_list = lines.iter().filter(|(name, _)| *name == list).flat_map(|(_, value)| value.split(','));
        let (ours, others): (Vec<_>, Vec<_>) = of_list.map(str::to_owned).partition(|token| is_ours(token.trim()));
        if ours.is_empty() {
            continue;
        }
        *(if list == "trailer" { &mut spoofs.trailer } else { &mut spoofs.connection }) = true;
        lines.retain(|(name, _)| *name != list);
        let others = others.join(",");
        lines.extend(Some((list, others.trim().to_owned())).filter(|(_, others)| !others.is_empty()));
    }
    let lines: Vec<_> = lines.iter().map(|(name, value)| (*name, value.as_str())).collect();
    (headers(&lines), spoofs)
}

const NAMES: [&str; 15] = [
    "connection", "proxy-connection", "trailer", "upgrade", "http2-settings", "proxy", "x-truecaller-phone",
    "x_truecaller_name", "x.truecaller.", "x-truecaller", "proxy_connection", "accept", "host", "te",
    "x-forwarded-for",
];

const VALUES: [&str; 12] = [
    "", "close", " X-Truecaller-Phone", "keep-alive, x_truecaller_name ,upgrade", "websocket", "h2c", "Tls/1.0, a",
    "websocket , HTTP/2", "x-truecaller-a,x.truecaller.b", ",", "http2-settings, x-truecaller", "h2cx",
];

fn folded(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}
