//! The command line: which commands there are, and how the program ends.
//!
//! Each command is in a file of its own. A command that reads a configuration flattens [`ConfigArgs`] into its arguments.

mod admin_client;
mod check;
mod config;
mod config_args;
mod explain;
mod findings;
mod health;
mod reload;
mod revoke;
mod serve;

use std::{fmt::Display, process::ExitCode};

use clap::{Parser, Subcommand};
use tokio::runtime::Builder;

pub(super) use self::config_args::ConfigArgs;
use self::{check::CheckArgs, config::PrintArgs, explain::ExplainArgs};
use super::{
    config::ConfigErrors,
    dev::DevCommand,
    keys::{self, KeysArgs},
};

/// Verified Truecaller phone identity for any app.
#[derive(Parser)]
#[command(version)]
pub(super) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway until SIGTERM, SIGINT or SIGQUIT.
    ///
    /// The gateway takes Truecaller's callbacks, and strips and injects identity headers. With `session:` in the
    /// configuration it also logs browsers in and keeps their sessions. After a signal, requests that came before and verifications
    /// of answered callbacks have `shutdown_grace` to finish; a second signal stops the gateway at once. SIGHUP makes it read
    /// the configuration and all files that it names again, and open the files of logs again.
    Serve(ConfigArgs),
    /// Ask the running gateway whether it takes requests.
    ///
    /// The exit code is 0 if it does, and 1 if not. Of the configuration, only the address of the admin listener is read, so a health
    /// check needs no secrets.
    Health(ConfigArgs),
    /// Have the running gateway read its configuration again, as SIGHUP does.
    ///
    /// The exit code is 0 when the new configuration is in force: warnings name what needs a restart. It is 2 if the configuration
    /// has mistakes or cannot be in force, which changes nothing, and 1 if the gateway cannot be asked. Of the configuration, only the
    /// section `admin` is read here: the gateway reads its own file.
    Reload(ConfigArgs),
    /// End all sessions of phone numbers, on every gateway with the same store.
    ///
    /// Each line of the standard input is a phone number with + and the code of its country, such as +919999900001. If any line is
    /// something else, no session is ended, and the exit code is 2. The exit code is 0 when all sessions have ended, and 1 if the
    /// gateway cannot be asked, or its store is away: then run the command again. A session that begins later is not ended.
    Revoke(ConfigArgs),
    /// Check a configuration and list every mistake in it.
    ///
    /// For a valid configuration, this prints the listeners, the apps, the rules in force, in their order, and what a stranger
    /// without a session can reach. Likely mistakes are warnings on the standard error; the exit code is still 0. With mistakes, the
    /// exit code is 2.
    ///
    /// Every file that the configuration names is read: keys, certificates, pages and lists of phone numbers. No connection
    /// is made.
    Check(CheckArgs),
    /// Explain what the gateway makes of one request.
    ///
    /// It reads the bytes of a request, and prints how the gateway reads the path, the rule that matches, the client and why it is taken for
    /// that, the session, what the app gets and does not get, and the answer. The gateway's own code decides, but nobody is asked and nothing is
    /// sent: no app, no store, not Truecaller. No value of a header or a cookie is printed, and no query.
    Explain(ExplainArgs),
    /// Print the default configuration, or the schema of all configurations.
    Config(PrintArgs),
    /// Make the keys and secrets that a configuration refers to.
    Keys(KeysArgs),
    #[command(flatten)]
    Dev(DevCommand),
}

/// Runs the program with the arguments of the process.
///
/// The exit code is 0 for success, 2 for wrong arguments or a wrong configuration, and 1 for any other failure.
pub fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        // The threads that serve requests have runtimes of their own.
        Command::Serve(args) => run(Builder::new_current_thread(), serve::run(&args)),
        Command::Health(args) => run(Builder::new_current_thread(), health::run(&args)),
        Command::Reload(args) => run(Builder::new_current_thread(), reload::run(&args)),
        Command::Revoke(args) => run(Builder::new_current_thread(), revoke::run(&args)),
        Command::Check(args) => check::run(&args),
        Command::Explain(args) => run(Builder::new_current_thread(), explain::run(&args)),
        Command::Config(args) => config::run(&args),
        Command::Keys(args) => keys::run(args),
        Command::Dev(command) => run(Builder::new_multi_thread(), command.run()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(CommandError { message, code }) => {
            message.iter().for_each(|message| eprintln!("{message}"));
            ExitCode::from(code)
        }
    }
}

fn run(mut runtime: Builder, command: impl Future<Output = Result<(), CommandError>>) -> Result<(), CommandError> {
    let runtime = runtime.enable_all().build().map_err(CommandError::running)?;
    let outcome = runtime.block_on(command);
    // A file that cannot be read to its end, such as a pipe, must not keep the process alive.
    runtime.shutdown_background();
    outcome
}

/// The reason why the program ends with another exit code than 0.
pub(super) struct CommandError {
    /// None if it was printed already.
    message: Option<String>,
    code: u8,
}

impl CommandError {
    fn running(error: impl Display) -> Self {
        Self { message: Some(format!("truegate: {error}")), code: 1 }
    }

    /// A configuration has mistakes, which were printed already.
    fn wrong_config() -> Self {
        Self { message: None, code: 2 }
    }

    /// A message of its own, and an exit code.
    fn printing(message: &dyn Display, code: u8) -> Self {
        Self { message: Some(message.to_string()), code }
    }

    pub(super) fn of(command: &str, error: impl Display) -> Self {
        Self { message: Some(format!("truegate {command}: {error}")), code: 1 }
    }
}

/// Each mistake is a line that starts with its place, as editors read it.
impl From<ConfigErrors> for CommandError {
    fn from(errors: ConfigErrors) -> Self {
        Self { message: Some(errors.to_string()), code: 2 }
    }
}
