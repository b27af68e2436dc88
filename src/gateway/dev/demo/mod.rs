//! `truegate demo`: a simulated Truecaller, two sample apps and a gateway in front of each, in one process.

mod app;
mod args;
mod error;
mod login;
mod page;
mod receipt;
mod scene;
mod stage;
mod text;

use std::io::Write;

pub(crate) use self::{args::DemoArgs, error::DemoError};
use self::{receipt::Receipt, scene::Scene};
use crate::gateway::signals::Signals;

/// Lets one callback and one login through and shows them, then serves until a signal ends it, or its
/// terminal is closed; with `--once` it ends
/// there.
pub(crate) async fn run(args: DemoArgs) -> Result<(), DemoError> {
    let mut signals = Signals::listen().map_err(DemoError::Signals)?;
    let scene = Scene::set(args.listen).await?;
    let outcome = tokio::select! {
        outcome = perform(&scene, &args) => outcome,
        _ = signals.next() => Err(DemoError::Interrupted),
    };
    if outcome.is_ok() && !args.once {
        signals.next().await;
    }
    scene.clear().await;
    outcome
}

async fn perform(scene: &Scene, args: &DemoArgs) -> Result<(), DemoError> {
    say(&text::greeting(scene))?;
    if args.show_config {
        say(&text::config("in front of the first app", &scene.callbacks.config))?;
        say(&text::config("in front of the second", &scene.logins.config))?;
    }
    post_callback(scene).await?;
    log_in(scene).await?;
    if args.once { Ok(()) } else { say(&text::usage(scene)) }
}

async fn post_callback(scene: &Scene) -> Result<(), DemoError> {
    let (url, body) = (scene.callback_url(), scene.callback());
    let answer = scene.simulator.post(&url, body.clone()).await?;
    say(&text::posted(&url, &body))?;
    let verified = scene.callbacks.app.first().filter(|receipt| receipt.is_verified(DOCUMENTED_PHONE));
    say(&text::received(verified.ok_or(DemoError::NotVerified(answer.status))?))
}

async fn log_in(scene: &Scene) -> Result<(), DemoError> {
    let steps = login::walk(&scene.logins, &scene.simulator, scene::ACCOUNT_PATH).await?;
    say(&text::walked(&steps))?;
    let phone = format!("+{}", login::PHONE);
    let verified = scene.logins.app.first().filter(|receipt| receipt.is_verified(&phone));
    say(&text::received(verified.ok_or(DemoError::NotGreeted)?))
}

/// Colours stay on a terminal, and leave that too when `NO_COLOR` asks for it.
fn say(text: &str) -> Result<(), DemoError> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(DemoError::Output)
}

/// What the documented profile gives.
const DOCUMENTED_PHONE: &str = "+919999999999";
