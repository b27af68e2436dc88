//! What lives as long as the process, whatever its configuration says.

use super::{acme::Challenges, open_work::VerificationTasks, telemetry::Telemetry};

/// The parts of a gateway that there are once, and that every [configuration](super::active_config::ActiveConfig) is made with.
/// Clones share them.
#[derive(Clone)]
pub(super) struct Process {
    pub(super) telemetry: Telemetry,
    /// The answers that an ACME server may ask for now.
    pub(super) challenges: Challenges,
    pub(super) verifications: VerificationTasks,
}

impl Process {
    pub(super) fn new(telemetry: Telemetry) -> Self {
        Self { telemetry, challenges: Challenges::default(), verifications: VerificationTasks::default() }
    }
}
