//! `truegate serve`: runs the gateway.

use listenfd::ListenFd;

use super::{CommandError, ConfigArgs};
use crate::gateway::{
    Gateway, descriptors,
    inherited::InheritedSockets,
    logging, service_manager,
    signals::{Signal, Signals},
};

pub(super) async fn run(args: &ConfigArgs) -> Result<(), CommandError> {
    // It changes the environment, which only a process without other threads may do.
    let passed = ListenFd::from_env();
    let mut signals = Signals::listen().map_err(CommandError::running)?;
    let config = args.load()?;
    logging::start(&config.log);
    descriptors::raise_limit();
    let (inherited, warnings) = (InheritedSockets::of(passed), config.warnings());
    let mut gateway = tokio::select! {
        started = Gateway::start(config, inherited) => started.map_err(CommandError::running)?,
        () = signals.stop() => {
            tracing::info!("stopped before the start was over");
            return Ok(());
        }
    };
    tracing::info!(listen = ?gateway.addresses(), admin = %gateway.admin_address(), "started");
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    gateway.announce_ready();
    while signals.next().await == Signal::Reload {
        service_manager::reloading();
        tokio::select! {
            // How it ended is logged.
            _ = gateway.reload_from(args.source()) => {}
            () = signals.stop() => break,
        }
        gateway.announce_ready();
    }
    tracing::info!("stopping");
    tokio::select! {
        () = gateway.stop() => tracing::info!("stopped"),
        () = signals.stop() => tracing::warn!("stopped at once, because of a second signal"),
    }
    Ok(())
}
