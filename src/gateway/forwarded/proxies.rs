//! The headers that only proxies send.

use http::HeaderName;

use crate::headers::reads_as;

/// Whether only a proxy may send a header, in any spelling that an app might read so.
pub(super) fn may_say(name: &HeaderName) -> bool {
    let name = name.as_str().as_bytes();
    let may_be = name.first_chunk().is_some_and(|start: &[u8; 4]| {
        // Most names that browsers send end here.
        let is_second = SECONDS[letter(start[0]) as usize] & (1 << letter(start[1])) != 0;
        is_second && STARTS.contains(&start.map(letter))
    });
    may_be && PROXIES.iter().copied().flatten().any(|known| reads_as(name, known))
}

/// The names, and the families of names, by which proxies tell apps where a request came from, what it was before they
/// changed it, or who sends it. `docs/gateway.md` has the same list.
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
        "x-original-remote-addr", "x-rewrite-url", "x-http-host-override", "x-http-method-override", "x-http-method",
        "x-method-override",
    ],
    // The sender.
    &["x-remote-user", "ssl-client-*", "x-ssl-client-*", "x-client-cert", "x-arr-*"],
    // Instructions to the proxy itself.
    &["x-accel-*", "x-envoy-*"],
];

/// The first letters of each name, so that few other names are compared with all of them.
const STARTS: [[u8; 4]; count()] = {
    let (mut starts, mut at, mut family) = ([[0; 4]; count()], 0, 0);
    while family < PROXIES.len() {
        let mut known = 0;
        while known < PROXIES[family].len() {
            let name = PROXIES[family][known].as_bytes();
            starts[at] = [letter(name[0]), letter(name[1]), letter(name[2]), letter(name[3])];
            (at, known) = (at + 1, known + 1);
        }
        family += 1;
    }
    starts
};

/// The second letters that there are for each first letter, one bit for each.
const SECONDS: [u32; 27] = {
    let (mut seconds, mut at) = ([0; 27], 0);
    while at < STARTS.len() {
        seconds[STARTS[at][0] as usize] |= 1 << STARTS[at][1];
        at += 1;
    }
    seconds
};

const fn count() -> usize {
    let (mut count, mut family) = (0, 0);
    while family < PROXIES.len() {
        count += PROXIES[family].len();
        family += 1;
    }
    count
}

/// The number of a letter, in either case. All other characters have one number.
const fn letter(byte: u8) -> u8 {
    if byte.is_ascii_alphabetic() { byte.to_ascii_lowercase() - b'a' } else { 26 }
}

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
    fn each_name_is_known_in_every_spelling() {
        for known in PROXIES.concat() {
            let name = known.replace('*', "any");
            for hyphen in ["-", "_", ".", "~", "!"] {
                let spelled = HeaderName::from_bytes(name.replace('-', hyphen).as_bytes()).unwrap();
                assert!(may_say(&spelled), "{spelled}");
            }
        }
    }

    #[test]
    fn every_name_is_in_the_documentation_once() {
        let page = include_str!("../../../docs/gateway.md").to_ascii_lowercase();
        let names = PROXIES.concat();
        for (index, known) in names.iter().enumerate() {
            assert!(page.contains(&format!("`{known}`")), "{known} is not in docs/gateway.md");
            assert!(
                !names[..index].iter().any(|other| reads_as(known.trim_end_matches('*').as_bytes(), other)),
                "{known}"
            );
        }
    }
}
