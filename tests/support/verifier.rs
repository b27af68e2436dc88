//! A verifier that shares nothing with truegate: PyJWT, with the keys from the edge's own socket.

use std::{net::SocketAddr, process::Stdio};

use serde_json::Value;
use tokio::{io::AsyncWriteExt, process::Command};

use super::{edge::Signing, raw::within};

/// The token's header and claims, or the name of the error, by the keys that the edge at an address publishes.
pub async fn verify(edge: SocketAddr, token: &str, audience: &str) -> Result<Value, String> {
    let mut command = Command::new("/usr/bin/python3");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/assertion/verify.py"));
    // Without the environment, in which a proxy may be named.
    command.arg(format!("http://{edge}/.truegate/jwks.json")).env_clear();
    command.args([Signing::ISSUER, audience]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().expect("python3: run scripts/setup tests");
    child.stdin.take().expect("it is piped").write_all(token.as_bytes()).await.expect("the verifier reads");
    let output = within(child.wait_with_output()).await.expect("the verifier was started");
    let errors = String::from_utf8(output.stderr).expect("the name of an error is text");
    assert!(!errors.contains("Traceback"), "PyJWT: run scripts/setup tests\n{errors}");
    if output.status.success() {
        Ok(serde_json::from_slice(&output.stdout).expect("the verifier prints JSON"))
    } else {
        Err(errors.trim().to_owned())
    }
}
