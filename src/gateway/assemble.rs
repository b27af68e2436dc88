//! Makes the gate of a configuration, and its sessions.

use std::sync::Arc;

use super::{
    BoxError, config::Config, delivery::UpstreamDelivery, logs::GateObserver, process::Process,
    sessionless_rules::SessionlessRules, store_calls::MeasuredStore,
};
use crate::{
    gate::{Gate, GateBuilder},
    native::Native,
    profile::ProfileSource,
    session::Sessions,
    store::RedisStore,
};

/// The gate that a configuration describes.
pub(super) fn gate(
    config: &Config,
    profiles: impl ProfileSource,
    native: Option<Native>,
    sessions: Option<&Sessions>,
    observer: GateObserver,
) -> Result<GateBuilder, BoxError> {
    let builder = Gate::builder(config.callback.path.clone(), profiles)
        .endpoints(config.truecaller.endpoints.clone())
        .headers(Arc::clone(&config.identity))
        .body_limit(config.callback.body_limit)
        .deadline(config.callback.deadline)
        .limits(config.limits)
        .observer(observer)
        .require_host();
    let builder = config.assertion.iter().fold(builder, |builder, keys| builder.assertions(Arc::clone(keys)));
    let builder = match sessions {
        Some(sessions) => builder.sessions(sessions.clone())?,
        None if config.routes.is_empty() => builder,
        None => builder.plug_in(SessionlessRules(config.routes.clone())),
    };
    let builder = match native {
        Some(native) => builder.native(native)?,
        None => builder,
    };
    Ok(if config.truecaller.require_active { builder } else { builder.accept_inactive() })
}

/// The sessions that a configuration describes, if it has any. Those of all configurations share their memory.
pub(super) fn sessions(
    config: &Config,
    redis: Option<&RedisStore>,
    delivery: Option<&UpstreamDelivery>,
    process: &Process,
) -> Option<Sessions> {
    let session = config.session.as_ref()?;
    let (url, sealer, partner) = (session.public_urls.clone(), session.sealer.clone(), session.partner.clone());
    let telemetry = process.telemetry.store();
    let builder = match redis {
        Some(redis) => {
            let store = MeasuredStore::new(redis.bounded(session.max_pending), "redis", telemetry);
            Sessions::builder(url, sealer, partner, store)
        }
        None => {
            let store = MeasuredStore::new(process.memory_store.bounded(session.max_pending), "memory", telemetry);
            Sessions::builder(url, sealer, partner, store)
        }
    };
    let builder = builder
        .memory(Arc::clone(&process.session_memory))
        .tasks(process.open_work.verifications.clone())
        .rules(config.routes.clone())
        .groups(config.groups.clone())
        .path(session.path.clone())
        .link_base(session.link_base.clone())
        .login_timeout(session.login_timeout)
        .lifetime(session.lifetime)
        .idle(session.idle)
        .revocation_grace(session.revocation_grace)
        .logout_url(session.logout_url.clone())
        .brand(session.brand.clone())
        .cookie_name(&session.cookie_name)
        .same_site(session.same_site)
        .websocket_origins(session.websocket_origins.iter().cloned())
        .upstream_cookies(session.upstream_cookies.iter().flatten().cloned())
        .pages(session.pages.clone());
    let builder = session.fallback_url.iter().fold(builder, |builder, fallback| builder.fallback(fallback.clone()));
    let builder = if config.finishes_site_logins() { builder.login_tickets() } else { builder };
    Some(delivery.into_iter().fold(builder, |builder, delivery| builder.deliver(delivery.clone())).build())
}
