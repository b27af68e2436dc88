//! The builder of a gate.

use std::{mem, sync::Arc, time::Duration};

use super::{CallbackPath, Gate, Limits, Observer, Parameters, framing::MissingHost, limits::Limiters};
use crate::{
    callback::Endpoints,
    clock::{Clock, SystemClock},
    headers::HeaderNames,
    profile::ProfileSource,
};

/// Builds a [`Gate`]. Every setting has a safe default.
#[must_use = "a builder does nothing until it builds"]
pub struct GateBuilder(pub(super) Parameters, Limits);

impl GateBuilder {
    /// The default of [`body_limit`](Self::body_limit).
    pub const BODY_LIMIT: usize = 16 * 1024;

    /// The default of [`deadline`](Self::deadline): under the 3 s that Truecaller waits.
    pub const DEADLINE: Duration = Duration::from_millis(2500);

    pub(super) fn new(path: CallbackPath, source: impl ProfileSource) -> Self {
        let parameters = Parameters {
            path,
            source: Box::new(source),
            endpoints: Endpoints::default(),
            names: Arc::default(),
            plugins: Vec::new(),
            takes_tokens: false,
            body_limit: Self::BODY_LIMIT,
            deadline: Self::DEADLINE,
            requires_active: true,
            missing_host: MissingHost::Pass,
            limiters: Limiters::default(),
            clock: Arc::new(SystemClock),
            observer: Box::new(()),
        };
        Self(parameters, Limits::default())
    }

    /// Sets the profile endpoints that a callback may name. Defaults to those that Truecaller documents.
    pub fn endpoints(mut self, endpoints: Endpoints) -> Self {
        self.0.endpoints = endpoints;
        self
    }

    /// Sets the identity headers. Defaults to [`HeaderNames::default`].
    pub fn headers(mut self, names: impl Into<Arc<HeaderNames>>) -> Self {
        self.0.names = names.into();
        self
    }

    /// Sets the largest callback in bytes. Defaults to 16 KiB.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.0.body_limit = bytes;
        self
    }

    /// Sets how long a whole verification may take, from the head to the verdict. Defaults to 2.5 seconds.
    ///
    /// Truecaller waits 3 s for its answer.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.0.deadline = deadline;
        self
    }

    /// Accepts profiles that Truecaller says are not active.
    pub fn accept_inactive(mut self) -> Self {
        self.0.requires_active = false;
        self
    }

    /// Limits the logins and callbacks of one client and of one network. Defaults to [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.1 = limits;
        self
    }

    /// Goes on with the counts of an earlier gate where the limits are the same. The clocks must be the same, too.
    #[cfg(feature = "gateway")]
    pub(crate) fn counts_of(mut self, earlier: &Gate) -> Self {
        self.0.limiters = earlier.0.limiters.clone();
        self
    }

    /// Refuses an HTTP/1.1 request without a `Host`, as a server at the edge should. By default it passes.
    pub fn require_host(mut self) -> Self {
        self.0.missing_host = MissingHost::Refuse;
        self
    }

    /// Sets the clock. Defaults to the machine's. A store has its own clock: `MemoryStore::clock`, `RedisStore::clock`.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.0.clock = Arc::new(clock);
        self
    }

    /// Sets the observer of the gate's events, for metrics and logs. Defaults to none.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.0.observer = Box::new(observer);
        self
    }

    /// Builds the gate.
    pub fn build(self) -> Gate {
        let Self(mut parameters, limits) = self;
        let earlier = mem::take(&mut parameters.limiters);
        parameters.limiters = Limiters::new(limits, &parameters.clock, earlier);
        parameters.takes_tokens = parameters.plugins.iter().any(|plugin| plugin.verifies_apps());
        Gate(Arc::new(parameters))
    }
}

redacted!(GateBuilder);
