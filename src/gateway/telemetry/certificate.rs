//! What is counted and logged of the certificates that the gateway obtains.

use std::time::{Duration, SystemTime};

use tracing::{info, warn};

use crate::{
    cause::Cause,
    gateway::admin::{CertificateMetrics, unix_seconds},
};

/// Counts and logs what happens to the certificate of one host.
pub(in crate::gateway) struct CertificateTelemetry {
    host: String,
    metrics: CertificateMetrics,
}

impl CertificateTelemetry {
    pub(super) fn new(host: &str, metrics: CertificateMetrics) -> Self {
        Self { host: host.to_owned(), metrics }
    }

    /// The certificate that is in the folder ends then.
    pub(in crate::gateway) fn expiry(&self, until: SystemTime) {
        self.metrics.expiry.set(unix_seconds(until));
    }

    /// A new certificate is in the folder.
    pub(in crate::gateway) fn obtained(&self) {
        info!(host = self.host, "certificate obtained");
    }

    /// No new certificate was obtained. The problem is what the ACME server says that is the matter.
    pub(in crate::gateway) fn failed(&self, cause: Cause, problem: Option<&'static str>, pause: Duration) {
        self.metrics.failures.inc();
        let (host, cause, tls, retry_s) = (&self.host, cause.code(), cause.detail(), pause.as_secs());
        warn!(host, cause, tls, problem, retry_s, "a certificate could not be obtained; it is tried again");
    }
}
