//! One host, as a header names it.

use std::{net::Ipv6Addr, num::NonZero};

/// Whether a text is one name or address with an optional port, and cannot be read as anything else.
///
/// A name has letters, digits, `-` and `_`, with dots between; an IPv6 address stands in brackets, without a zone.
pub(super) fn is_host(text: &str) -> bool {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => is_port(port) && is_name_or_address(host),
        _ => is_name_or_address(text),
    }
}

fn is_name_or_address(host: &str) -> bool {
    match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
        None => host.len() <= MAX_NAME && host.strip_suffix('.').unwrap_or(host).split('.').all(is_label),
    }
}

fn is_label(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<NonZero<u16>>().is_ok()
}

/// As long as DNS lets a name be, its last dot included.
const MAX_NAME: usize = 254;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for text in [
            "a",
            "app.example",
            "App.Example.",
            "my_app:3000",
            "xn--caf-dma.example:65535",
            "127.0.0.1:80",
            "[::1]",
            "[2001:db8::1]:8443",
            &"a".repeat(254),
        ] {
            assert!(is_host(text), "{text:?}");
        }
    }

    #[test]
    fn a_host_is_nothing_else() {
        for text in [
            "",
            ".",
            ":",
            ":80",
            "a:",
            "a:0",
            "a:65536",
            "a:+80",
            "a:80:80",
            "a b",
            " a",
            "a,b",
            "a, b",
            "legit,for=127.0.0.1",
            "a;b",
            "a/b",
            "//a",
            "https://a",
            "a\\b",
            "a?b",
            "a#b",
            "user@a",
            "a%2eb",
            "a..b",
            ".a",
            "a..",
            "caf\u{e9}.example",
            "::1",
            "[::1",
            "::1]",
            "[]",
            "[::1]a",
            "[::1]:",
            "[fe80::1%1]",
            "[127.0.0.1]",
            "[::1]:80:80",
            "a\r\nx: y",
            "\0",
            &"a".repeat(255),
        ] {
            assert!(!is_host(text), "{text:?}");
        }
    }
}
