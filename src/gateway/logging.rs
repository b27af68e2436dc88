//! Where the log goes and what it looks like.

use std::io::{self, IsTerminal};

use tracing::Metadata;
use tracing_subscriber::{EnvFilter, Layer, Registry, filter::filter_fn, fmt, layer::SubscriberExt};

use super::config::{Log, LogFormat};

/// Logs to standard error from now on; `RUST_LOG` overrides the level.
///
/// # Security
///
/// Only truegate's own lines are let through, whatever `RUST_LOG` says: HTTP libraries log targets and headers.
pub(super) fn start(log: Log) {
    let level =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::default().add_directive(log.level.into()));
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
    let subscriber = Registry::default().with(lines.with_filter(filter_fn(is_ours)).with_filter(level));
    // A program that embeds the gateway may log already, and then its way stands.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with(env!("CARGO_CRATE_NAME"))
}
