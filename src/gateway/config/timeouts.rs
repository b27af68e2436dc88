//! `timeouts`: how long the gateway waits, for the app and for clients.

use std::{ops::RangeInclusive, time::Duration};

use super::{reader::Section, value};

/// How long the gateway waits. `None` is without a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// For a connection to the app, with its TLS handshake.
    pub connect: Option<Duration>,
    /// For the next bytes, from the app or in the body of a request.
    pub read: Option<Duration>,
    /// For room to send the next bytes.
    pub write: Option<Duration>,
    /// For the next request on a connection of a client.
    pub idle: Option<Duration>,
}

impl Timeouts {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let mut read = |name, range, default| section.read(name, value::time_limit(range)).unwrap_or(Some(default));
        Self {
            connect: read("connect", SHORTEST..=LONGEST, CONNECT),
            read: read("read", SHORTEST..=LONGEST, SILENCE),
            write: read("write", SHORTEST..=LONGEST, SILENCE),
            idle: read("idle", IDLE_RANGE, IDLE),
        }
    }
}

const CONNECT: Duration = Duration::from_secs(5);
/// Enough for a slow report or a quiet WebSocket, short enough to end what hangs.
const SILENCE: Duration = Duration::from_mins(5);
/// Longer than load balancers keep a connection by default, for they must be the first to close it.
const IDLE: Duration = Duration::from_secs(75);

const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_hours(24);
/// It is counted in whole seconds.
const IDLE_RANGE: RangeInclusive<Duration> = Duration::from_secs(1)..=LONGEST;
