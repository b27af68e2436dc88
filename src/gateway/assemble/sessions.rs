//! The sessions that a configuration describes.

use std::sync::Arc;

use super::{
    super::{
        StartError,
        config::{Config, Session, Store},
        delivery::UpstreamDelivery,
    },
    Surroundings,
};
use crate::{
    session::{Sessions, SessionsBuilder},
    store::MemoryStore,
};

pub(super) fn sessions(config: &Config, session: &Session, around: &Surroundings) -> Result<Sessions, StartError> {
    let builder = begin(session)?
        .path(session.path.clone())
        .link_base(session.link_base.clone())
        .login_timeout(session.login_timeout)
        .lifetime(session.lifetime)
        .idle(session.idle)
        .revocation_grace(session.revocation_grace)
        .logout_url(session.logout_url.clone())
        .brand(session.brand.clone())
        .cookie_name(&session.cookie_name)
        .upstream_cookies(session.upstream_cookies.iter().flatten().cloned())
        .rules(config.routes.clone())
        .pages(session.pages.clone())
        .tasks(around.verifications.clone());
    let builder = match &session.fallback_url {
        Some(fallback) => builder.fallback(fallback.clone()),
        None => builder,
    };
    if !config.callback.forward {
        return Ok(builder.build());
    }
    let delivery = UpstreamDelivery::new(&config.upstream, Arc::clone(&around.upstreams), around.telemetry.clone())?;
    Ok(builder.deliver(delivery).build())
}

fn begin(session: &Session) -> Result<SessionsBuilder, StartError> {
    let (url, sealer, partner) = (session.public_url.clone(), session.secrets.sealer(), session.partner.clone());
    Ok(match &session.store {
        Store::Memory => Sessions::builder(url, sealer, partner, MemoryStore::new(session.max_pending)),
        Store::Redis(server) => Sessions::builder(url, sealer, partner, server.store(session.max_pending)?),
    })
}
