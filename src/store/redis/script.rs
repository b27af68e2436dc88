//! The steps that the server takes as a whole, in Lua.

use redis::Script;

/// One script for each method of the trait. A server that does not know a script yet, or no longer, is given it.
pub(super) struct Scripts {
    pub(super) open: Script,
    pub(super) time_left: Script,
    pub(super) advance: Script,
    pub(super) state: Script,
    pub(super) moved: Script,
    pub(super) revoke: Script,
    pub(super) revocations: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            open: Script::new(concat!(include_str!("scripts/now.lua"), include_str!("scripts/open.lua"))),
            time_left: Script::new(concat!(include_str!("scripts/login.lua"), include_str!("scripts/time_left.lua"))),
            advance: Script::new(concat!(include_str!("scripts/login.lua"), include_str!("scripts/advance.lua"))),
            state: Script::new(concat!(include_str!("scripts/login.lua"), include_str!("scripts/state.lua"))),
            moved: Script::new(concat!(include_str!("scripts/login.lua"), include_str!("scripts/moved.lua"))),
            revoke: Script::new(concat!(
                include_str!("scripts/now.lua"),
                include_str!("scripts/revocation.lua"),
                include_str!("scripts/revoke.lua")
            )),
            revocations: Script::new(concat!(
                include_str!("scripts/revocation.lua"),
                include_str!("scripts/revocations.lua")
            )),
        }
    }
}
