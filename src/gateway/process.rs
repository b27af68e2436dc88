//! What lives as long as the process, whatever its configuration says.

use std::sync::Arc;

use super::{acme::Challenges, logs::Logs, open_work::VerificationTasks, telemetry::Telemetry};

/// The parts of a gateway that there are once, and that every [configuration](super::active_config::ActiveConfig) is made with.
/// Clones share them.
#[derive(Clone)]
pub(super) struct Process {
    pub(super) telemetry: Telemetry,
    pub(super) logs: Arc<Logs>,
    /// The answers that an ACME server may ask for now.
    pub(super) challenges: Challenges,
    pub(super) verifications: VerificationTasks,
}

impl Process {
    pub(super) fn new(telemetry: Telemetry) -> Self {
        Self {
            logs: Arc::new(Logs::new(&telemetry)),
            telemetry,
            challenges: Challenges::default(),
            verifications: VerificationTasks::default(),
        }
    }
}
