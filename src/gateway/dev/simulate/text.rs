//! What `truegate simulate` prints.

use std::fmt::Write;

use super::SimulateArgs;
use crate::simulator::{DOCUMENTED_TOKEN, Posted, Simulator};

/// Where the simulator is.
pub(super) fn greeting(simulator: &Simulator, args: &SimulateArgs) -> String {
    format!("truegate simulate: a fake Truecaller at {}, with the fault {}", simulator.origin(), args.fault)
}

/// How to use a simulator that goes on.
pub(super) fn usage(simulator: &Simulator, args: &SimulateArgs) -> String {
    let (origin, endpoint, link_base) = (simulator.origin(), simulator.endpoint(), simulator.link_base());
    let curl = match &args.certificate {
        Some(certificate) => format!("curl --cacert {}", certificate.display()),
        None => "curl".to_owned(),
    };
    format!(
        r#"
In config.yaml:

  truecaller:
    endpoints: [ {endpoint} ]

The documented profile, by the documented token:

  {curl} -H 'Authorization: Bearer {DOCUMENTED_TOKEN}' {endpoint}

A fault (truegate simulate --help lists them):

  {curl} -X PUT -d status=503 {origin}/simulator/fault

A callback:

  {curl} -H 'Content-Type: application/json' \
    -d '{{"to":"http://127.0.0.1:8080/the/callback/path","kind":"grant"}}' \
    {origin}/simulator/callbacks

The user's phone, a page that plays the Truecaller app and posts to the callback URL (--callback-url):

  session:
    link_base: {link_base}

What the endpoint saw:

  {curl} {origin}/simulator/requests
"#
    )
}

/// What was posted, and what came back.
pub(super) fn report(url: &str, posted: &[Posted]) -> String {
    let mut text = String::new();
    for Posted { body, answer, .. } in posted {
        let (body, answered) = (String::from_utf8_lossy(body), String::from_utf8_lossy(&answer.body));
        // Writing to a string cannot fail.
        let _ = write!(text, "POST {url}\n{body}\n\nanswered {}\n{answered}\n", answer.status);
    }
    text
}

pub(super) const EXPOSED: &str = "\
WARNING: this is not a loopback address. Whoever reaches it can steer the simulator, read the tokens that it saw and \
make it post callbacks.";

pub(super) const ANY_TARGET: &str =
    "WARNING: callbacks may go to any host. Whoever reaches the simulator can make it post anywhere.";
