//! The headers that a configuration may not inject.

use super::claims::fold;

/// Whether a header means something to HTTP, to proxies or to sessions, so that setting it would break them.
pub(super) fn is_reserved(name: &str) -> bool {
    let folded = fold(name);
    RESERVED.contains(&folded.as_str()) || folded.starts_with("content-")
}

/// Whether a namespace that starts so would swallow a header that is not truegate's.
pub(super) fn swallows_reserved(prefix: &str) -> bool {
    let folded = fold(prefix);
    RESERVED.iter().any(|reserved| reserved.starts_with(&folded))
        || "content-".starts_with(&folded)
        || is_reserved(&folded)
}

/// The hop-by-hop headers of RFC 9110 §7.6.1, and those by which requests are routed, authorised or told apart.
const RESERVED: [&str; 26] = [
    "connection",
    "proxy-connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "proxy",
    "proxy-authenticate",
    "proxy-authorization",
    "host",
    "authorization",
    "cookie",
    "set-cookie",
    "expect",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-uri",
    "x-forwarded-method",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
];
