//! The destination and the format of the log.

use std::{
    env,
    io::{self, IsTerminal},
    sync::OnceLock,
};

use tracing::{Metadata, level_filters::LevelFilter, warn};
use tracing_subscriber::{EnvFilter, Layer, Registry, filter::filter_fn, fmt, layer::SubscriberExt, reload};

use super::config::{LogConfig, LogFormat};

/// Logs to the standard error from now on. `RUST_LOG` overrides the level.
///
/// # Security
///
/// Only lines of truegate itself are let through, whatever `RUST_LOG` says: HTTP libraries log targets and headers.
pub(super) fn start(log: &LogConfig) {
    let configured = EnvFilter::new(log.level.to_string());
    let wanted = env::var(EnvFilter::DEFAULT_ENV).ok().filter(|directives| !directives.is_empty());
    let is_set = wanted.is_some();
    let wanted = wanted.map(EnvFilter::try_new).transpose();
    let is_understood = wanted.is_ok();
    let level = wanted.ok().flatten().unwrap_or(configured);
    let lines = fmt::layer().with_writer(io::stderr).with_target(false);
    let text = match log.format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => io::stderr().is_terminal(),
    };
    let lines = if text {
        lines.with_ansi(io::stderr().is_terminal()).boxed()
    } else {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
    };
    let is_fixed = is_set && is_understood;
    let (level, handle) = reload::Layer::new(level);
    let subscriber = Registry::default().with(lines.with_filter(filter_fn(is_ours)).with_filter(level));
    // A program that embeds the gateway may have a subscriber already, which then stays.
    if tracing::subscriber::set_global_default(subscriber).is_ok() && !is_fixed {
        let _ = LEVEL.set(handle);
    }
    if !is_understood {
        warn!("RUST_LOG is not valid; the configured level is used");
    }
}

/// Logs lines of this level from now on, unless `RUST_LOG` says which.
pub(super) fn set_level(level: LevelFilter) {
    if let Some(handle) = LEVEL.get() {
        // It fails only when the log is gone.
        let _ = handle.reload(EnvFilter::new(level.to_string()));
    }
}

/// The level of the log, if the configuration decides about it.
static LEVEL: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with(env!("CARGO_CRATE_NAME"))
}
