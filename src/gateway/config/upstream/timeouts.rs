//! `timeouts` of an app.

use std::{ops::RangeInclusive, time::Duration};

use crate::gateway::config::{Timeouts, reader::Section, value};

/// How long the gateway waits for one app. `None` stands for no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UpstreamTimeouts {
    /// For a connection to a server, with its TLS handshake.
    pub(crate) connect: Option<Duration>,
    /// For the next bytes of the app.
    pub(crate) read: Option<Duration>,
    /// For room to send the app the next bytes.
    pub(crate) write: Option<Duration>,
    /// For the next request on a connection to a server.
    pub(crate) idle: Duration,
}

impl UpstreamTimeouts {
    /// Those of an app that sets none itself.
    pub(super) fn of(defaults: Timeouts) -> Self {
        Self { connect: defaults.connect, read: defaults.read, write: defaults.write, idle: IDLE }
    }

    /// Reads `timeouts` of an app.
    pub(super) fn read(section: &mut Section<'_>, defaults: Timeouts) -> Self {
        let mut read = |name, default| section.read_or(name, default, &value::time_limit(Timeouts::RANGE));
        Self {
            connect: read("connect", defaults.connect),
            read: read("read", defaults.read),
            write: read("write", defaults.write),
            idle: section.read_or("idle", IDLE, &value::duration(IDLES)),
        }
    }
}

/// Shorter than common app servers keep a connection: they must not close it while a request is on its way that cannot be
/// repeated.
const IDLE: Duration = Duration::from_millis(1500);
const IDLES: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_hours(24);
