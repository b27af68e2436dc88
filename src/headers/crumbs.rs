//! The `Cookie` fields of HTTP/2, which come in pieces.

use http::{HeaderValue, header};

use super::HeaderTarget;

/// Joins the `Cookie` fields of a request of HTTP/2 to the one line that everything but HTTP/2 expects (RFC 9113 §8.2.3).
pub(crate) fn join_cookies(target: &mut impl HeaderTarget) {
    let crumbs = target.headers().get_all(header::COOKIE);
    if crumbs.iter().nth(1).is_none() {
        return;
    }
    let crumbs: Vec<_> = crumbs.iter().map(HeaderValue::as_bytes).filter(|crumb| !crumb.is_empty()).collect();
    let mut line = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])).expect("header values make a header value");
    line.set_sensitive(true);
    target.insert(&header::COOKIE, line);
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    #[test]
    fn crumbs_become_one_line() {
        for (crumbs, line) in [
            (&[][..], None),
            (&["a=1; b=2"], Some("a=1; b=2")),
            (&["a=1", "b=2", "c=\"3; 4\""], Some("a=1; b=2; c=\"3; 4\"")),
            (&["a=1; b=2", "", "c=3"], Some("a=1; b=2; c=3")),
        ] {
            let mut headers = HeaderMap::new();
            for crumb in crumbs {
                headers.append(header::COOKIE, HeaderValue::from_str(crumb).unwrap());
            }
            join_cookies(&mut headers);
            let lines: Vec<_> = headers.get_all(header::COOKIE).iter().collect();
            assert_eq!(lines, line.into_iter().collect::<Vec<_>>(), "{crumbs:?}");
        }
    }
}
