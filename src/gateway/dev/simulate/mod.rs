//! `truegate simulate`: the fake Truecaller as a program.

mod args;
mod error;
mod text;

use std::{
    future::pending,
    io::{self, Write},
    path::Path,
};

pub(crate) use self::{args::SimulateArgs, error::SimulateError};
use crate::gateway::signals::Signals;
use crate::simulator::{Posted, Simulator};

/// Serves until a signal ends it, or its terminal is closed; with `--once`, until its callback was answered.
pub(crate) async fn run(args: SimulateArgs) -> Result<(), SimulateError> {
    let mut signals = Signals::listen().map_err(SimulateError::Signals)?;
    let simulator = start(&args).await?;
    warn(&args);
    say(&text::greeting(&simulator, &args))?;
    if !args.once {
        say(&text::usage(&simulator, &args))?;
    }
    tokio::select! {
        outcome = perform(&simulator, &args) => outcome?,
        _ = signals.next() => {}
    }
    simulator.stop().await;
    Ok(())
}

async fn start(args: &SimulateArgs) -> Result<Simulator, SimulateError> {
    let mut builder = Simulator::builder().listen(args.listen);
    if let (Some(certificate), Some(key)) = (&args.certificate, &args.key) {
        builder = builder.tls(read(certificate)?, read(key)?);
    }
    if args.insecure_any_target {
        builder = builder.insecure_any_target();
    }
    let simulator = builder.start().await.map_err(|cause| SimulateError::start(args.listen, cause))?;
    simulator.set_fault(args.fault.clone());
    if let Some(url) = args.callback.as_ref().or(args.callback_url.as_ref()) {
        simulator.set_callback_url(url)?;
    }
    Ok(simulator)
}

/// Posts the callback, if there is one, and ends only with `--once`.
async fn perform(simulator: &Simulator, args: &SimulateArgs) -> Result<(), SimulateError> {
    if let Some(url) = &args.callback {
        let posted = simulator.call(url, args.call()).await?;
        say(&text::report(url, &posted))?;
        if args.once {
            return accepted(&posted);
        }
    }
    pending().await
}

fn accepted(posted: &[Posted]) -> Result<(), SimulateError> {
    match posted.iter().map(|posted| posted.answer.status).find(|status| !status.is_success()) {
        Some(status) => Err(SimulateError::NotAccepted(status)),
        None => Ok(()),
    }
}

fn warn(args: &SimulateArgs) {
    if !args.listen.ip().is_loopback() {
        eprintln!("{}", text::EXPOSED);
    }
    if args.insecure_any_target {
        eprintln!("{}", text::ANY_TARGET);
    }
}

fn say(text: &str) -> Result<(), SimulateError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(SimulateError::Output)
}

fn read(path: &Path) -> Result<Vec<u8>, SimulateError> {
    std::fs::read(path).map_err(|cause| SimulateError::Read { path: path.to_owned(), cause })
}
