//! `truegate serve`: runs the gateway.

use listenfd::ListenFd;
use tokio::task::spawn_blocking;

use super::{CommandError, ConfigArgs};
use crate::gateway::{
    Gateway,
    admin::ReloadQueue,
    config::Config,
    descriptors,
    listeners::InheritedSockets,
    logging, service_manager,
    signals::{Signal, Signals},
};

pub(super) async fn run(args: &ConfigArgs) -> Result<(), CommandError> {
    // It changes the environment, which only a process without other threads may do.
    let passed = ListenFd::from_env();
    let mut signals = Signals::listen().map_err(CommandError::running)?;
    let source = args.source().clone();
    let config = tokio::select! {
        loaded = spawn_blocking(move || Config::load(&source)) => loaded.map_err(CommandError::running)??,
        () = signals.stop() => return Ok(()),
    };
    logging::start(&config.log);
    descriptors::raise_limit();
    let (inherited, warnings) = (InheritedSockets::of(passed), config.warnings());
    let (reloads, mut reload_requests) = ReloadQueue::new();
    let mut gateway = tokio::select! {
        started = Gateway::start(config, inherited, reloads) => started.map_err(CommandError::running)?,
        () = signals.stop() => {
            tracing::info!("stopped before the start was over");
            return Ok(());
        }
    };
    tracing::info!(listen = ?gateway.addresses(), admin = %gateway.admin_address(), "started");
    for warning in warnings {
        tracing::warn!("{}", warning.line(args.source().path()));
    }
    gateway.announce_ready();
    loop {
        let request = tokio::select! {
            signal = signals.next() => match signal {
                Signal::Stop => break,
                Signal::Reload => None,
            },
            Some(request) = reload_requests.recv() => Some(request),
        };
        service_manager::reloading();
        tokio::select! {
            // How it ended is logged.
            reloaded = gateway.reload_from(args.source()) => {
                request.into_iter().for_each(|request| request.answer(args.source().path(), &reloaded));
            }
            () = signals.stop() => break,
        }
        gateway.announce_ready();
    }
    // What waits there is refused.
    drop(reload_requests);
    tracing::info!("stopping");
    tokio::select! {
        () = gateway.stop() => tracing::info!("stopped"),
        () = signals.stop() => tracing::warn!("stopped at once, because of a second signal"),
    }
    Ok(())
}
