//! A verifier that shares nothing with truegate: PyJWT, with the keys from the edge's own socket.

use std::process::Stdio;

use serde_json::Value;
use tokio::{io::AsyncWriteExt, process::Command};

use crate::support::{edge::Signing, raw::within, scene::Scene};

/// The token's header and claims, or the name of the error.
pub async fn verify(scene: &Scene, token: &str) -> Result<Value, String> {
    verify_for(scene, token, Signing::AUDIENCE).await
}

pub async fn verify_for(scene: &Scene, token: &str, audience: &str) -> Result<Value, String> {
    let mut command = Command::new("/usr/bin/python3");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/assertion/verify.py"));
    // Without the environment, in which a proxy may be named.
    command.arg(format!("http://{}/.truegate/jwks.json", scene.edge.address())).env_clear();
    command.args([Signing::ISSUER, audience]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().expect("python3: run scripts/setup tests");
    child.stdin.take().unwrap().write_all(token.as_bytes()).await.unwrap();
    let output = within(child.wait_with_output()).await.unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(!errors.contains("Traceback"), "PyJWT: run scripts/setup tests\n{errors}");
    if output.status.success() {
        Ok(serde_json::from_slice(&output.stdout).unwrap())
    } else {
        Err(errors.trim().to_owned())
    }
}
