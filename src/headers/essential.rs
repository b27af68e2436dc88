//! The headers on which HTTP, proxies, browsers or sessions depend: no name of the namespace may be one of them.

use super::name_set::fold;

/// Whether a header means something to HTTP, to proxies or to browsers, so that setting or stripping it would break them.
pub(super) fn is_essential(name: &str) -> bool {
    let folded = fold(name);
    ESSENTIAL.contains(&folded.as_str()) || FAMILIES.iter().any(|family| folded.starts_with(family))
}

/// Whether a namespace with this prefix would cover a header that is not truegate's.
pub(super) fn covers_essential(prefix: &str) -> bool {
    let folded = fold(prefix);
    ESSENTIAL.iter().chain(&FAMILIES).any(|essential| essential.starts_with(&folded)) || is_essential(&folded)
}

/// The hop-by-hop headers of RFC 9110 §7.6.1, and those by which requests are routed, authorised, answered or told
/// apart.
const ESSENTIAL: [&str; 67] = [
    "age", "allow", "alt-svc", "authentication-info", "authorization", "cache-control", "clear-site-data",
    "connection", "cookie", "date", "depth", "destination", "dnt", "early-data", "etag", "expect", "expires",
    "forwarded", "from", "host", "http2-settings", "idempotency-key", "keep-alive", "last-event-id", "last-modified",
    "link", "location", "max-forwards", "origin", "permissions-policy", "pragma", "priority", "proxy",
    "proxy-authenticate", "proxy-authorization", "proxy-connection", "range", "referer", "referrer-policy",
    "retry-after", "server", "service-worker", "service-worker-allowed", "set-cookie", "strict-transport-security",
    "te", "timing-allow-origin", "trailer", "transfer-encoding", "upgrade", "upgrade-insecure-requests", "user-agent",
    "vary", "via", "x-content-type-options", "x-csrf-token", "x-forwarded-for", "x-forwarded-host",
    "x-forwarded-method", "x-forwarded-port", "x-forwarded-prefix", "x-forwarded-proto", "x-forwarded-uri",
    "x-frame-options", "x-original-uri", "x-original-url", "x-requested-with",
];

/// The start of the names of whole families of headers.
const FAMILIES: [&str; 8] =
    ["accept", "access-control-", "content-", "cross-origin-", "if-", "sec-", "www-authenticate", "x-rewrite-"];
