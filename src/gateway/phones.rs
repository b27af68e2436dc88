//! The files of phone numbers that rules name: read again when they change.

use std::time::Duration;

use tokio::task::spawn_blocking;

use super::{
    reload::{Due, Reason},
    telemetry::Telemetry,
};
use crate::access::{PhonesFile, PhonesFileError, Refresh, Rules};

/// The files, each with why it cannot be used, if that is so.
pub(super) struct PhonesFiles {
    files: Vec<(PhonesFile, Option<PhonesFileError>)>,
    telemetry: Telemetry,
}

impl PhonesFiles {
    /// The files of these rules, which were read when the configuration was.
    pub(super) fn of(rules: &Rules, telemetry: Telemetry) -> Self {
        Self { files: rules.phones_files().map(|file| (file.clone(), None)).collect(), telemetry }
    }

    /// Looks at the files again and again; one that cannot be used leaves the list of before.
    pub(super) async fn keep_fresh(mut self, mut due: Due) {
        while !self.files.is_empty() {
            let reason = due.next().await;
            // Only a runtime that ends keeps it from being looked at.
            let Ok(looked) = spawn_blocking(move || self.refreshed(reason)).await else { return };
            self = looked;
        }
    }

    fn refreshed(mut self, reason: Reason) -> Self {
        for (number, (file, mistake)) in (1..).zip(&mut self.files) {
            if reason == Reason::Asked {
                file.distrust();
            }
            let found = file.refresh();
            match found {
                Ok(Refresh::Renewed) => tracing::info!(number, "phones file renewed"),
                Err(error) if *mistake != Some(error) => {
                    tracing::error!(number, %error, "a phones file cannot be used; the list of before stays in use");
                }
                Ok(_) | Err(_) => {}
            }
            *mistake = found.err();
        }
        let unusable = self.files.iter().filter(|(_, mistake)| mistake.is_some());
        self.telemetry.unusable_phones_files(unusable.count());
        self
    }
}

/// How often the files are looked at.
pub(super) const REFRESH: Duration = Duration::from_secs(1);
