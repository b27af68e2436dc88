//! What is counted and logged of the gate: callbacks, logins and refusals.

use std::time::Duration;

use tracing::{debug, info, warn};

use super::{BETWEEN_LINES, Telemetry, milliseconds};
use crate::{
    cause::Cause,
    gate::{AppLoginOutcome, CallbackOutcome, Event, FetchOutcome, LoginEvent, Observer, VerificationOutcome},
    gateway::traces,
    identity::VerificationMethod,
};

impl Observer for Telemetry {
    fn observe(&self, event: Event) {
        let metrics = &self.0.metrics;
        match event {
            Event::Callback { outcome, elapsed } => {
                metrics.callbacks.count(&outcome);
                // A callback that was only acknowledged gets its verdict later.
                if outcome != CallbackOutcome::Acknowledged {
                    metrics.verification.observe(elapsed.as_secs_f64());
                }
                let (word, elapsed_ms) = (outcome.code(), milliseconds(elapsed));
                match outcome {
                    CallbackOutcome::Verified => info!(outcome = word, elapsed_ms, "callback"),
                    _ => log!(self[word], info!(outcome = word, elapsed_ms), "callback"),
                }
            }
            Event::AppLogin { method, outcome, elapsed } => {
                metrics.app_logins.count(&(method, outcome));
                metrics.verification.observe(elapsed.as_secs_f64());
                let (method, word, elapsed_ms) =
                    (method.map(VerificationMethod::code), outcome.code(), milliseconds(elapsed));
                match outcome {
                    AppLoginOutcome::Verified => info!(method, outcome = word, elapsed_ms, "app login"),
                    _ => log!(self[word], info!(method, outcome = word, elapsed_ms), "app login"),
                }
            }
            Event::Verification { outcome, elapsed } => {
                metrics.verifications.count(&outcome);
                let had_no_verdict = matches!(outcome, VerificationOutcome::NoLogin | VerificationOutcome::Repeated);
                if !had_no_verdict {
                    metrics.verification.observe(elapsed.as_secs_f64());
                }
                let (word, elapsed_ms) = (outcome.code(), milliseconds(elapsed));
                match outcome {
                    VerificationOutcome::Verified => info!(outcome = word, elapsed_ms, "verification"),
                    _ if had_no_verdict => debug!(outcome = word, elapsed_ms, "verification"),
                    _ => log!(self[word], info!(outcome = word, elapsed_ms), "verification"),
                }
            }
            Event::Fetch { outcome, elapsed } => {
                metrics.fetches.count(&outcome);
                metrics.fetch.observe(elapsed.as_secs_f64());
                traces::note_fetch(outcome, elapsed);
                self.fetch(outcome, elapsed);
            }
            Event::Refusal(rejection) => {
                metrics.refusals.count(&rejection.code());
                log!(self[rejection.code()], info!(reason = rejection.code()), "refused");
            }
            Event::Login(event) => {
                metrics.logins.count(&event);
                match event {
                    LoginEvent::Verified | LoginEvent::LoggedOut | LoginEvent::Revoked => {
                        info!(event = event.code(), "login");
                    }
                    _ => log!(self[event.code()], info!(event = event.code()), "login"),
                }
            }
            Event::Revocation(scope) => debug!(scope = scope.code(), "revocation"),
            Event::StoreFailure(cause) => {
                metrics.store_failures.count(&cause);
                log!(self[cause.code()], warn!(cause = cause.code(), tls = cause.detail()), "the store did not answer");
            }
            Event::InsecureLogin => self.insecure_login(),
            Event::Spoof(channel) => {
                metrics.spoofs.count(&channel);
                log!(self[channel.code()], warn!(channel = channel.code()), "spoofed identity stripped");
            }
        }
    }
}

impl Telemetry {
    /// A browser opened the login over http, so the login cannot succeed.
    fn insecure_login(&self) {
        if self.admit(("insecure login", ""), BETWEEN_WARNINGS).is_some() {
            warn!(
                "a login was opened over http although public_url is https, so the browser drops its cookies; open it over \
                 https, or list the proxy that speaks https in trusted_proxies"
            );
        }
    }

    /// A profile that cannot be fetched is the operator's business; a refused token is the caller's.
    fn fetch(&self, outcome: FetchOutcome, elapsed: Duration) {
        let (result, cause, elapsed_ms) = (outcome.code(), outcome.cause(), milliseconds(elapsed));
        let (cause, tls) = (cause.map(Cause::code), cause.and_then(Cause::detail));
        match outcome {
            FetchOutcome::Fetched | FetchOutcome::Refused => debug!(result, cause, tls, elapsed_ms, "profile"),
            _ => log!(self[cause.unwrap_or(result)], warn!(result, cause, tls, elapsed_ms), "profile"),
        }
    }
}

const BETWEEN_WARNINGS: Duration = Duration::from_mins(1);
