//! The plugin that takes the credentials of the site's own app, and lets their users in.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{HeaderName, Method, header, request::Parts};

use crate::{
    gate::{
        AppLoginOutcome, Event, EventContext, Gate, GateBuilder, Rejection, Step, Verdict,
        plugin::{BodyHandler, IntakeEnd, Plugin, VerifiedAppLogin},
    },
    host::is_own_origin,
    identity::{Identity, VerificationMethod},
    native::{Credential, NativePath, NativeSource},
    path::ExactPath,
    profile::PhoneNumber,
};

/// The route for the site's own Android app, which plugs into a gate with [`GateBuilder::native`].
///
#[cfg_attr(feature = "client", doc = "```")]
#[cfg_attr(not(feature = "client"), doc = "```ignore")]
/// use truegate::{Gate, native::{Native, NativeClient, NativePath}, profile::ProfileClient};
///
/// let client = ProfileClient::builder().build()?;
/// let client_id = "k3yq2rxvqvmbn1nlu2fnvvgpyr9ozmwk7s1dkpgv".parse()?;
/// let native = Native::new(NativePath::default(), NativeClient::builder(client.clone(), client_id).build());
/// let gate = Gate::builder("/truecaller/x7Kq2vNf9TzR4mWb6pLd".parse()?, client).native(native)?.build();
/// # drop(gate);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Native {
    path: NativePath,
    source: Arc<dyn NativeSource>,
    missed_calls: MissedCalls,
}

/// What becomes of the tokens of missed calls.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MissedCalls {
    Accept,
    Refuse,
}

impl Native {
    /// Creates the route at a path, with the source of the profiles of its users.
    pub fn new(path: NativePath, source: impl NativeSource) -> Self {
        Self { path, source: Arc::new(source), missed_calls: MissedCalls::Accept }
    }

    /// Refuses the tokens of missed calls, as if they were no credentials, and asks nobody about them. Accepted by default.
    ///
    /// # Security
    ///
    /// Truecaller does not document that it refuses the token of another app. If it accepts one, the maker of that app
    /// can log in here as its users. Refuse the tokens if your app does not verify users by missed calls.
    pub fn refuse_missed_calls(mut self) -> Self {
        self.missed_calls = MissedCalls::Refuse;
        self
    }
}

redacted!(Native);

impl GateBuilder {
    /// Adds the route for the site's own app. Defaults to none.
    ///
    /// The app posts what Truecaller's SDK gave it, a [`Credential`], and the gate fetches the profile of its user. Without
    /// sessions, the request then passes as a callback does: with its original body, and with the identity of the user. With
    /// sessions, the answer is a session token, which the app sends with later requests.
    ///
    /// # Errors
    ///
    /// When a request for the path could be read as a callback, or the path is at or below the prefix of truegate's own routes.
    /// That is `/.truegate`, unless the sessions that were added before have another.
    pub fn native(self, native: Native) -> Result<Self, NativePathError> {
        let path = native.path.as_str();
        if self.callback_path().covers(path) {
            Err(NativePathError::CallbackPath)
        } else if native.path.is_below(self.prefix()) {
            Err(NativePathError::OwnRoutes)
        } else {
            Ok(self.plug_in(native))
        }
    }
}

/// The reason why a gate cannot have the route for the site's own app at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NativePathError {
    /// It is the path of the callback route, or a server could read it as that.
    #[error("the path for the site's own app is also the callback path")]
    CallbackPath,
    /// Truegate's own routes are there.
    #[error("the path for the site's own app is at or below the prefix of truegate's own routes")]
    OwnRoutes,
}

impl Plugin for Native {
    fn exact_path(&self) -> Option<&ExactPath> {
        Some(self.path.exact())
    }

    fn verifies_apps(&self) -> bool {
        true
    }

    fn take_exact(&self, gate: &Gate, head: &Parts) -> Option<Step> {
        (head.uri.path() == self.path.as_str()).then(|| {
            let (source, missed_calls) = (Arc::clone(&self.source), self.missed_calls);
            let login = AppLogin { source, missed_calls, head: head.clone(), method: None, user: None };
            gate.read_posted(head, check_and_count(gate, head), login)
        })
    }
}

/// A login of the site's own app.
struct AppLogin {
    source: Arc<dyn NativeSource>,
    missed_calls: MissedCalls,
    head: Parts,
    /// How the number is verified, as far as the body was read.
    method: Option<VerificationMethod>,
    /// The user who was verified.
    user: Option<PhoneNumber>,
}

impl AppLogin {
    async fn verify(&mut self, gate: &Gate, body: &[u8], deadline: Instant) -> Result<Identity, Rejection> {
        let credential = Credential::parse(body).ok_or(Rejection::MalformedCredential)?;
        let method = credential.method();
        if method == VerificationMethod::MissedCall && self.missed_calls == MissedCalls::Refuse {
            return Err(Rejection::MalformedCredential);
        }
        self.method = Some(method);
        let fetched = self.source.fetch(&credential, deadline);
        let profile = gate.await_profile(fetched, deadline).await?;
        gate.check_active(&profile)?;
        self.user = Some(profile.phone.clone());
        Ok(Identity::vouch(None, profile, method))
    }
}

impl BodyHandler for AppLogin {
    fn decide<'a>(
        &'a mut self,
        gate: &'a Gate,
        body: Bytes,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Verdict, Rejection>> {
        Box::pin(async move {
            let arrived = gate.clock().now();
            let identity = self.verify(gate, &body, deadline).await?;
            let login = VerifiedAppLogin { identity, arrived, deadline };
            if let Some(admitted) = gate.admit_app(&self.head, &login) {
                return admitted.await.map(Verdict::Reply);
            }
            let VerifiedAppLogin { identity, .. } = login;
            Ok(Verdict::Forward(gate.verified(identity, gate.rule_of_callback(&self.head).as_ref())))
        })
    }

    fn broken_off(&self) -> Rejection {
        Rejection::MalformedCredential
    }

    fn conclude(&self, gate: &Gate, end: IntakeEnd, elapsed: Duration) {
        let outcome = match end {
            IntakeEnd::Decided => AppLoginOutcome::Verified,
            IntakeEnd::Rejected(rejection) => AppLoginOutcome::Rejected(rejection),
            IntakeEnd::Abandoned => AppLoginOutcome::Abandoned,
        };
        let (method, user) = (self.method, self.user.as_ref());
        let context = EventContext { user, method, ..EventContext::of(&self.head.extensions) };
        gate.observe_in(Event::AppLogin { method, outcome, elapsed }, &context);
    }
}

/// Refuses a request before a code is spent for it, or counts it as a login. Only what an app posts is counted: a page of another site
/// could otherwise use up the logins of its visitors' networks, by pictures that it loads from here.
fn check_and_count(gate: &Gate, head: &Parts) -> Result<(), Rejection> {
    if head.method != Method::POST {
        return Ok(());
    }
    check_origin(head)?;
    gate.check_app_host(head)?;
    gate.count_login(head)
}

/// Refuses a request that a page of another site posts. Such a page could log its visitor in as somebody else: the app may set a
/// cookie in its answer. An app of the phone's own sends neither header.
fn check_origin(head: &Parts) -> Result<(), Rejection> {
    let sites = head.headers.get_all(SEC_FETCH_SITE).iter();
    let is_own_site = sites.into_iter().all(|site| site == "same-origin" || site == "none");
    let is_own_host = head.headers.get_all(header::ORIGIN).iter().all(|origin| is_own_origin(origin, head));
    if is_own_site && is_own_host { Ok(()) } else { Err(Rejection::CrossSite) }
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

#[cfg(test)]
mod tests;
