//! What is counted and logged of the access log and the audit log.

use std::io;

use tracing::{debug, warn};

use super::{BETWEEN_LINES, Telemetry};
use crate::gateway::logs::{LineLoss, LogName};

impl Telemetry {
    /// A line of a log is lost, because too many wait to be written.
    pub(in crate::gateway) fn full_log(&self, log: LogName) {
        self.lost_lines(log, LineLoss::Full, 1);
        let (log, cause) = (log.code(), LineLoss::Full.code());
        log!(self[log], warn!(log, cause), "lines of a log are lost");
    }

    /// A line of a log is left out, because clients cause too many of its kind.
    pub(in crate::gateway) fn limited_log(&self, log: LogName) {
        self.lost_lines(log, LineLoss::Limited, 1);
    }

    /// Lines of a log are lost, because they could not be written.
    pub(in crate::gateway) fn failed_log(&self, log: LogName, lines: u64, error: &io::Error) {
        self.lost_lines(log, LineLoss::Failed, lines);
        let (log, cause) = (log.code(), LineLoss::Failed.code());
        log!(self[cause], warn!(log, cause, lines, %error), "lines of a log are lost");
    }

    fn lost_lines(&self, log: LogName, loss: LineLoss, lines: u64) {
        self.0.metrics.lost_log_lines.add(&(log, loss), lines);
    }

    /// The file of a log could not be opened again.
    pub(in crate::gateway) fn kept_log_file(&self, log: LogName, error: &io::Error) {
        let log = log.code();
        warn!(log, %error, "the file of a log could not be opened again; its lines go where they went before");
    }
}
