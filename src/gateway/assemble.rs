//! Makes the gate of a configuration.

use std::sync::Arc;

use super::{
    BoxError, StartError,
    config::{Config, SessionConfig, StoreConfig},
    delivery::UpstreamDelivery,
    process::Process,
    sessionless_rules::SessionlessRules,
    upstream::Upstream,
};
use crate::{
    gate::Gate,
    native::NativeClient,
    profile::ProfileClient,
    session::{Sessions, SessionsBuilder},
    store::MemoryStore,
};

/// The gate that a configuration describes, and its sessions if it has any.
pub(super) fn gate(
    config: &Config,
    client: ProfileClient,
    native: Option<NativeClient>,
    upstream: &Arc<Upstream>,
    process: &Process,
) -> Result<(Gate, Option<Sessions>), BoxError> {
    let builder = Gate::builder(config.callback.path.clone(), client)
        .endpoints(config.truecaller.endpoints.clone())
        .headers(Arc::clone(&config.identity))
        .body_limit(config.callback.body_limit)
        .deadline(config.callback.deadline)
        .limits(config.limits)
        .observer(process.telemetry.clone())
        .require_host();
    let builder = config.assertion.iter().fold(builder, |builder, keys| builder.assertions(Arc::clone(keys)));
    let sessions = match &config.session {
        Some(session) => {
            let sessions = sessions(session)?.rules(config.routes.clone()).groups(config.groups.clone());
            let sessions = sessions.tasks(process.verifications.clone());
            let sessions = if config.admin.token.is_some() { sessions.login_tickets() } else { sessions };
            let sessions = match config.callback.forward {
                true => {
                    let delivery = UpstreamDelivery::new(upstream, &process.telemetry);
                    sessions.deliver(delivery.map_err(StartError::Delivery)?)
                }
                false => sessions,
            };
            Some(sessions.build())
        }
        None => None,
    };
    let builder = match sessions.clone() {
        Some(sessions) => builder.sessions(sessions)?,
        None if config.routes.is_empty() => builder,
        None => builder.plug_in(SessionlessRules(config.routes.clone())),
    };
    let builder = match config.native.as_ref().zip(native) {
        Some((native, client)) => builder.native(native.route(client))?,
        None => builder,
    };
    let builder = if config.truecaller.require_active { builder } else { builder.accept_inactive() };
    Ok((builder.build(), sessions))
}

fn sessions(session: &SessionConfig) -> Result<SessionsBuilder, BoxError> {
    let (url, sealer, partner) = (session.public_urls.clone(), session.sealer.clone(), session.partner.clone());
    let builder = match &session.store {
        StoreConfig::Memory => Sessions::builder(url, sealer, partner, MemoryStore::new(session.max_pending)),
        StoreConfig::Redis { servers, ca_file } => {
            let mut store = servers.store(session.max_pending)?;
            if let Some(pem) = ca_file {
                store = store.trust(pem)?;
            }
            Sessions::builder(url, sealer, partner, store)
        }
    };
    let builder = builder
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
    Ok(session.fallback_url.iter().fold(builder, |builder, fallback| builder.fallback(fallback.clone())))
}
