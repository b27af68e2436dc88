//! `truegate revoke`: ends all sessions of phone numbers.
//!
//! The numbers come from the standard input: arguments can be read by everyone on the machine, and stay in the history of the shell.

use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

use http::StatusCode;
use serde_json::json;
use zeroize::Zeroizing;

use super::{CommandError, ConfigArgs, admin_client::AdminClient};
use crate::{
    gateway::{
        admin::named_number,
        config::{AdminClientConfig, ConfigSource},
    },
    profile::PhoneNumber,
};

pub(super) async fn run(args: &ConfigArgs) -> Result<(), CommandError> {
    if *args.source() == ConfigSource::Stdin {
        return Err(CommandError::printing(&NO_INPUT_LEFT, 2));
    }
    let client = AdminClient::from(AdminClientConfig::load(args.source())?);
    let numbers = read_numbers()?;
    let mut failures = Vec::new();
    for (line, phone) in &numbers {
        if let Err(reason) = revoke(&client, phone).await {
            failures.push(format!("truegate revoke: line {line}: {reason}"));
        }
    }
    let done = numbers.len() - failures.len();
    println!("ended the sessions of {done} phone number{}", if done == 1 { "" } else { "s" });
    if failures.is_empty() { Ok(()) } else { Err(CommandError::printing(&failures.join("\n"), 1)) }
}

/// Reads all numbers, each with its line. If any line is wrong, nobody is logged out.
fn read_numbers() -> Result<Vec<(usize, PhoneNumber)>, CommandError> {
    if io::stdin().is_terminal() {
        eprintln!("Write one phone number a line, and Ctrl-D at the end.");
    }
    let (mut numbers, mut mistakes) = (Vec::new(), Vec::new());
    for (line, text) in (1..).zip(io::stdin().lines()) {
        let text = Zeroizing::new(text.map_err(|error| CommandError::of("revoke", error))?);
        match (text.trim(), named_number(text.trim())) {
            ("", _) => {}
            (_, Some(phone)) => numbers.push((line, phone)),
            (_, None) => mistakes.push(format!("truegate revoke: line {line} is not a phone number ({NUMBER})")),
        }
    }
    if !mistakes.is_empty() {
        mistakes.push("truegate revoke: no session was ended".to_owned());
    } else if numbers.is_empty() {
        mistakes.push("truegate revoke: the standard input has no phone number (write one a line)".to_owned());
    }
    if mistakes.is_empty() { Ok(numbers) } else { Err(CommandError::printing(&mistakes.join("\n"), 2)) }
}

async fn revoke(client: &AdminClient, phone: &PhoneNumber) -> Result<(), String> {
    let body = json!({ "phone": phone.as_str() }).to_string();
    let answer = client.post("/revoke", body, DEADLINE).await.map_err(|error| error.to_string())?;
    if answer.status == StatusCode::NO_CONTENT { Ok(()) } else { Err(answer.refusal()) }
}

const NO_INPUT_LEFT: &str = "truegate revoke: the standard input has the numbers, so it cannot have the configuration (name a file \
    with `-c`)";
const NUMBER: &str = "write it with + and the code of its country, such as +919999900001";
/// Longer than the gateway waits for its store.
const DEADLINE: Duration = Duration::from_secs(15);
