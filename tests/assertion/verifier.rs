//! The foreign verifier, asked about a scene's tokens.

use serde_json::Value;

use crate::support::{edge::Signing, scene::Scene, verifier};

/// The token's header and claims, or the name of the error.
pub async fn verify(scene: &Scene, token: &str) -> Result<Value, String> {
    verify_for(scene, token, Signing::AUDIENCE).await
}

pub async fn verify_for(scene: &Scene, token: &str, audience: &str) -> Result<Value, String> {
    verifier::verify(scene.edge.address(), token, audience).await
}
