//! `health` of an app: how its servers are asked whether they can serve.

use std::{num::NonZero, ops::RangeInclusive, time::Duration};

use http::uri::PathAndQuery;

use crate::gateway::config::{reader::Section, value};

/// How the servers of an app are asked whether they can serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HealthConfig {
    /// What is asked for; without it, a server is healthy if it accepts a connection.
    pub(crate) path: Option<PathAndQuery>,
    /// The time from one question to the next.
    pub(crate) interval: Duration,
    /// How long an answer may take.
    pub(crate) timeout: Duration,
    /// How many good answers in a row bring a server back.
    pub(crate) healthy_after: NonZero<u32>,
    /// How many failures in a row take a server out.
    pub(crate) unhealthy_after: NonZero<u32>,
}

impl HealthConfig {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let path = section.take("path").map(|item| {
            let parse = |text: &str| text.parse().ok().filter(|_| text.starts_with('/') && !text.contains('#'));
            item.parse(&value::path(
                move |text| parse(text).ok_or("must start with a slash and be visible ASCII"),
                "write /healthz",
            ))
        });
        let count = || value::count(NonZero::<u32>::MIN..=MOST);
        let health = Self {
            interval: section.read_or("interval", INTERVAL, &value::duration(INTERVALS)),
            timeout: section.read_or("timeout", TIMEOUT, &value::duration(TIMEOUTS)),
            healthy_after: section.read_or("healthy_after", HEALTHY_AFTER, &count()),
            unhealthy_after: section.read_or("unhealthy_after", UNHEALTHY_AFTER, &count()),
            path: None,
        };
        Some(match path {
            Some(path) => Self { path: Some(path?), ..health },
            None => health,
        })
    }
}

const INTERVAL: Duration = Duration::from_secs(5);
const INTERVALS: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_hours(1);
const TIMEOUT: Duration = Duration::from_secs(1);
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_mins(1);
const HEALTHY_AFTER: NonZero<u32> = NonZero::new(2).expect("it is not zero");
const UNHEALTHY_AFTER: NonZero<u32> = NonZero::new(3).expect("it is not zero");
const MOST: NonZero<u32> = NonZero::new(100).expect("it is not zero");
