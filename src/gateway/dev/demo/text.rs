//! What `truegate demo` prints.

use clap::builder::styling::{AnsiColor, Style};

use super::{Receipt, Scene, login::Step};

/// What runs where.
pub(super) fn greeting(scene: &Scene) -> String {
    let Scene { simulator, callbacks, logins, .. } = scene;
    let app = |address| format!("http://{address}");
    format!(
        "\
{HEADING}truegate demo{HEADING:#}: all of it runs on this machine, and nothing is sent to Truecaller

  {:<22}  the simulator, in Truecaller's place
  {:<22}  the gateway, in front of an app that gets callbacks
  {:<22}  that app, which knows nothing of profiles
  {:<22}  the gateway, in front of an app that knows nothing of Truecaller
  {:<22}  that app, which greets whom a header names
",
        simulator.origin(),
        callbacks.origin(),
        app(callbacks.app.address()),
        logins.origin(),
        app(logins.app.address()),
    )
}

/// What a gateway was told.
pub(super) fn config(which: &str, yaml: &str) -> String {
    let lines = yaml.lines().map(|line| format!("  {line}\n")).collect::<String>();
    format!("{HEADING}The configuration of the gateway {which}{HEADING:#}\n\n{lines}")
}

/// What came to the gateway.
pub(super) fn posted(url: &str, body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    format!("{HEADING}Truecaller posted to the gateway{HEADING:#}\n\n  POST {url}\n\n  {body}\n")
}

/// What a browser, a user and their phone did.
pub(super) fn walked(steps: &[Step]) -> String {
    let lines = steps.iter().map(|Step { request, outcome }| format!("  {request}\n    {outcome}\n"));
    format!("{HEADING}A user logged in{HEADING:#}\n\n{}", lines.collect::<String>())
}

/// What came to the app.
pub(super) fn received(receipt: &Receipt) -> String {
    let text = receipt.text(INJECTED);
    format!("{HEADING}The app received, with what truegate injected marked +{HEADING:#}\n\n{text}")
}

/// What to try with a demo that goes on.
pub(super) fn usage(scene: &Scene) -> String {
    let (gateway, callback, site) = (scene.callbacks.gateway(), scene.callback_url(), scene.logins.origin());
    let (origin, grant) = (scene.simulator.origin(), scene.callback());
    let grant = String::from_utf8_lossy(&grant);
    format!(
        r#"{HEADING}Try it from another terminal{HEADING:#}

The user agrees once more: the app receives the verified phone number.

  curl -d '{grant}' {callback}

The user says no: the app learns that and nothing else, and no profile is fetched.

  curl -d '{{"requestId":"a-nonce-of-the-app","status":"user_rejected"}}' {callback}

Somebody claims a phone number: the header never reaches the app.

  curl -H 'X-Truecaller-Phone: +10000000000' http://{gateway}/account

Somebody names an endpoint of their own: 403, nothing is fetched, and nothing reaches the app.

  curl -d '{{"requestId":"a-nonce-of-the-app","accessToken":"a-token-of-theirs","endpoint":"https://profile.example/v1/default"}}' {callback}

Truecaller fails: it answers 503, so the callback is answered 502, until the fault is over.

  curl -X PUT -d status=503 {origin}/simulator/fault
  curl -d '{grant}' {callback}
  curl -X PUT -d none {origin}/simulator/fault

{HEADING}Log in yourself, in a browser{HEADING:#}

  {site}/

Ctrl-C ends the demo."#
    )
}

const HEADING: Style = Style::new().bold();
const INJECTED: Style = AnsiColor::Green.on_default().bold();
