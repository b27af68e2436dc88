//! The trait for parts that plug into a gate from above, and the interface of the gate that they may use.
//!
//! A gate by itself strips identity headers of clients and verifies callbacks. A part that knows more of a request, such as its
//! browser, is a [`Plugin`]. A plugin sees of the gate what this module lists, and nothing else.

mod interface;

use std::{
    any::Any,
    future::ready,
    time::{Instant, SystemTime},
};

use futures_core::future::BoxFuture;
use http::{HeaderValue, request::Parts};

pub(crate) use self::interface::WeakGate;
use super::{Gate, Rejection, Reply, Step};
pub(crate) use super::{
    host_check::{check_asked_host, check_host},
    intake::{BodyHandler, IntakeEnd, unless},
    posted_callback::CallbackHandler,
    reply::RETRY_AFTER,
};
use crate::{
    headers::{Edits, HeaderSet, HeaderTarget, ResponseEdits, Spoofs},
    identity::Identity,
    path::ExactPath,
};

/// Takes part in what a gate does. Every method defaults to taking no part.
///
/// An implementor waits for nothing: what takes time is a [`Step::Wait`] or the future of a [`CallbackHandler`]. It keeps no
/// clone of the gate for longer than one request or task lasts, or neither would ever be dropped.
pub(crate) trait Plugin: Any + Send + Sync {
    /// The prefix of truegate's own routes, if this plugin says where it is.
    fn prefix(&self) -> Option<&str> {
        None
    }

    /// Refuses a request for a host that the site does not have. All plugins are asked before anything else is made of a request.
    fn check_host(&self, _head: &Parts) -> Result<(), Rejection> {
        Ok(())
    }

    /// The path of a route of the plugin's own that has a single spelling, as the callback's has. A request for another spelling is
    /// refused.
    fn exact_path(&self) -> Option<&ExactPath> {
        None
    }

    /// Decides about a request on a route of the plugin's own that has one exact path, such as a public document. All plugins are
    /// asked before any of them inspects the request, so that the path may be below a prefix that another plugin reserves.
    fn take_exact(&self, _gate: &Gate, _head: &Parts) -> Option<Step> {
        None
    }

    /// Decides what becomes of a request that is not a callback: it goes to a route of the plugin's own, passes with edits, or is
    /// refused. The first plugin that decides counts; if none does, the request passes without an identity.
    fn inspect(&self, _gate: &Gate, _head: &Parts, _withheld: &Withheld) -> Option<Step> {
        None
    }

    /// Whether a path is reserved for routes of the plugin's own, so that no app ever gets a request for it.
    fn reserves(&self, _path: &str) -> bool {
        false
    }

    /// Whether the verdict on a request for a path that is not reserved may depend on the client.
    fn asks_for_client(&self, _path: &str) -> bool {
        false
    }

    /// Takes a callback, so that it ends here: the app does not get the request, which is answered once the handler is done.
    fn take_callback(&self, _gate: &Gate, _head: &Parts) -> Option<CallbackHandler> {
        None
    }

    /// Returns the rule for a callback that the app gets, or for another verified request that is passed on as one, if there are
    /// rules.
    fn rule_of_callback(&self, _head: &Parts) -> Option<CallbackRule> {
        None
    }

    /// Whether the plugin makes assertions.
    fn asserts(&self) -> bool {
        false
    }

    /// An assertion of an identity, to be sent beside it: a sensitive header value.
    ///
    /// With the id of a session, the one that was made before for the session may serve again.
    fn assert(&self, _identity: &Identity, _session: Option<&str>, _now: SystemTime) -> Option<HeaderValue> {
        None
    }

    /// Whether the plugin verifies users of the site's own app. The requests of that app may then carry session tokens.
    fn verifies_apps(&self) -> bool {
        false
    }

    /// Refuses a login of the site's own app on a host where it could get no session, before anybody is asked about its user.
    fn check_app_host(&self, _head: &Parts) -> Result<(), Rejection> {
        Ok(())
    }

    /// Begins a session for a verified user of the site's own app, and answers with its token. Returns none if the plugin has no
    /// sessions: the request then goes on to the app behind the gate.
    fn admit_app<'a>(
        &'a self,
        _gate: &'a Gate,
        _head: &'a Parts,
        _login: &'a VerifiedAppLogin,
    ) -> Option<BoxFuture<'a, Result<Reply, Rejection>>> {
        None
    }

    /// Makes a page of the answer to a refused request, if a person is going to read it.
    fn explain(&self, refused: Reply, _code: &str, _head: &Parts) -> Reply {
        refused
    }

    /// Takes the credentials that no app gets out of a request which is yet to be inspected, and returns them for the inspection. The
    /// gate itself adds the spoofs.
    fn withhold(&self, _target: &mut dyn HeaderTarget) -> Option<Withheld> {
        None
    }

    /// Takes out of a request what the app must not get.
    fn strip_request(&self, _inspection: Inspection<'_>, _target: &mut dyn HeaderTarget) {}

    /// Takes out of a response what an app must not tell browsers. Returns whether there was anything.
    fn strip_response(&self, _target: &mut dyn HeaderTarget) -> bool {
        false
    }

    /// Adds cookies of its own to a response. Returns whether it added any.
    fn set_cookies(&self, _edits: &ResponseEdits, _target: &mut dyn HeaderTarget) -> bool {
        false
    }

    /// Reads what requests would have to wait for, before the first of them comes. It may be dropped before it is ready.
    fn prepare<'a>(&'a self, _gate: &'a Gate) -> BoxFuture<'a, ()> {
        Box::pin(ready(()))
    }

    /// Answers at once, from now on, all requests that would wait: the server stops.
    fn stop_waiting(&self) {}
}

/// A login of the site's own app whose user was verified.
pub(crate) struct VerifiedAppLogin {
    pub(crate) identity: Identity,
    /// When the credential had arrived.
    pub(crate) arrived: Instant,
    /// When the answer is due.
    pub(crate) deadline: Instant,
}

/// The rule that matches a callback.
pub(crate) struct CallbackRule {
    /// Its place in the list of rules, from 0.
    pub(crate) rule: usize,
    /// The identity headers of the callback; none for the default ones.
    pub(crate) headers: Option<HeaderSet>,
}

/// What an edge has taken out of a head before the gate inspects it.
#[derive(Default)]
pub(crate) struct Withheld {
    /// All `Cookie` lines as they came, if any of them was changed.
    pub(crate) cookies: Vec<HeaderValue>,
    /// The `Authorization` lines with session tokens. Other lines stay in the head.
    pub(crate) tokens: Vec<HeaderValue>,
    /// By which channels the client claimed an identity.
    #[cfg_attr(not(feature = "gateway"), allow(dead_code, reason = "only a gateway has an audit log"))]
    pub(crate) spoofs: Spoofs,
}

redacted!(Withheld);

/// The state of a request's inspection when the request is stripped.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Inspection<'a> {
    /// The gate does not inspect the request, so what passes only after an inspection is stripped too.
    Skipped,
    /// The gate lets the request pass with these edits.
    Done(&'a Edits),
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use http::{HeaderMap, HeaderName, Request};

    use super::*;
    use crate::{
        callback::Grant,
        profile::{FetchError, Profile, ProfileSource},
    };

    struct NoSource;

    impl ProfileSource for NoSource {
        fn fetch<'a>(&'a self, _: &'a Grant, _: Instant) -> BoxFuture<'a, Result<Profile, FetchError>> {
            unreachable!("no callback comes")
        }
    }

    struct First(&'static str);
    struct Second(&'static str);

    fn append(name: &'static str, target: &mut dyn HeaderTarget) {
        target.append(&HeaderName::from_static("x-plugins").into(), HeaderValue::from_static(name));
    }

    impl Plugin for First {
        fn strip_request(&self, _: Inspection<'_>, target: &mut dyn HeaderTarget) {
            append(self.0, target);
        }
    }

    impl Plugin for Second {
        fn strip_request(&self, _: Inspection<'_>, target: &mut dyn HeaderTarget) {
            append(self.0, target);
        }
    }

    #[test]
    fn a_plugin_replaces_one_of_its_type_and_comes_before_the_others() {
        let builder = Gate::builder("/callback".parse().unwrap(), NoSource);
        let gate = builder.plug_in(First("replaced")).plug_in(Second("other")).plug_in(First("last")).build();
        let (head, ()) = Request::new(()).into_parts();
        let Step::Forward(edits) = gate.inspect(&head) else { panic!("no plugin decides") };

        let mut headers = HeaderMap::new();
        gate.apply(&edits, &mut headers);

        assert_eq!(headers.get_all("x-plugins").iter().collect::<Vec<_>>(), ["last", "other"]);
    }
}
