//! The headers that only proxies send.

use http::HeaderName;

use crate::headers::reads_as;

/// Whether only a proxy may send a header, in any spelling that an app might read so.
pub(super) fn may_say(name: &HeaderName) -> bool {
    PROXIES.iter().copied().flatten().any(|known| reads_as(name.as_str().as_bytes(), known))
}

/// The names, and the families of names, by which proxies tell apps where a request came from, what it was before they
/// changed it, or who sends it. The README has the same list.
const PROXIES: [&[&str]; 5] = [
    // The origin of the request.
    &[
        "forwarded", "forwarded-for", "x-forwarded", "x-forwarded-*", "x-real-ip", "x-client-ip",
        "x-cluster-client-ip", "proxy-client-ip", "wl-proxy-client-ip", "true-client-ip", "cf-connecting-ip",
        "cf-connecting-ipv6", "fastly-client-ip", "remote-addr",
    ],
    // By which scheme, and for which host.
    &["x-scheme", "x-url-scheme", "front-end-https", "x-host"],
    // The request as it was, or as it should become.
    &[
        "script-name", "x-script-name", "path-info", "x-original-url", "x-original-uri", "x-original-host",
        "x-original-method", "x-original-proto", "x-original-for", "x-original-forwarded-for",
        "x-original-remote-addr", "x-rewrite-url", "x-http-method-override", "x-http-method", "x-method-override",
    ],
    // The sender.
    &["x-remote-user", "ssl-client-*", "x-ssl-client-*", "x-client-cert", "x-arr-*"],
    // Instructions to the proxy itself.
    &["x-accel-*", "x-envoy-*"],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proxies_say_is_not_a_clients_to_say() {
        for (name, theirs) in [
            ("x-forwarded-prefix", true),
            ("x_forwarded_port", true),
            ("x.forwarded.user", true),
            ("x-real-ip", true),
            ("x_original_url", true),
            ("x-rewrite-url", true),
            ("ssl_client_verify", true),
            ("x-accel-redirect", true),
            ("remote_addr", true),
            ("script_name", true),
            ("path_info", true),
            ("x-forwarde", false),
            ("x-real-ip-2", false),
            ("x-request-id", false),
            ("remote-address", false),
            ("ssl-client", false),
            ("host", false),
        ] {
            assert_eq!(may_say(&HeaderName::from_static(name)), theirs, "{name}");
        }
    }

    #[test]
    fn every_name_is_in_the_readme_once() {
        let readme = include_str!("../../../README.md").to_ascii_lowercase();
        let names = PROXIES.concat();
        for (index, known) in names.iter().enumerate() {
            assert!(readme.contains(&format!("`{known}`")), "{known} is not in README.md");
            assert!(
                !names[..index].iter().any(|other| reads_as(known.trim_end_matches('*').as_bytes(), other)),
                "{known}"
            );
        }
    }
}
