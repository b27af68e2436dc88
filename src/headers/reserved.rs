//! The headers that a configuration may not inject.

use super::claims::fold;

/// Whether a header means something to HTTP, to proxies or to browsers, so that setting it would break them.
pub(super) fn is_reserved(name: &str) -> bool {
    let folded = fold(name);
    RESERVED.contains(&folded.as_str()) || FAMILIES.iter().any(|family| folded.starts_with(family))
}

/// Whether a namespace that starts so would swallow a header that is not truegate's.
pub(super) fn swallows_reserved(prefix: &str) -> bool {
    let folded = fold(prefix);
    RESERVED.iter().chain(&FAMILIES).any(|reserved| reserved.starts_with(&folded)) || is_reserved(&folded)
}

/// The hop-by-hop headers of RFC 9110 §7.6.1, and those by which requests are routed, authorised, answered or told
/// apart.
const RESERVED: [&str; 47] = [
    "alt-svc",
    "authorization",
    "cache-control",
    "connection",
    "cookie",
    "date",
    "etag",
    "expect",
    "expires",
    "forwarded",
    "from",
    "host",
    "http2-settings",
    "keep-alive",
    "last-modified",
    "link",
    "location",
    "max-forwards",
    "origin",
    "pragma",
    "priority",
    "proxy",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "referer",
    "retry-after",
    "server",
    "set-cookie",
    "strict-transport-security",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-method",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-uri",
    "x-original-uri",
    "x-original-url",
];

/// What the names of whole families of headers start with.
const FAMILIES: [&str; 7] = ["accept", "access-control-", "content-", "if-", "sec-", "www-authenticate", "x-rewrite-"];
