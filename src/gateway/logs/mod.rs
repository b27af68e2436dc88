//! The access log and the audit log: where their lines go, how a line is written, and how it names a user.
//!
//! The program's own log, which tells what happens to the gateway, is in `logging`.

mod access;
mod audit;
mod audit_limit;
mod line;
mod logged_path;
mod output;
mod sink;
mod user_hash;

use std::{io, sync::Arc, time::Duration};

pub(super) use self::{
    access::{AccessLog, AccessRecord, Answer, AskedApp, ConnectionOrigin},
    audit::{AuditEntry, AuditEvent, AuditLog, GateObserver},
    user_hash::UserHasher,
};
use self::{
    audit_limit::AuditLimit,
    line::LogLine,
    sink::{LogSink, LogSinks},
};
use super::{
    config::{Config, ConfigErrors},
    route_names::RouteNames,
    telemetry::Telemetry,
};
use crate::{
    clock::{Clock, SystemClock},
    closed_list::closed_list,
    random::Random,
};

closed_list! {
    /// A log beside the program's own.
    pub(super) enum LogName {
        /// One line for each request.
        Access = "access",
        /// One line for each login, logout, refusal and attack.
        Audit = "audit",
    }
}

closed_list! {
    /// The reason why a line of a log is lost.
    pub(super) enum LineLoss {
        /// The destination takes lines more slowly than they come.
        Full = "full",
        /// The destination did not take it.
        Failed = "failed",
        /// Clients cause too many lines of its event. Only the audit log has this limit.
        Limited = "limited",
    }
}

impl LineLoss {
    /// Whether lines of a log can be lost for this reason.
    pub(super) fn is_of(self, log: LogName) -> bool {
        self != Self::Limited || log == LogName::Audit
    }
}

/// What the logs keep from one configuration to the next.
pub(super) struct Logs {
    sinks: LogSinks,
    /// Names users where the configuration has no key for it.
    users: UserHasher,
    audit_limit: Arc<AuditLimit>,
}

/// The logs that a configuration asks for. Clones share them.
#[derive(Clone)]
pub(super) struct RequestLogs {
    /// None if it is not asked for.
    pub(super) access: Option<Arc<AccessLog>>,
    /// The same.
    pub(super) audit: Option<Arc<AuditLog>>,
}

impl Logs {
    /// No log is open yet.
    pub(super) fn new(telemetry: &Telemetry) -> Self {
        Self {
            sinks: LogSinks::new(telemetry.clone()),
            users: UserHasher::random(&Random::system()),
            audit_limit: Arc::new(AuditLimit::new(&(Arc::new(SystemClock) as Arc<dyn Clock>))),
        }
    }

    /// Opens the logs that a configuration asks for. A log whose destination is the same as before goes on there.
    pub(super) fn open(&self, config: &Config, routes: &Arc<RouteNames>) -> Result<RequestLogs, OpenLogError> {
        let users = config.log.user_key.as_ref().map_or_else(|| self.users.clone(), UserHasher::new);
        let access = match &config.log.access {
            Some(log) => {
                let sink = self.sinks.open(LogName::Access, &log.to)?;
                Some(Arc::new(AccessLog::new(sink, log, config, routes, users.clone())))
            }
            None => None,
        };
        let audit = match &config.log.audit {
            Some(log) => {
                let sink = self.sinks.open(LogName::Audit, &log.to)?;
                let limit = Arc::clone(&self.audit_limit);
                Some(Arc::new(AuditLog::new(sink, routes, users, limit)))
            }
            None => None,
        };
        Ok(RequestLogs { access, audit })
    }

    /// Opens all files again, as the operator may have moved them away. It does not wait for that.
    pub(super) fn reopen(&self) {
        self.sinks.reopen();
    }

    /// Waits until every line is written, but no longer than this for each log. It blocks the thread.
    pub(super) fn flush(&self, limit: Duration) {
        self.sinks.flush(limit);
    }
}

/// The reason why a log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenLogError {
    /// Its file cannot be opened.
    #[error(transparent)]
    File(#[from] ConfigErrors),
    /// Its thread cannot be started.
    #[error("the thread of a log cannot be started: {0}")]
    Thread(#[source] io::Error),
}
