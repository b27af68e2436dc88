//! Under which names the server keeps what, and how it is told of lifetimes and cursors.

use std::time::Duration;

use crate::{
    callback::RequestId,
    session::BrowserId,
    store::{Cursor, LONGEST},
};

/// Before the nonce of each login.
pub(super) const LOGIN: &str = "{truegate}:login:";

/// When each login ends, by its nonce: the logins that count.
pub(super) const ENDS: &str = "{truegate}:logins";

/// The stream of revocations.
pub(super) const REVOCATIONS: &str = "{truegate}:revocations";

pub(super) fn login(nonce: &RequestId) -> String {
    format!("{LOGIN}{}", nonce.expose())
}

/// The nonces of a browser, the newest last.
pub(super) fn browser(browser: &BrowserId) -> String {
    format!("{{truegate}}:browser:{}", browser.expose())
}

/// A cursor is the generation of the stream, and the id of an entry.
pub(super) fn cursor(generation: &[u8], id: &[u8]) -> Cursor {
    Cursor::new(format!("{} {}", String::from_utf8_lossy(generation), String::from_utf8_lossy(id)))
}

/// Both are empty before all revocations.
pub(super) fn parts(cursor: &Cursor) -> (&str, &str) {
    cursor.name().split_once(' ').unwrap_or_default()
}

/// In whole milliseconds, at least as long.
pub(super) fn milliseconds(lifetime: Duration) -> u64 {
    let whole = lifetime.min(LONGEST).as_nanos().div_ceil(1_000_000);
    u64::try_from(whole).expect("a century has few enough milliseconds")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_lifetime_is_cut() {
        assert_eq!(milliseconds(Duration::from_nanos(1)), 1);
        assert_eq!(milliseconds(Duration::from_millis(1500)), 1500);
        assert_eq!(milliseconds(Duration::MAX), 3_153_600_000_000);
    }

    #[test]
    fn a_cursor_has_two_parts_or_is_before_all() {
        assert_eq!(parts(&cursor(b"17.4", b"17-0")), ("17.4", "17-0"));
        assert_eq!(parts(&Cursor::default()), ("", ""));
        assert_eq!(parts(&Cursor::new("12")), ("", ""));
    }
}
