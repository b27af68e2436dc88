//! `truegate manual`: the man pages of the program, and its completions for shells, as packages ship them.

use std::{fs, path::PathBuf};

use clap::{Command, CommandFactory, Subcommand};
use clap_complete::aot::{Bash, Fish, Zsh, generate_to};

use super::{DevCommand, DevError};
use crate::gateway::cli::Cli;

/// The arguments of `truegate manual`.
#[derive(Debug, clap::Args)]
pub(in crate::gateway) struct ManualArgs {
    /// The folder for the files. It is made if it is missing.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// Writes a man page for each command, and the completions of each shell under the name that the shell looks for.
pub(super) fn run(args: &ManualArgs) -> Result<(), DevError> {
    let ManualArgs { folder } = args;
    let mut program = released();
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(program.clone(), folder)?;
    generate_to(Bash, &mut program, NAME, folder)?;
    generate_to(Fish, &mut program, NAME, folder)?;
    generate_to(Zsh, &mut program, NAME, folder)?;
    Ok(())
}

/// The command line of a program without the commands for development.
fn released() -> Command {
    let all = Cli::command();
    let for_development = DevCommand::augment_subcommands(Command::new(NAME));
    let released =
        all.get_subcommands().filter(|command| for_development.find_subcommand(command.get_name()).is_none());
    let about = all.get_about().cloned().unwrap_or_default();
    Command::new(NAME).version(env!("CARGO_PKG_VERSION")).about(about).subcommands(released.cloned())
}

const NAME: &str = "truegate";
