//! The steps that the server takes as a whole, in Lua, and how keys, states, lifetimes and cursors are written for them.

use std::time::Duration;

use redis::Script;

use crate::{
    callback::RequestId,
    session::BrowserId,
    store::{Cursor, LONGEST},
};

/// One script for each method of the trait, except the one that reads revocations. A server that does not know a script yet, or
/// no longer, is given it.
pub(super) struct Scripts {
    pub(super) open: Script,
    pub(super) time_left: Script,
    pub(super) advance: Script,
    pub(super) state: Script,
    pub(super) moved: Script,
    pub(super) revoke: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let script = |step: &str| Script::new(&[include_str!("scripts/common.lua"), step].concat());
        Self {
            open: script(include_str!("scripts/open.lua")),
            time_left: script(include_str!("scripts/time_left.lua")),
            advance: script(include_str!("scripts/advance.lua")),
            state: script(include_str!("scripts/state.lua")),
            moved: script(include_str!("scripts/moved.lua")),
            revoke: script(include_str!("scripts/revoke.lua")),
        }
    }
}

/// Before the request id of each login.
pub(super) const LOGIN_PREFIX: &str = "{truegate}:login:";

/// When each login ends, by its request id: the logins that count.
pub(super) const ENDS: &str = "{truegate}:logins";

/// The stream of revocations.
pub(super) const REVOCATIONS: &str = "{truegate}:revocations";

pub(super) fn login_key(request_id: &RequestId) -> String {
    format!("{LOGIN_PREFIX}{}", request_id.expose())
}

/// The request ids of a browser, the newest last.
pub(super) fn browser_key(browser: &BrowserId) -> String {
    format!("{{truegate}}:browser:{}", browser.expose())
}

/// A cursor is the generation of the stream and the id of an entry, which are both empty before all revocations.
pub(super) fn cursor(generation: &[u8], id: &[u8]) -> Cursor {
    Cursor::new(format!("{} {}", String::from_utf8_lossy(generation), String::from_utf8_lossy(id)))
}

pub(super) fn generation_and_id(cursor: &Cursor) -> (&str, &str) {
    // The id is the server's and has no space. The generation may be anything that others wrote.
    cursor.name().rsplit_once(' ').unwrap_or_default()
}

/// A lifetime in whole milliseconds, rounded up.
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
        assert_eq!(generation_and_id(&cursor(b"17.4", b"17-0")), ("17.4", "17-0"));
        assert_eq!(generation_and_id(&cursor(b"17 4 ", b"17-0")), ("17 4 ", "17-0"));
        assert_eq!(generation_and_id(&Cursor::default()), ("", ""));
        assert_eq!(generation_and_id(&Cursor::new("12")), ("", ""));
    }
}
