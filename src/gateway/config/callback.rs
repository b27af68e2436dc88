//! `callback`: the route that Truecaller posts to.

use std::time::Duration;

use super::{section::Section, value};
use crate::gate::CallbackPath;

/// How callbacks are taken.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Callback {
    /// The path of the route.
    pub path: CallbackPath,
    /// When a callback must have been answered, reading it included: 2.5 s by default, for Truecaller hangs up
    /// after 3 s.
    pub deadline: Duration,
    /// How many bytes the body may have.
    pub body_limit: usize,
}

impl Callback {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let deadline = Duration::from_millis(100)..=Duration::from_mins(1);
        Self {
            path: section.read("path", parse_path).unwrap_or_else(default_path),
            deadline: section.read("deadline", value::duration(deadline)).unwrap_or(DEADLINE),
            body_limit: section.read("body_limit", value::size(1..=MAX_BODY_LIMIT)).unwrap_or(BODY_LIMIT),
        }
    }
}

fn parse_path(text: &super::tree::Scalar) -> Result<CallbackPath, String> {
    CallbackPath::parse(text).map_err(|error| format!("{error} (write one such as {DEFAULT_PATH})"))
}

fn default_path() -> CallbackPath {
    CallbackPath::parse(DEFAULT_PATH).expect("the default path is canonical")
}

const DEFAULT_PATH: &str = "/truecaller/callback";
const DEADLINE: Duration = Duration::from_millis(2500);
const BODY_LIMIT: usize = 16 << 10;

/// What can be read of a body and still be sent on as a whole.
const MAX_BODY_LIMIT: usize = 64 << 10;
