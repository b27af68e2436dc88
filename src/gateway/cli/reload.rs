//! `truegate reload`: has the gateway read its configuration again.

use std::{io, time::Duration};

use http::StatusCode;

use super::{CommandError, ConfigArgs, admin_client::AdminClient, findings::write_lines};
use crate::gateway::config::{AdminClientConfig, FindingsReport};

pub(super) async fn run(args: &ConfigArgs) -> Result<(), CommandError> {
    let failed = |message: String| CommandError::of("reload", message);
    let client = AdminClient::from(AdminClientConfig::load(args.source())?);
    let answer = client.post("/reload", String::new(), DEADLINE).await.map_err(|error| failed(error.to_string()))?;
    let is_done = answer.status == StatusCode::OK;
    if !is_done && answer.status != StatusCode::UNPROCESSABLE_ENTITY {
        return Err(failed(answer.refusal()));
    }
    let report = serde_json::from_slice::<FindingsReport>(&answer.body).map_err(|_| failed(answer.refusal()))?;
    write_lines(&mut io::stderr().lock(), report.file(), &report.findings())
        .map_err(|error| failed(error.to_string()))?;
    if is_done {
        println!("reloaded");
        return Ok(());
    }
    Err(CommandError::printing(&"truegate reload: not reloaded; the previous configuration stays in force", 2))
}

/// Longer than the gateway takes to answer at most.
const DEADLINE: Duration = Duration::from_secs(70);
