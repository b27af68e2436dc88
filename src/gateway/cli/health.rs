//! `truegate health`: asks the gateway whether it takes requests.

use std::time::Duration;

use http::StatusCode;

use super::{CommandError, ConfigArgs, admin_client::AdminClient};
use crate::gateway::config::read_admin_address;

pub(super) async fn run(args: &ConfigArgs) -> Result<(), CommandError> {
    // Container engines know no other exit code than 1 for what is not healthy.
    let address = read_admin_address(args.source()).map_err(|errors| CommandError::printing(&errors, 1))?;
    let answer = AdminClient::at(address).get("/readyz", DEADLINE).await;
    let answer = answer.map_err(|error| CommandError::of("health", error))?;
    if answer.status != StatusCode::OK {
        return Err(CommandError::of("health", format!("the gateway at {address} is not ready")));
    }
    println!("ready");
    Ok(())
}

/// Shorter than the time that container engines give a check.
const DEADLINE: Duration = Duration::from_secs(5);
