//! What a configuration makes of the gateway.

use std::{sync::Arc, time::Duration};

use tokio::{task::spawn_blocking, time::timeout};
use tokio_util::task::TaskTracker;

use super::{
    BoxError, StartError,
    admin::RouteMetrics,
    assemble,
    config::{Config, NeedsRestart, StoreConfig, UpstreamConfig, UpstreamId},
    delivery::UpstreamDelivery,
    logs::{AuditEntry, GateObserver, RequestLogs},
    process::Process,
    request_id::RequestIds,
    route_names::RouteNames,
    routing::Routing,
    telemetry::Telemetry,
    traces::Tracer,
    upstream::{self, Upstream},
};
use crate::{
    gate::Gate,
    native::NativeClient,
    profile::ProfileClient,
    random::Random,
    session::{Sessions, StoreReading},
    store::RedisStore,
};

/// All that a configuration decides about requests.
///
/// The one in force is in an `ArcSwap`, and is only replaced as a whole. Each request takes it once, when it arrives, and is served by
/// it to its end. What outlives a configuration is in the [`Process`]. What has not changed from one configuration to the next is
/// shared by both.
pub(super) struct ActiveConfig {
    pub(super) config: Config,
    pub(super) gate: Gate,
    /// How browsers log in; none without sessions.
    pub(super) sessions: Option<Sessions>,
    pub(super) routing: Routing,
    pub(super) routes: Arc<RouteNames>,
    pub(super) route_metrics: RouteMetrics,
    /// All apps, in the order of their ids.
    pub(super) upstreams: Vec<Arc<Upstream>>,
    /// What fetches profiles.
    pub(super) client: ProfileClient,
    /// What verifies users of the site's own app; none without such a route.
    pub(super) native: Option<NativeClient>,
    /// What sends callbacks to the app after they were answered, if anything does.
    pub(super) delivery: Option<UpstreamDelivery>,
    /// The store, if it is Redis.
    pub(super) redis: Option<RedisStore>,
    pub(super) telemetry: Telemetry,
    pub(super) logs: RequestLogs,
    /// None if requests pass with the traces that they bring.
    pub(super) tracer: Option<Arc<Tracer>>,
    /// None if requests get no ids.
    pub(super) request_ids: Option<RequestIds>,
    /// The settings that the process has kept from its start.
    pub(super) fixed: NeedsRestart,
}

impl ActiveConfig {
    /// Makes all of it, takes over what is the same in the previous one, and looks for the servers of the other apps.
    ///
    /// # Errors
    ///
    /// When a client or the store cannot be set up, or a log cannot be opened.
    pub(super) async fn make(
        config: Config,
        process: &Process,
        previous: Option<Arc<Self>>,
        tasks: &TaskTracker,
    ) -> Result<Arc<Self>, StartError> {
        let (parts, earlier) = (process.clone(), previous.clone());
        // It reads files and derives keys, and connections are accepted meanwhile.
        let made = spawn_blocking(move || Self::new(config, &parts, earlier.as_deref())).await;
        let made = made.map_err(|_| StartError::Panic)??;
        let known = previous.iter().flat_map(|previous| &previous.upstreams).collect::<Vec<_>>();
        let is_new = |app: &&Arc<Upstream>| !known.iter().any(|known| Arc::ptr_eq(known, app));
        upstream::resolve_all(made.upstreams.iter().filter(is_new).cloned(), tasks).await;
        Ok(Arc::new(made))
    }

    /// Reads what requests of this configuration would wait for, and returns from where its sessions follow their store. The
    /// previous configuration may be this one, at the start.
    pub(super) async fn prepare(&self, previous: &Self) -> StoreReading {
        let reading = async {
            match &self.sessions {
                Some(sessions) if !self.goes_on_reading(previous) => sessions.read_ahead(&self.gate).await,
                _ => {
                    self.gate.prepare().await;
                    StoreReading::GoesOn
                }
            }
        };
        timeout(PREPARATION, reading).await.unwrap_or_else(|_| {
            tracing::warn!(
                "the store has too many logouts to read before the first request; requests wait for the others"
            );
            if self.goes_on_reading(previous) { StoreReading::GoesOn } else { StoreReading::from_start() }
        })
    }

    /// Makes all of it, but looks for no server yet.
    ///
    /// # Errors
    ///
    /// As [`make`](Self::make).
    pub(super) fn new(config: Config, process: &Process, previous: Option<&Self>) -> Result<Self, StartError> {
        let telemetry = process.telemetry.clone();
        let routes = Arc::new(RouteNames::new(&config));
        let route_metrics = telemetry.routes(&routes);
        let logs = process.logs.open(&config, &routes)?;
        let tracer = tracer(&config, process, previous)?;
        let upstreams = config.upstreams.iter().map(|(_, upstream)| app(upstream, process, previous));
        let upstreams = upstreams.collect::<Result<Vec<_>, _>>()?;
        let client = client(&config, previous)?;
        let native = config.native.as_ref().map(|native| native.client(client.clone()));
        let default = &upstreams[config.upstreams.default_id().index()];
        let delivers = config.session.is_some() && config.callback.forward;
        let delivery = delivers.then(|| delivery(default, process, previous)).transpose()?;
        let redis = redis(&config, previous)?;
        let sessions = assemble::sessions(&config, redis.as_ref(), delivery.as_ref(), process);
        let route = config.native.as_ref().zip(native.clone()).map(|(config, client)| config.route(client));
        let observer = GateObserver { telemetry: telemetry.clone(), audit: logs.audit.clone() };
        let gate = assemble::gate(&config, client.clone(), route, sessions.as_ref(), observer);
        let gate = previous.into_iter().fold(gate?, |gate, previous| gate.counts_of(&previous.gate)).build();
        let routing = Routing::new(&config);
        let request_ids = config.request_id.then(|| RequestIds::new(Random::system()));
        Ok(Self {
            config,
            gate,
            sessions,
            routing,
            routes,
            route_metrics,
            upstreams,
            client,
            native,
            delivery,
            redis,
            telemetry,
            logs,
            tracer,
            request_ids,
            fixed: process.fixed,
        })
    }

    /// The app with this id.
    pub(super) fn upstream(&self, id: UpstreamId) -> &Arc<Upstream> {
        &self.upstreams[id.index()]
    }

    /// Writes a line of the audit log, if there is one.
    pub(super) fn audit<'a>(&self, entry: impl Into<AuditEntry<'a>>) {
        if let Some(audit) = &self.logs.audit {
            audit.write(&entry.into());
        }
    }

    /// Whether callbacks are sent to the app after they were answered, and so must carry where they came from until then.
    pub(super) fn delivers(&self) -> bool {
        self.delivery.is_some()
    }

    /// Whether the previous configuration has read all that this one would read in the store.
    fn goes_on_reading(&self, previous: &Self) -> bool {
        let sessions = self.config.session.as_ref().zip(previous.config.session.as_ref());
        sessions.is_some_and(|(session, previous)| {
            session.store == previous.store && session.sealer.opens_no_more_than(&previous.sealer)
        })
    }

    /// Follows the store of its sessions, in place of earlier sessions.
    pub(super) fn follow_store(&self, reading: StoreReading) {
        if let Some(sessions) = &self.sessions {
            sessions.follow_store(&self.gate, reading);
        }
    }

    /// Gives back what only new requests need: another one has taken its place.
    pub(super) fn retire(&self, successor: &Self) {
        self.sessions.iter().for_each(Sessions::retire);
        self.route_metrics.retire(&successor.route_metrics);
        let has_app = |name: &String| successor.config.upstreams.named(name).is_some();
        let apps = self.config.upstreams.iter().map(|(_, upstream)| upstream.name.clone());
        let hosts = |config: &Config| config.acme.iter().flat_map(|acme| acme.hosts.clone()).collect::<Vec<_>>();
        let kept = hosts(&successor.config);
        let hosts = hosts(&self.config).into_iter().filter(|host| !kept.contains(host));
        self.telemetry.forget(apps.filter(|name| !has_app(name)), hosts);
    }

    /// Opens the connections to Truecaller from the current runtime, if the configuration says so.
    pub(super) fn connect_ahead(&self) {
        let truecaller = &self.config.truecaller;
        if truecaller.connect_at_start {
            self.client.connect(&truecaller.endpoints);
            self.native.iter().for_each(NativeClient::connect);
        }
    }
}

/// An app that has not changed goes on with its addresses, and with what is known of their health.
fn app(config: &UpstreamConfig, process: &Process, previous: Option<&ActiveConfig>) -> Result<Arc<Upstream>, BoxError> {
    let same = previous.and_then(|previous| previous.upstreams.iter().find(|app| app.config.is_served_like(config)));
    if let Some(same) = same {
        return Ok(Arc::clone(same));
    }
    let telemetry = process.telemetry.upstream(&config.name);
    Upstream::new(config.clone(), telemetry, &process.usual_roots).map(Arc::new)
}

/// A tracer with the same settings goes on with the spans that wait.
fn tracer(
    config: &Config,
    process: &Process,
    previous: Option<&ActiveConfig>,
) -> Result<Option<Arc<Tracer>>, BoxError> {
    let earlier = previous.and_then(|previous| previous.tracer.as_ref());
    match earlier.filter(|tracer| tracer.is_of(&config.telemetry)) {
        Some(tracer) => Ok(Some(Arc::clone(tracer))),
        None => Ok(Tracer::new(&config.telemetry, &process.exports, &process.telemetry)?.map(Arc::new)),
    }
}

/// A client with the same settings goes on with its connections.
fn client(config: &Config, previous: Option<&ActiveConfig>) -> Result<ProfileClient, BoxError> {
    let wanted = &config.truecaller.client;
    let same = previous.filter(|previous| previous.config.truecaller.client.is_same(wanted));
    match same {
        Some(previous) => Ok(previous.client.clone()),
        None => Ok(wanted.clone().build()?),
    }
}

fn delivery(
    app: &Arc<Upstream>,
    process: &Process,
    previous: Option<&ActiveConfig>,
) -> Result<UpstreamDelivery, StartError> {
    let same = previous.and_then(|previous| previous.delivery.as_ref()).filter(|delivery| delivery.is_to(app));
    match same {
        Some(delivery) => Ok(delivery.clone()),
        None => UpstreamDelivery::new(app, &process.telemetry).map_err(StartError::Delivery),
    }
}

/// A store on the same servers goes on with its connections.
fn redis(config: &Config, previous: Option<&ActiveConfig>) -> Result<Option<RedisStore>, BoxError> {
    let Some(session) = &config.session else { return Ok(None) };
    let StoreConfig::Redis { servers, ca_file } = &session.store else { return Ok(None) };
    let earlier = previous.and_then(|previous| Some((previous.config.session.as_ref()?, previous.redis.as_ref()?)));
    if let Some((_, redis)) = earlier.filter(|(earlier, _)| earlier.store == session.store) {
        return Ok(Some(redis.bounded(session.max_pending)));
    }
    let store = servers.store(session.max_pending)?;
    Ok(Some(match ca_file {
        Some(pem) => store.trust(pem)?,
        None => store,
    }))
}

/// How long a configuration may wait for the store. Within it, the logouts of a busy day are read; a store that does not answer
/// fails sooner.
const PREPARATION: Duration = Duration::from_secs(10);
