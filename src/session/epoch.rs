//! Dates as they are written: in milliseconds since the Unix epoch.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A date as a number; what lies before the epoch is the epoch.
pub(crate) fn milliseconds(date: SystemTime) -> u64 {
    let elapsed = date.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// A number as a date, unless the system knows none so late.
pub(crate) fn date(milliseconds: u64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds))
}
