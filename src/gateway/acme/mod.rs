//! Certificates that the gateway obtains and renews itself, from an ACME server (RFC 8555).
//!
//! It writes them into a folder, of which the listeners read their certificates as they read those of others. Requests and
//! handshakes never wait for the ACME server.

mod challenges;
mod failure;
mod files;
mod order;
mod server;

use std::{
    io,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use tokio::{task::spawn_blocking, time::timeout};

pub(super) use self::challenges::Challenges;
use self::{failure::OrderError, files::Validity, order::Pem, server::AcmeServer};
use super::{
    BoxError,
    config::AcmeConfig,
    process::Process,
    telemetry::CertificateTelemetry,
    watcher::{Freshness, Reason, Watched},
};
use crate::{
    backoff,
    clock::{Clock as _, SystemClock},
};

/// Keeps the certificates of all hosts valid, one after the other.
pub(super) struct Acme {
    config: Arc<AcmeConfig>,
    server: AcmeServer,
    challenges: Challenges,
    hosts: Vec<Host>,
}

impl Acme {
    /// Makes the folder. Nothing is asked for yet.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made.
    pub(super) fn new(config: &AcmeConfig, process: &Process) -> Result<Self, BoxError> {
        let Process { challenges, telemetry, .. } = process;
        files::make_folder(&config.folder).map_err(|error| format!("the folder of `acme` cannot be made: {error}"))?;
        let host = |name: &String| Host {
            name: name.clone(),
            file: config.file(name),
            renew_at: SystemTime::UNIX_EPOCH,
            retry_at: None,
            failures: 0,
            telemetry: telemetry.certificate(name),
        };
        Ok(Self {
            hosts: config.hosts.iter().map(host).collect(),
            server: AcmeServer::new(&config.trusted)?,
            config: Arc::new(config.clone()),
            challenges: challenges.clone(),
        })
    }
}

/// The ACME server is asked only if a certificate is due, so a look costs nothing.
impl Watched for Acme {
    const PERIOD: Duration = Duration::from_secs(1);

    async fn look(&mut self, reason: Reason) -> Freshness {
        for host in &mut self.hosts {
            if reason == Reason::Reload {
                host.retry_at = None;
            }
            if !host.is_due() || host.has_found_another().await {
                continue;
            }
            let order = order::obtain(&self.server, &self.config, &host.name, &self.challenges);
            let result = match timeout(LONGEST_ORDER, order).await {
                Ok(Ok(pem)) => host.take(pem).await,
                Ok(Err(error)) => Err(error),
                Err(_) => Err(OrderError::Timeout),
            };
            host.ended(result);
        }
        Freshness::Current
    }
}

/// A host and its certificate.
struct Host {
    name: String,
    file: PathBuf,
    /// When the certificate is to be renewed.
    renew_at: SystemTime,
    /// When the server may be asked again after a failure.
    retry_at: Option<Instant>,
    failures: usize,
    telemetry: CertificateTelemetry,
}

impl Host {
    fn is_due(&self) -> bool {
        self.renew_at <= SystemClock.wall() && self.retry_at.is_none_or(|at| at <= SystemClock.now())
    }

    /// Whether the file has a certificate that is not due: one from before the start, or one that somebody else has put there.
    async fn has_found_another(&mut self) -> bool {
        let (file, name) = (self.file.clone(), self.name.clone());
        let find = move || Validity::of(&files::read(&file).ok()??, &name);
        let Ok(Some(found)) = spawn_blocking(find).await else { return false };
        self.keep(found);
        self.renew_at > SystemClock.wall()
    }

    fn keep(&mut self, validity: Validity) {
        self.telemetry.expiry(validity.until);
        self.renew_at = renewal(validity);
    }

    /// Stores what was issued.
    async fn take(&mut self, pem: Pem) -> Result<(), OrderError> {
        let validity = Validity::of(pem.as_bytes(), &self.name).ok_or(OrderError::Unusable)?;
        let file = self.file.clone();
        spawn_blocking(move || files::replace(&file, pem.as_bytes())).await.map_err(io::Error::from)??;
        self.keep(validity);
        // With a clock that is wrong, each new certificate would be due at once, and the server would be asked without end.
        if self.renew_at <= SystemClock.wall() { Err(OrderError::Unusable) } else { Ok(()) }
    }

    fn ended(&mut self, result: Result<(), OrderError>) {
        let Err(error) = result else {
            (self.failures, self.retry_at) = (0, None);
            self.telemetry.obtained();
            return;
        };
        let pause = pause(self.failures, error.pause());
        self.failures += 1;
        self.retry_at = Some(SystemClock.now() + pause);
        self.telemetry.failed(error.cause(), error.problem(), pause);
    }
}

/// When a certificate is to be renewed: when a third of its time is left, and a little earlier, so that not all are due together.
fn renewal(Validity { from, until }: Validity) -> SystemTime {
    let lifetime = until.duration_since(from).unwrap_or_default();
    until - lifetime / 3 - backoff::jittered(lifetime / 30)
}

/// How long to wait after so many failures before this one, and at least as long as the server asks for.
fn pause(failures: usize, asked: Option<Duration>) -> Duration {
    let grown = backoff::doubling(SHORTEST_PAUSE, LONGEST_PAUSE).nth(failures.min(MOST_DOUBLINGS));
    backoff::jittered(grown.unwrap_or(LONGEST_PAUSE)).max(asked.unwrap_or_default())
}

/// The server needs seconds, and longer only if it fails.
const LONGEST_ORDER: Duration = Duration::from_mins(2);
const SHORTEST_PAUSE: Duration = Duration::from_mins(1);
const LONGEST_PAUSE: Duration = Duration::from_hours(6);
const MOST_DOUBLINGS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_renewed_when_a_third_of_its_time_is_left() {
        for days in [7, 47, 90] {
            let (from, lifetime) = (SystemTime::UNIX_EPOCH, Duration::from_hours(24 * days));
            let at = renewal(Validity { from, until: from + lifetime }).duration_since(from).unwrap();
            assert!(lifetime * 19 / 30 <= at && at <= lifetime * 2 / 3, "{days}: {at:?}");
        }
    }

    #[test]
    fn pauses_grow_and_are_as_long_as_the_server_asks() {
        for (failures, minutes) in [(0, 1), (1, 2), (5, 32), (9, 360), (1_000_000, 360)] {
            let (found, longest) = (pause(failures, None), Duration::from_mins(minutes));
            assert!(longest / 2 <= found && found <= longest, "{failures}: {found:?}");
        }
        let hour = Duration::from_hours(1);
        assert_eq!(pause(0, Some(hour)), hour);
        assert!(pause(9, Some(hour)) > hour);
    }
}
