//! `callback`: the route that Truecaller posts to.

use std::time::Duration;

use super::{
    reader::{Scalar, Section},
    value,
};
use crate::gate::{CallbackPath, GateBuilder};

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
    /// The longest body that a configuration may allow.
    pub const MAX_BODY_LIMIT: usize = 64 << 10;

    /// Reads the section; none if there is no path that could be used.
    pub(super) fn read(section: &mut Section<'_>, has_sessions: bool) -> Option<Self> {
        let path = if has_sessions { secret_path(section) } else { any_path(section) };
        let deadline = Duration::from_millis(100)..=Duration::from_mins(1);
        let deadline = section.read("deadline", value::duration(deadline)).unwrap_or(GateBuilder::DEADLINE);
        let body_limit =
            section.read("body_limit", value::size(1..=Self::MAX_BODY_LIMIT)).unwrap_or(GateBuilder::BODY_LIMIT);
        let forward = section.read("forward", forward(has_sessions)).unwrap_or(!has_sessions);
        Some(Self { path: path?, deadline, body_limit, forward })
    }
}

/// Without sessions, nobody but the app learns of a login.
fn forward(has_sessions: bool) -> impl FnOnce(&Scalar) -> Result<bool, &'static str> {
    move |text| match value::boolean(text)? {
        false if !has_sessions => Err("must be true without `session`: nobody would learn of a login (remove it)"),
        forward => Ok(forward),
    }
}

/// With sessions, the path is the only secret between Truecaller and the site.
fn secret_path(section: &mut Section<'_>) -> Option<CallbackPath> {
    let item = section.require(
        "path",
        "with `session` it must be a secret: write ${TRUEGATE_CALLBACK_PATH}, and make it with `truegate keys path`",
    )?;
    item.parse(|text| match parse_path(text)? {
        path if path.is_guessable() => {
            Err("can be guessed, and with `session` it must be a secret (make it with `truegate keys path`)".to_owned())
        }
        path => Ok(path),
    })
}

/// Without sessions the app checks the nonce, and a path that can be guessed is worth no more than a warning.
fn any_path(section: &mut Section<'_>) -> Option<CallbackPath> {
    let default = || CallbackPath::parse(DEFAULT_PATH).expect("the default path is canonical");
    section.take("path").map_or_else(|| Some(default()), |item| item.parse(parse_path))
}

fn parse_path(text: &Scalar) -> Result<CallbackPath, String> {
    CallbackPath::parse(text).map_err(|error| format!("{error} (make one with `truegate keys path`)"))
}

const DEFAULT_PATH: &str = "/truecaller/callback";
