//! What a request's head says of how it came about.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts};

/// Whether a person looks at the answer: a browser goes to the page.
pub(super) fn is_navigation(method: &Method, headers: &HeaderMap) -> bool {
    let reads = *method == Method::GET || *method == Method::HEAD;
    reads
        && match headers.get(SEC_FETCH_MODE) {
            Some(mode) => mode == "navigate",
            None => headers.get(header::ACCEPT).is_some_and(|accept| names(accept, "text/html")),
        }
}

/// Whether a request opens a WebSocket, over HTTP/1.1 or by RFC 8441.
///
/// A proxy that asks about one keeps `Upgrade` to itself, as headers of one hop are; `Sec-WebSocket-*` it passes on, and no
/// script can send them with anything else.
pub(super) fn is_web_socket(head: &Parts) -> bool {
    let upgrades = head.headers.get_all(header::UPGRADE).iter().any(|upgrade| names(upgrade, "websocket"));
    let negotiates = [header::SEC_WEBSOCKET_KEY, header::SEC_WEBSOCKET_VERSION];
    upgrades || head.method == Method::CONNECT || negotiates.iter().any(|name| head.headers.contains_key(name))
}

/// Whether a request comes from another site's page, as far as its browser says where it comes from.
pub(super) fn is_foreign(headers: &HeaderMap, origin: &str) -> bool {
    let ours = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(origin.as_bytes());
    !headers.get_all(header::ORIGIN).iter().all(ours)
}

/// Whether a request that changes something comes from a page of ours: it must say so.
pub(super) fn is_ours(headers: &HeaderMap, origin: &str) -> bool {
    let opaque = headers.get_all(header::ORIGIN).iter().all(|value| value == "null");
    let same_origin = headers.get(SEC_FETCH_SITE).is_some_and(|site| site == "same-origin");
    if opaque { same_origin } else { !is_foreign(headers, origin) }
}

/// Whether a browser says that another site's page is behind a request.
pub(super) fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get(SEC_FETCH_SITE).is_some_and(|site| site != "same-origin" && site != "none")
}

fn names(list: &HeaderValue, item: &str) -> bool {
    let name = |item: &[u8]| item.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii().to_owned();
    list.as_bytes().split(|byte| *byte == b',').any(|listed| name(listed).eq_ignore_ascii_case(item.as_bytes()))
}

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_navigation_is_known_by_its_mode_or_by_what_it_accepts() {
        for (method, lines, navigation) in [
            ("GET", &[("sec-fetch-mode", "navigate")][..], true),
            ("HEAD", &[("accept", "text/html")], true),
            ("GET", &[("accept", "application/xhtml+xml, TEXT/HTML;q=0.9")], true),
            ("GET", &[("sec-fetch-mode", "cors"), ("accept", "text/html")], false),
            ("GET", &[("accept", "*/*")], false),
            ("GET", &[("accept", "text/html2")], false),
            ("GET", &[], false),
            ("POST", &[("sec-fetch-mode", "navigate")], false),
            ("get", &[("sec-fetch-mode", "navigate")], false),
        ] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(is_navigation(&method, &headers(lines)), navigation, "{method} {lines:?}");
        }
    }

    #[test]
    fn what_changes_something_must_say_that_it_is_ours() {
        for (lines, ours) in [
            (&[("origin", "https://shop.example")][..], true),
            (&[("origin", "https://SHOP.example")], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("origin", "null"), ("sec-fetch-site", "same-origin")], true),
            (&[], false),
            (&[("origin", "null")], false),
            (&[("origin", "http://shop.example")], false),
            (&[("origin", "https://shop.example.evil")], false),
            (&[("origin", "https://evil.shop.example"), ("sec-fetch-site", "same-origin")], false),
            (&[("origin", "https://shop.example"), ("origin", "https://evil.example")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("referer", "https://shop.example/")], false),
        ] {
            assert_eq!(is_ours(&headers(lines), "https://shop.example"), ours, "{lines:?}");
        }
    }
}
