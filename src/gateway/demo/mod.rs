//! `truegate demo`: a simulated Truecaller, a sample app and the gateway between them, in one process.

mod app;
mod args;
mod error;
mod receipt;
mod scene;
mod text;

use std::io::Write;

pub(crate) use self::{args::DemoArgs, error::DemoError};
use self::{receipt::Receipt, scene::Scene};
use super::signals::Signals;

/// Lets one callback through and shows it, then serves until SIGINT or SIGTERM; with `--once` it ends there.
pub(crate) async fn run(args: DemoArgs) -> Result<(), DemoError> {
    let mut signals = Signals::listen().map_err(DemoError::Signals)?;
    let scene = Scene::set(args.listen).await?;
    let outcome = tokio::select! {
        outcome = perform(&scene, &args) => outcome,
        () = signals.next() => Err(DemoError::Interrupted),
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
        say(&text::config(&scene.config))?;
    }
    let (url, body) = (scene.callback_url(), scene.callback());
    let answer = scene.simulator.post(&url, body.clone()).await?;
    say(&text::posted(&url, &body))?;
    let verified = scene.app.callback().filter(|receipt| receipt.is_verified());
    say(&text::received(verified.ok_or(DemoError::NotVerified(answer.status))?))?;
    if args.once { Ok(()) } else { say(&text::usage(scene)) }
}

/// Colours stay on a terminal, and leave that too when `NO_COLOR` asks for it.
fn say(text: &str) -> Result<(), DemoError> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(DemoError::Output)
}
