//! The steps that the server takes as a whole, in Lua, and how keys, states and lifetimes are written for them.

use std::time::Duration;

use redis::{Cmd, ErrorKind, FromRedisValue, RedisResult, ServerErrorKind, ToRedisArgs, aio::ConnectionLike, cmd};

use super::reconnect::Call;
use crate::{session::BrowserId, store::LONGEST};

/// The scripts. A server that does not know one yet, or no longer, is given it.
pub(super) struct Scripts {
    pub(super) open: Script,
    pub(super) time_left: Script,
    pub(super) advance: Script,
    pub(super) state: Script,
    pub(super) newest: Script,
    pub(super) moved: Script,
    pub(super) revoke: Script,
    pub(super) time: Script,
    // The steps of `open` where the keys are spread.
    pub(super) admit: Script,
    pub(super) enlist: Script,
    pub(super) create: Script,
}

pub(super) struct Script {
    code: String,
    hash: String,
}

/// A script with its keys, which are all in one slot, and its arguments.
pub(super) struct ScriptCall<'a> {
    script: &'a Script,
    keys: Vec<String>,
    arguments: Vec<Vec<u8>>,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let script = |step: &str| {
            let code = [include_str!("scripts/common.lua"), step].concat();
            Script { hash: redis::Script::new(&code).get_hash().to_owned(), code }
        };
        Self {
            open: script(include_str!("scripts/open.lua")),
            time_left: script(include_str!("scripts/time_left.lua")),
            advance: script(include_str!("scripts/advance.lua")),
            state: script(include_str!("scripts/state.lua")),
            newest: script(include_str!("scripts/newest.lua")),
            moved: script(include_str!("scripts/moved.lua")),
            revoke: script(include_str!("scripts/revoke.lua")),
            time: script(include_str!("scripts/time.lua")),
            admit: script(include_str!("scripts/admit.lua")),
            enlist: script(include_str!("scripts/enlist.lua")),
            create: script(include_str!("scripts/create.lua")),
        }
    }
}

impl Script {
    pub(super) fn call(&self) -> ScriptCall<'_> {
        ScriptCall { script: self, keys: Vec::new(), arguments: Vec::new() }
    }
}

impl ScriptCall<'_> {
    pub(super) fn key(mut self, key: impl Into<String>) -> Self {
        self.keys.push(key.into());
        self
    }

    pub(super) fn arg(mut self, argument: impl ToRedisArgs) -> Self {
        argument.write_redis_args(&mut self.arguments);
        self
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = cmd(name);
        command.arg(script).arg(self.keys.len()).arg(&self.keys).arg(&self.arguments);
        command
    }
}

impl Call for ScriptCall<'_> {
    async fn ask<T: FromRedisValue + Send>(&self, connection: &mut (impl ConnectionLike + Send)) -> RedisResult<T> {
        let answer = self.command("EVALSHA", &self.script.hash).query_async(connection).await;
        match answer {
            // It is given to the server that has the keys. The client would give it to all servers, and fail if one is down.
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.command("EVAL", &self.script.code).query_async(connection).await
            }
            answer => answer,
        }
    }
}

/// Where the keys of logins are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// All in one slot, so that each method is one script.
    OneSlot,
    /// Each login and each browser in a slot of its own.
    Spread,
}

impl Layout {
    pub(super) fn login_key(self, request_id: &str) -> String {
        match self {
            Self::OneSlot => format!("{LOGIN_PREFIX}{request_id}"),
            Self::Spread => format!("truegate:login:{{{request_id}}}"),
        }
    }

    /// The request ids of a browser, the newest last.
    pub(super) fn browser_key(self, browser: &BrowserId) -> String {
        match self {
            Self::OneSlot => format!("{{truegate}}:browser:{}", browser.expose()),
            Self::Spread => format!("truegate:browser:{{{}}}", browser.expose()),
        }
    }
}

/// Before the request id of each login, where all are in one slot.
pub(super) const LOGIN_PREFIX: &str = "{truegate}:login:";

/// When each login ends, by its request id: the logins that count.
pub(super) const ENDS: &str = "{truegate}:logins";

/// The stream of revocations.
pub(super) const REVOCATIONS: &str = "{truegate}:revocations";

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
}
