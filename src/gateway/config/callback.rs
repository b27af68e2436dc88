//! `callback`: the route that Truecaller posts to.

use std::time::Duration;

use super::{section::Section, tree::Scalar, value};
use crate::{
    gate::{CallbackPath, GateBuilder},
    pingora::RETRY_BUFFER,
};

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
    /// Whether the app gets callbacks too: without sessions always, with them once they are answered and verified.
    pub forward: bool,
}

impl Callback {
    pub(super) fn read(section: &mut Section<'_>, has_sessions: bool) -> Self {
        let deadline = Duration::from_millis(100)..=Duration::from_mins(1);
        Self {
            path: section.read("path", parse_path).unwrap_or_else(default_path),
            deadline: section.read("deadline", value::duration(deadline)).unwrap_or(GateBuilder::DEADLINE),
            body_limit: section.read("body_limit", value::size(1..=RETRY_BUFFER)).unwrap_or(GateBuilder::BODY_LIMIT),
            forward: section.read("forward", forward(has_sessions)).unwrap_or(!has_sessions),
        }
    }
}

/// Without sessions, nobody but the app learns of a login.
fn forward(has_sessions: bool) -> impl FnOnce(&Scalar) -> Result<bool, &'static str> {
    move |text| match value::boolean(text)? {
        false if !has_sessions => Err("must be true without `session`: nobody would learn of a login (remove it)"),
        forward => Ok(forward),
    }
}

fn parse_path(text: &Scalar) -> Result<CallbackPath, String> {
    CallbackPath::parse(text).map_err(|error| format!("{error} (write one such as {DEFAULT_PATH})"))
}

fn default_path() -> CallbackPath {
    CallbackPath::parse(DEFAULT_PATH).expect("the default path is canonical")
}

const DEFAULT_PATH: &str = "/truecaller/callback";
