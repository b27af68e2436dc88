//! From what a configuration says to the parts that do it.

mod sessions;

use std::sync::Arc;

use super::{StartError, config::Config, telemetry::Telemetry, upstream::Upstreams, verifications::Verifications};
use crate::{
    gate::Gate,
    profile::{ClientError, ProfileClient},
};

/// What a gate leans on that the program keeps.
pub(super) struct Surroundings {
    pub(super) telemetry: Telemetry,
    pub(super) upstreams: Arc<Upstreams>,
    pub(super) verifications: Verifications,
}

/// The gate that a configuration describes.
pub(super) fn gate(config: &Config, around: &Surroundings) -> Result<Gate, StartError> {
    let builder = Gate::builder(config.callback.path.clone(), profile_client(config)?)
        .endpoints(config.truecaller.endpoints.clone())
        .headers(Arc::clone(&config.identity))
        .body_limit(config.callback.body_limit)
        .deadline(config.callback.deadline)
        .limits(config.limits)
        .observer(around.telemetry.clone())
        .require_host();
    let builder = match &config.assertion {
        Some(assertions) => builder.assertions(Arc::clone(assertions)),
        None => builder,
    };
    let builder = match &config.session {
        Some(session) => builder.sessions(sessions::sessions(config, session, around)?)?,
        None => builder,
    };
    Ok(if config.truecaller.require_active { builder } else { builder.accept_inactive() }.build())
}

fn profile_client(config: &Config) -> Result<ProfileClient, ClientError> {
    let truecaller = &config.truecaller;
    let builder = ProfileClient::builder()
        .connect_timeout(truecaller.connect_timeout)
        .attempts(truecaller.attempts.get())
        .profile_limit(truecaller.profile_limit)
        .trust(truecaller.ca_file.clone().unwrap_or_default());
    let resolved = truecaller.resolve.iter();
    resolved.fold(builder, |builder, (host, address)| builder.resolve(host, *address)).build()
}
