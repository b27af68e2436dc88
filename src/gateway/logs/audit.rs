//! The audit log: one line for each login, logout and revocation, for users who were refused and for identities that clients claimed.

use std::{net::IpAddr, sync::Arc};

use super::{AuditLimit, LogLine, LogName, LogSink, UserHasher};
use crate::{
    clock::{Clock as _, SystemClock},
    closed_list::closed_list,
    gate::{
        AppLoginOutcome, CallbackOutcome, ClientInfo, Event, EventContext, LoginEvent, Observer, RevocationScope,
        SpoofChannel, VerificationOutcome,
    },
    gateway::{
        config::LineFormat,
        request_id::HttpRequestId,
        route_names::{RouteId, RouteNames},
        telemetry::Telemetry,
    },
    headers::Spoofs,
    identity::VerificationMethod,
    profile::PhoneNumber,
};

/// The audit log.
pub(in crate::gateway) struct AuditLog {
    sink: LogSink,
    users: UserHasher,
    routes: Arc<RouteNames>,
    limit: Arc<AuditLimit>,
}

closed_list! {
    /// What a line of the audit log tells of.
    pub(in crate::gateway) enum AuditEvent {
        /// The gateway takes requests.
        Start = "start",
        /// The gateway begins to stop.
        Stop = "stop",
        /// A configuration is in force that was read again.
        Reload = "reload",
        /// A configuration was read again and is not in force.
        ReloadRefused = "reload-refused",
        /// A login has its request id.
        LoginStarted = "login-started",
        /// A user is verified.
        LoginVerified = "login-verified",
        /// A user refused to log in.
        LoginRefused = "login-refused",
        /// A login, or an attempt to end one, failed.
        LoginFailed = "login-failed",
        /// A user has ended a session.
        Logout = "logout",
        /// Sessions were ended before their time, and not by a logout from the session itself.
        Revocation = "revocation",
        /// A rule does not let a user in.
        NotAllowed = "not-allowed",
        /// A client claimed an identity, and the claim was stripped.
        Spoof = "spoof",
        /// The admin listener refused a request for a route of operators.
        AdminRefused = "admin-refused",
    }
}

impl AuditEvent {
    /// Whether clients can cause as many of these lines as they like.
    pub(super) fn is_limited(self) -> bool {
        // The operator causes the others, or a verified user does, or the gate limits them: the logins that are started.
        matches!(self, Self::LoginRefused | Self::LoginFailed | Self::NotAllowed | Self::Spoof | Self::AdminRefused)
    }
}

/// What a line tells. A field without a value is left out.
pub(in crate::gateway) struct AuditEntry<'a> {
    pub(in crate::gateway) event: AuditEvent,
    pub(in crate::gateway) id: Option<&'a HttpRequestId>,
    pub(in crate::gateway) client: Option<IpAddr>,
    pub(in crate::gateway) user: Option<&'a PhoneNumber>,
    pub(in crate::gateway) method: Option<VerificationMethod>,
    pub(in crate::gateway) route: RouteId,
    /// A word from a closed set.
    pub(in crate::gateway) cause: Option<&'static str>,
    pub(in crate::gateway) scope: Option<RevocationScope>,
    pub(in crate::gateway) spoofs: Spoofs,
}

impl From<AuditEvent> for AuditEntry<'_> {
    fn from(event: AuditEvent) -> Self {
        Self {
            event,
            id: None,
            client: None,
            user: None,
            method: None,
            route: RouteId::NONE,
            cause: None,
            scope: None,
            spoofs: Spoofs::default(),
        }
    }
}

impl AuditLog {
    pub(super) fn new(sink: LogSink, routes: &Arc<RouteNames>, users: UserHasher, limit: Arc<AuditLimit>) -> Self {
        Self { sink, users, routes: Arc::clone(routes), limit }
    }

    /// Writes a line, unless there are too many of its kind.
    pub(in crate::gateway) fn write(&self, entry: &AuditEntry<'_>) {
        // All callbacks come from the few addresses of Truecaller's servers.
        let client = entry.client.filter(|_| entry.method != Some(VerificationMethod::Web));
        let left_out = match self.limit.admit(entry.event, client) {
            Ok(left_out) => left_out,
            Err(_) => return self.sink.count_left_out(),
        };
        let mut line = LogLine::begin(LineFormat::Json, LogName::Audit, SystemClock.wall());
        line.word("event", entry.event.code());
        if let Some(id) = entry.id {
            line.bytes("id", id.value().as_bytes(), usize::MAX);
        }
        if let Some(client) = entry.client {
            line.display("client", client);
        }
        if let Some(user) = entry.user {
            line.display("user", self.users.hash(user));
        }
        if let Some(method) = entry.method {
            line.word("method", method.code());
        }
        if entry.route != RouteId::NONE {
            line.display("route", self.routes.name(entry.route));
        }
        if let Some(cause) = entry.cause {
            line.word("cause", cause);
        }
        if let Some(scope) = entry.scope {
            line.word("scope", scope.code());
        }
        if entry.spoofs != Spoofs::default() {
            line.words("channels", SpoofChannel::of(entry.spoofs).map(SpoofChannel::code));
        }
        if entry.event == AuditEvent::Start {
            line.word("version", env!("CARGO_PKG_VERSION"));
        }
        if left_out > 0 {
            line.number("left_out", left_out);
        }
        self.sink.write(&line.finish());
    }

    /// Writes the line of the stop, and before it how many lines were left out since the last ones.
    pub(in crate::gateway) fn write_stop(&self) {
        for (event, left_out) in self.limit.take_left_out() {
            let mut line = LogLine::begin(LineFormat::Json, LogName::Audit, SystemClock.wall());
            line.word("event", event.code());
            line.number("left_out", left_out);
            self.sink.write(&line.finish());
        }
        self.write(&AuditEvent::Stop.into());
    }

    fn observe(&self, event: Event, context: &EventContext<'_>) {
        let Some(entry) = entry(event, context) else { return };
        let request = context.request;
        let client = request.and_then(|request| request.get::<ClientInfo>()).and_then(|client| client.address);
        let id = request.and_then(|request| request.get());
        self.write(&AuditEntry { id, client, user: context.user, method: context.method, ..entry });
    }
}

/// What is told of an event of the gate; none if another line tells it, or if it is not for this log.
fn entry<'a>(event: Event, context: &EventContext<'_>) -> Option<AuditEntry<'a>> {
    let failed = |cause| AuditEntry { cause: Some(cause), ..AuditEvent::LoginFailed.into() };
    let refused = |event: LoginEvent| AuditEntry { cause: Some(event.code()), ..AuditEvent::LoginRefused.into() };
    Some(match event {
        Event::Login(event) => match event {
            LoginEvent::Started => AuditEvent::LoginStarted.into(),
            LoginEvent::Verified => AuditEvent::LoginVerified.into(),
            LoginEvent::Refused | LoginEvent::AnotherNumber => refused(event),
            LoginEvent::LoggedOut => AuditEvent::Logout.into(),
            // The end of its verification says why, and the revocation whose sessions were ended.
            LoginEvent::Opened | LoginEvent::Failed | LoginEvent::Revoked => return None,
        },
        Event::Callback { outcome, .. } => match outcome {
            CallbackOutcome::Verified => AuditEvent::LoginVerified.into(),
            CallbackOutcome::Declined => match context.change {
                Some(change @ (LoginEvent::Refused | LoginEvent::AnotherNumber)) => refused(change),
                _ => return None,
            },
            // The end of its verification tells.
            CallbackOutcome::Acknowledged => return None,
            CallbackOutcome::Rejected(_) | CallbackOutcome::Abandoned => failed(outcome.code()),
        },
        Event::Verification { outcome, .. } if outcome != VerificationOutcome::Verified => failed(outcome.code()),
        Event::AppLogin { outcome: AppLoginOutcome::Verified, .. } => AuditEvent::LoginVerified.into(),
        Event::AppLogin { outcome, .. } => failed(outcome.code()),
        Event::Revocation(scope) => AuditEntry { scope: Some(scope), ..AuditEvent::Revocation.into() },
        _ => return None,
    })
}

/// Hears the events of the gate of one configuration: for the metrics and the program's own log, and for the audit log.
pub(in crate::gateway) struct GateObserver {
    pub(in crate::gateway) telemetry: Telemetry,
    pub(in crate::gateway) audit: Option<Arc<AuditLog>>,
}

impl Observer for GateObserver {
    fn observe(&self, event: Event) {
        self.telemetry.observe(event);
    }

    fn observe_in(&self, event: Event, context: &EventContext<'_>) {
        self.telemetry.observe_in(event, context);
        if let Some(audit) = &self.audit {
            audit.observe(event, context);
        }
    }
}

#[cfg(test)]
mod tests;
