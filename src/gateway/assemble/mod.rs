//! From what a configuration says to the parts that do it.

use std::sync::Arc;

use super::{config::Config, telemetry::Telemetry};
use crate::{
    gate::Gate,
    profile::{ClientError, ProfileClient},
};

/// The gate that a configuration describes.
pub(super) fn gate(config: &Config, telemetry: Telemetry) -> Result<Gate, ClientError> {
    let builder = Gate::builder(config.callback.path.clone(), profile_client(config)?)
        .endpoints(config.truecaller.endpoints.clone())
        .headers(Arc::clone(&config.identity))
        .body_limit(config.callback.body_limit)
        .deadline(config.callback.deadline)
        .observer(telemetry)
        .require_host();
    let builder = match &config.assertion {
        Some(assertions) => builder.assertions(Arc::clone(assertions)),
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
