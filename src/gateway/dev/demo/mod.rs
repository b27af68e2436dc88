//! `truegate demo`: a simulated Truecaller, a gateway for callbacks and one for logins, and their sample apps, in one process.

mod app;
mod codes;
mod login;
mod site;

use std::net::SocketAddr;

use clap::builder::styling::{AnsiColor, Style};

use self::{
    app::App,
    login::LoginStep,
    site::{ACCOUNT_PATH, Demo},
};
use super::{DevError, not_posted, say, signals};

/// The arguments of `truegate demo`.
#[derive(Debug, clap::Args)]
pub(in crate::gateway) struct DemoArgs {
    /// The address of the gateway for callbacks, on this machine. Defaults to 127.0.0.1:8080, or to a free port if that is
    /// taken. The gateway for logins listens on 127.0.0.1:8081, or on a free port.
    #[arg(long, value_name = "ADDRESS", value_parser = loopback)]
    listen: Option<SocketAddr>,

    /// Exit after one callback and two logins: with 0 if the apps received the verified identities, with 1 if not.
    #[arg(long)]
    once: bool,

    /// Show the gateways' configurations.
    #[arg(long)]
    show_config: bool,
}

/// Lets one callback and two logins through and shows them. Then it serves until a signal ends it, or its terminal is
/// closed; with `--once` it ends at once.
pub(super) async fn run(args: DemoArgs) -> Result<(), DevError> {
    let mut signals = signals()?;
    let demo = Demo::start(args.listen).await?;
    let outcome = tokio::select! {
        outcome = show(&demo, &args) => outcome,
        _ = signals.next() => Err("interrupted before the end of the callback and the logins".into()),
    };
    if outcome.is_ok() && !args.once {
        signals.next().await;
    }
    demo.stop().await;
    outcome
}

async fn show(demo: &Demo, args: &DemoArgs) -> Result<(), DevError> {
    say(&greeting(demo))?;
    if args.show_config {
        for (place, site) in [("for callbacks", &demo.callbacks), ("for logins", &demo.logins)] {
            let lines = site.config.lines().map(|line| format!("  {line}\n")).collect::<String>();
            say(&format!("{HEADING}The configuration of the gateway {place}{HEADING:#}\n\n{lines}"))?;
        }
    }

    let (url, body) = (demo.callback_url(), demo.callback());
    let answer = demo.simulator.post(&url, body.clone()).await.map_err(|error| not_posted(&error))?;
    let body = String::from_utf8_lossy(&body);
    say(&format!("{HEADING}Truecaller posted to the gateway{HEADING:#}\n\n  POST {url}\n\n  {body}\n"))?;
    let verified = received("app", &demo.callbacks.app, DOCUMENTED_PHONE);
    say(&verified.map_err(|error| format!("{error}; the callback was answered {}", answer.status))?)?;

    let steps = login::with_truecaller(demo, ACCOUNT_PATH).await?;
    say(&walked("A user logged in to the shop with Truecaller, and opened the wiki", &steps))?;
    say(&received("shop", &demo.logins.app, login::PHONE)?)?;
    say(&received("wiki", &demo.wiki, login::PHONE)?)?;

    let steps = login::with_a_code(demo).await?;
    say(&walked("A user without Truecaller opened the wiki, and logged in by a code on the page of the shop", &steps))?;
    say(&received("wiki", &demo.wiki, login::CODE_PHONE)?)?;
    if args.once { Ok(()) } else { say(&usage(demo)) }
}

/// Returns a text with the addresses of the parts of a demo.
fn greeting(demo: &Demo) -> String {
    let app = |address| format!("http://{address}");
    format!(
        "\
{HEADING}truegate demo{HEADING:#}: all of it runs on this machine, and nothing is sent to Truecaller

  {:<22}  the simulator, in Truecaller's place
  {:<22}  a gateway, in front of an app that gets callbacks
  {:<22}  that app, which knows nothing of profiles
  {:<22}  a gateway, in front of two apps that know nothing of Truecaller
  {:<22}  the first, a shop, which greets the user that a header names
  {:<22}  the second, a wiki, which is open to users who are logged in

Users log in with Truecaller, or another way: a page of the shop verifies their number by a code

  {}
",
        demo.simulator.origin(),
        demo.callbacks.origin(),
        app(demo.callbacks.app.address()),
        demo.logins.origin(),
        app(demo.logins.app.address()),
        app(demo.wiki.address()),
        demo.code_page(),
    )
}

/// Returns a text about the steps of a login.
fn walked(heading: &str, steps: &[LoginStep]) -> String {
    let lines = steps.iter().map(|LoginStep { request, outcome }| format!("  {request}\n    {outcome}\n"));
    format!("{HEADING}{heading}{HEADING:#}\n\n{}", lines.collect::<String>())
}

/// Returns a text about the request that an app received, which must carry the identity of a user.
fn received(name: &str, app: &App, phone: &str) -> Result<String, String> {
    let verified = app.take().filter(|received| received.is_verified(&format!("+{phone}")));
    let received = verified.ok_or_else(|| format!("the {name} did not receive the verified identity"))?;
    let text = received.text(INJECTED);
    Ok(format!("{HEADING}The {name} received, with what truegate injected marked +{HEADING:#}\n\n{text}"))
}

/// Returns a text with commands to try while the demo runs.
fn usage(demo: &Demo) -> String {
    let (gateway, callback) = (demo.callbacks.address(), demo.callback_url());
    let (shop, wiki) = (demo.shop_origin(), demo.wiki_origin());
    let (origin, grant) = (demo.simulator.origin(), demo.callback());
    let grant = String::from_utf8_lossy(&grant);
    format!(
        r#"{HEADING}Try it from another terminal{HEADING:#}

The user agrees once more: the app receives the verified phone number.

  curl -d '{grant}' {callback}

The user says no: the app learns that and nothing else, and no profile is fetched.

  curl -d '{{"requestId":"a-request-id-of-the-app","status":"user_rejected"}}' {callback}

Somebody claims a phone number: the header never reaches the app.

  curl -H 'X-Truecaller-Phone: +10000000000' http://{gateway}/account

Somebody names an endpoint of their own: 403, nothing is fetched, and nothing reaches the app.

  curl -d '{{"requestId":"a-request-id-of-the-app","accessToken":"a-token-of-theirs","endpoint":"https://profile.example/v1/default"}}' {callback}

Truecaller fails: it answers 503, so the callback is answered 502, until the fault is over.

  curl -X PUT -d status=503 {origin}/simulator/fault
  curl -d '{grant}' {callback}
  curl -X PUT -d none {origin}/simulator/fault

{HEADING}Log in yourself, in a browser{HEADING:#}

  {shop}/

The login page leads to the simulator, which plays the phone. Without Truecaller, "Use another way" leads to the page of the
shop, which takes any number, and shows the code that a text message would carry.

The wiki takes the same logins:

  {wiki}/

Ctrl-C ends the demo."#
    )
}

/// Only this machine may reach a gateway that believes a simulator.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "write an IP address and a port, such as 127.0.0.1:8080")?;
    if !address.ip().is_loopback() {
        return Err("the demo is for this machine alone: write 127.0.0.1 and a port".to_owned());
    }
    Ok(address)
}

/// The phone number of the documented profile.
const DOCUMENTED_PHONE: &str = "919999999999";
const HEADING: Style = Style::new().bold();
const INJECTED: Style = AnsiColor::Green.on_default().bold();
