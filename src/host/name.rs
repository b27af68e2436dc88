//! The names of hosts.

/// Whether a text is a name that a host can have: labels of letters, digits, `-` and `_`, with a dot between each two, as long as
/// DNS lets them be (RFC 1035 §2.3.4). An IPv4 address is such a name, too. A dot at the end is for the caller to take away.
pub(crate) fn is_host_name(text: &str) -> bool {
    text.len() <= MAX_NAME && text.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=MAX_LABEL).contains(&label.len()) && label.bytes().all(is_plain)
}

const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_labels_that_dns_can_hold() {
        let (label, name) = ("a".repeat(63), format!("{}a", "a.".repeat(126)));
        for name in ["a", "A-1_b.example", "127.0.0.1", &label, &name] {
            assert!(is_host_name(name), "{name}");
        }
        let too_long = [label + "a", name + "a"];
        for text in
            ["", ".", "a.", ".a", "a..b", "a b", "*.a", "a:1", "[::1]", "\u{e9}.example", &too_long[0], &too_long[1]]
        {
            assert!(!is_host_name(text), "{text:?}");
        }
    }
}
