//! `truegate simulate`: the fake Truecaller as a program.

use std::{future::pending, io, net::SocketAddr, path::PathBuf, time::Duration};

use super::{DevError, not_posted, say, signals};
use crate::simulator::{Call, DOCUMENTED_TOKEN, Fault, PostedCallback, Simulator};

/// The arguments of `truegate simulate`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = ENDPOINTS)]
pub(in crate::gateway) struct SimulateArgs {
    /// The address to listen on; port 0 takes a free port.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8490")]
    listen: SocketAddr,

    /// How Truecaller's endpoints answer.
    #[arg(long, alias = "day", value_name = "FAULT", default_value = "none", long_help = table("How Truecaller's endpoints answer", Fault::forms()))]
    fault: Fault,

    /// Speak TLS with this certificate chain (PEM).
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,

    /// The key of the certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,

    /// Post a callback to this http:// URL of this machine. The callbacks of the phone's page go there too.
    #[arg(long, value_name = "URL")]
    callback: Option<String>,

    /// Post the callbacks of the phone's page to this http:// URL. The simulator then posts no callback by itself.
    #[arg(long, value_name = "URL", conflicts_with = "callback")]
    callback_url: Option<String>,

    /// Which callback to post.
    #[arg(long, value_name = "KIND", default_value = "grant", requires = "callback", long_help = table("Which callback to post", Call::KINDS.iter().copied()))]
    send: Call,

    /// Wait before the callback, such as 5s or 300ms.
    #[arg(long, value_name = "DURATION", requires = "callback", value_parser = humantime::parse_duration)]
    delay: Option<Duration>,

    /// The endpoint that the callback names. Defaults to the simulator's own.
    #[arg(long, value_name = "URL", requires = "callback")]
    endpoint: Option<String>,

    /// The request id of the callback. Defaults to a new one.
    #[arg(long, value_name = "ID", requires = "callback")]
    request_id: Option<String>,

    /// Exit after the callback: with 0 if the answer was 2xx, with 1 if not.
    #[arg(long, requires = "callback")]
    once: bool,

    /// Let callbacks go to other machines too.
    #[arg(long)]
    insecure_any_target: bool,
}

/// Serves until a signal ends it, or its terminal is closed; with `--once`, until its callback was answered.
pub(super) async fn run(args: SimulateArgs) -> Result<(), DevError> {
    let mut signals = signals()?;
    let simulator = start(&args).await?;
    if !args.listen.ip().is_loopback() {
        eprintln!("{EXPOSED}");
    }
    if args.insecure_any_target {
        eprintln!("{ANY_TARGET}");
    }
    let (origin, fault) = (simulator.origin(), &args.fault);
    let mut greeting = format!("truegate simulate: a fake Truecaller at {origin}, with the fault {fault}\n");
    if !args.once {
        greeting += &usage(&simulator, &args);
    }
    say(&greeting)?;
    let served = async {
        if let Some(url) = &args.callback {
            let posted = call_back(&simulator, url, &args).await?;
            if args.once {
                let refused = posted.iter().map(|posted| posted.answer.status).find(|status| !status.is_success());
                return refused
                    .map_or(Ok(()), |status| Err(DevError::from(format!("the callback was answered {status}"))));
            }
        }
        pending().await
    };
    tokio::select! {
        outcome = served => outcome?,
        _ = signals.next() => {}
    }
    simulator.stop().await;
    Ok(())
}

async fn start(args: &SimulateArgs) -> Result<Simulator, DevError> {
    let read = |path: &PathBuf| std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()));
    let mut builder = Simulator::builder().listen(args.listen);
    if let (Some(certificate), Some(key)) = (&args.certificate, &args.key) {
        builder = builder.tls(read(certificate)?, read(key)?);
    }
    if args.insecure_any_target {
        builder = builder.insecure_any_target();
    }
    let simulator = builder.start().await.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => format!("the certificate or its key cannot be used: {error}"),
        _ => {
            let listen = args.listen;
            format!("cannot listen on {listen}: {error} (give --listen another address; port 0 takes a free one)")
        }
    })?;
    simulator.set_fault(args.fault.clone());
    if let Some(url) = args.callback.as_ref().or(args.callback_url.as_ref()) {
        simulator.set_callback_url(url).map_err(|error| not_posted(&error))?;
    }
    Ok(simulator)
}

/// Posts the callback, and prints what was posted and what came back.
async fn call_back(simulator: &Simulator, url: &str, args: &SimulateArgs) -> Result<Vec<PostedCallback>, DevError> {
    let (request_id, endpoint) = (args.request_id.clone(), args.endpoint.clone());
    let call = Call { delay: args.delay.unwrap_or(args.send.delay), request_id, endpoint, ..args.send.clone() };
    let posted = simulator.call(url, call).await.map_err(|error| not_posted(&error))?;
    for PostedCallback { body, answer, .. } in &posted {
        let (body, answered) = (String::from_utf8_lossy(body), String::from_utf8_lossy(&answer.body));
        let text = format!("POST {url}\n{body}\n\nanswered {}\n{answered}\n", answer.status);
        say(&text)?;
    }
    Ok(posted)
}

/// Returns a text about how to use a running simulator.
fn usage(simulator: &Simulator, args: &SimulateArgs) -> String {
    let (origin, endpoint, link_base) = (simulator.origin(), simulator.endpoint(), simulator.link_base());
    let (token, userinfo) = (simulator.token_endpoint(), simulator.userinfo_endpoint());
    let missed_call = simulator.missed_call_endpoint();
    let curl = match &args.certificate {
        Some(certificate) => format!("curl --cacert {}", certificate.display()),
        None => "curl".to_owned(),
    };
    format!(
        r#"
In config.yaml (native is for an Android app; any client id will do):

  truecaller:
    endpoints: [ {endpoint} ]
  native:
    client_id: a-client-id
    token_endpoint: {token}
    userinfo_endpoint: {userinfo}
    missed_call_endpoint: {missed_call}

The documented profile, by the documented token:

  {curl} -H 'Authorization: Bearer {DOCUMENTED_TOKEN}' {endpoint}

A fault (truegate simulate --help lists them):

  {curl} -X PUT -d status=503 {origin}/simulator/fault

A callback:

  {curl} -H 'Content-Type: application/json' \
    -d '{{"to":"http://127.0.0.1:8080/the/callback/path","kind":"grant"}}' \
    {origin}/simulator/callbacks

A user of an Android app, by a code or by a missed call (the verifier of the code is dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk):

  {curl} -H 'Content-Type: application/json' \
    -d '{{"phone":"919999999999","code_challenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}}' \
    {origin}/simulator/app
  {curl} -H 'Content-Type: application/json' -d '{{"phone":"919999999999"}}' {origin}/simulator/missed-call

The user's phone, a page that plays the Truecaller app and posts to the callback URL (--callback-url):

  session:
    link_base: {link_base}

What the endpoints saw:

  {curl} {origin}/simulator/requests
"#
    )
}

fn table(title: &str, rows: impl Iterator<Item = (&'static str, &'static str)>) -> String {
    let rows = rows.map(|(text, meaning)| format!("\n{text:<31}{meaning}"));
    format!("{title}:\n{}", rows.collect::<String>())
}

/// What the program plays.
const ENDPOINTS: &str = "\
It serves, as Truecaller does:
  GET /v1/default            the profile of a callback
  POST /v1/token             the access token for the code of an Android app
  GET /v1/userinfo           the profile of a user of an Android app
  GET /v1/otp/client/installation/phoneNumberDetail/{token}
                             the number of a user who was verified by a missed call

As the SDK in an app does, these make a credential for a user, from a JSON object:
  POST /simulator/app          {phone, code_challenge} to {code}: a code with the S256 challenge of its verifier
  POST /simulator/missed-call  {phone} to {access_token}: the token of a missed call";

const EXPOSED: &str = "\
WARNING: this is not a loopback address. Whoever reaches it can steer the simulator, read the tokens that it saw and \
make it post callbacks.";

const ANY_TARGET: &str =
    "WARNING: callbacks may go to any host. Whoever reaches the simulator can make it post anywhere.";
