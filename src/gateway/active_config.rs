//! What a configuration makes of the gateway.

use std::sync::Arc;

use super::{
    BoxError, StartError, assemble,
    config::{Config, UpstreamId},
    logs::RequestLogs,
    process::Process,
    request_id::RequestIds,
    routing::Routing,
    telemetry::Telemetry,
    upstream::Upstream,
};
use crate::{gate::Gate, native::NativeClient, profile::ProfileClient, random::Random, session::Sessions};

/// All that a configuration decides about requests.
///
/// The one in force is in an `ArcSwap`, and is only replaced as a whole. Each request takes it once, when it arrives, and is served by
/// it to its end. What outlives a configuration is in the [`Process`].
pub(super) struct ActiveConfig {
    pub(super) config: Config,
    pub(super) gate: Gate,
    /// How browsers log in; none without sessions.
    pub(super) sessions: Option<Sessions>,
    pub(super) routing: Routing,
    /// All apps, in the order of their ids.
    pub(super) upstreams: Vec<Arc<Upstream>>,
    /// What fetches profiles.
    pub(super) client: ProfileClient,
    /// What verifies users of the site's own app; none without such a route.
    pub(super) native: Option<NativeClient>,
    pub(super) telemetry: Telemetry,
    pub(super) logs: RequestLogs,
    /// None if requests get no ids.
    pub(super) request_ids: Option<RequestIds>,
}

impl ActiveConfig {
    /// Makes all of it. No name is resolved yet, and no connection is made.
    ///
    /// # Errors
    ///
    /// When a client or the store cannot be set up, or a log cannot be opened.
    pub(super) fn new(config: Config, process: &Process) -> Result<Self, StartError> {
        let telemetry = process.telemetry.clone();
        let logs = process.logs.open(&config)?;
        let upstreams: Vec<_> = config
            .upstreams
            .iter()
            .map(|(id, upstream)| Upstream::new(id, upstream.clone(), telemetry.upstream(&upstream.name)).map(Arc::new))
            .collect::<Result<_, _>>()?;
        let client = config.truecaller.client.clone().build().map_err(BoxError::from)?;
        let native = config.native.as_ref().map(|native| native.client(client.clone()));
        let default = &upstreams[config.upstreams.default_id().index()];
        let (gate, sessions) = assemble::gate(&config, client.clone(), native.clone(), default, process)?;
        let routing = Routing::new(&config);
        let request_ids = config.request_id.then(|| RequestIds::new(Random::system()));
        Ok(Self { config, gate, sessions, routing, upstreams, client, native, telemetry, logs, request_ids })
    }

    /// The app with this id.
    pub(super) fn upstream(&self, id: UpstreamId) -> &Arc<Upstream> {
        &self.upstreams[id.index()]
    }

    /// Whether callbacks are sent to the app after they were answered, and so must carry where they came from until then.
    pub(super) fn delivers(&self) -> bool {
        self.config.session.is_some() && self.config.callback.forward
    }
}
