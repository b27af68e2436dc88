//! The arguments of `truegate simulate`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use crate::simulator::{Call, Fault};

/// The arguments of `truegate simulate`.
#[derive(Debug, clap::Args)]
pub(crate) struct SimulateArgs {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8490")]
    pub(super) listen: SocketAddr,

    /// How the profile endpoint answers.
    #[arg(long, alias = "day", value_name = "FAULT", default_value = "none", long_help = faults())]
    pub(super) fault: Fault,

    /// Speak TLS with this certificate chain (PEM).
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(super) certificate: Option<PathBuf>,

    /// The key of the certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(super) key: Option<PathBuf>,

    /// Post a callback to this http:// URL of this machine, and those of the phone's page too.
    #[arg(long, value_name = "URL")]
    pub(super) callback: Option<String>,

    /// Post the callbacks of the phone's page to this http:// URL, and none of its own.
    #[arg(long, value_name = "URL", conflicts_with = "callback")]
    pub(super) callback_url: Option<String>,

    /// Which callback to post.
    #[arg(long, value_name = "KIND", default_value = "grant", requires = "callback", long_help = kinds())]
    send: Call,

    /// Wait before the callback, such as 5s or 300ms.
    #[arg(long, value_name = "DURATION", requires = "callback", value_parser = humantime::parse_duration)]
    delay: Option<Duration>,

    /// The endpoint that the callback names, in place of the simulator's own.
    #[arg(long, value_name = "URL", requires = "callback")]
    endpoint: Option<String>,

    /// The request id (nonce) of the callback, in place of a fresh one.
    #[arg(long, value_name = "ID", requires = "callback")]
    request_id: Option<String>,

    /// Exit after the callback: 0 if it was answered 2xx, 1 if not.
    #[arg(long, requires = "callback")]
    pub(super) once: bool,

    /// Let callbacks go to other machines too.
    #[arg(long)]
    pub(super) insecure_any_target: bool,
}

impl SimulateArgs {
    /// The callback to post.
    pub(super) fn call(&self) -> Call {
        let mut call = self.send.clone();
        if let Some(delay) = self.delay {
            call = call.after(delay);
        }
        if let Some(endpoint) = &self.endpoint {
            call = call.endpoint(endpoint);
        }
        if let Some(request_id) = &self.request_id {
            call = call.request_id(request_id);
        }
        call
    }
}

fn faults() -> String {
    format!("How the profile endpoint answers:\n\n{}", table(Fault::FORMS))
}

fn kinds() -> String {
    format!("Which callback to post:\n\n{}", table(Call::KINDS))
}

fn table(rows: &[(&str, &str)]) -> String {
    rows.iter().map(|(text, meaning)| format!("{text:<31}{meaning}")).collect::<Vec<_>>().join("\n")
}
