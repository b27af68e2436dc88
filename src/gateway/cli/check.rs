//! `truegate check`: lists every mistake in a configuration, or what is in force.

use std::{
    env,
    io::{self, IsTerminal as _, Write as _},
};

use clap::{Args, ValueEnum};

use super::{
    CommandError, ConfigArgs,
    findings::{write_json, write_lines, write_text},
};
use crate::gateway::config::{Config, ConfigErrors, ConfigSource, Finding, SourceLines};

/// The arguments of `truegate check`.
#[derive(Args)]
pub(super) struct CheckArgs {
    /// The configuration file, as with --config.
    #[arg(value_name = "FILE", conflicts_with = "config")]
    file: Option<ConfigSource>,
    #[command(flatten)]
    config: ConfigArgs,
    /// How mistakes and warnings are printed.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Auto)]
    format: Format,
}

/// How mistakes and warnings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// As text on a terminal, and one line each otherwise.
    Auto,
    /// With the line of the configuration, in which secrets are masked.
    Text,
    /// As a JSON document on the standard output, for scripts.
    Json,
}

impl CheckArgs {
    fn source(&self) -> &ConfigSource {
        self.file.as_ref().unwrap_or_else(|| self.config.source())
    }
}

pub(super) fn run(args: &CheckArgs) -> Result<(), CommandError> {
    let source = args.source();
    let text = source.text();
    let lines = SourceLines::read(text.as_ref().map_or("", |text| text));
    let checked = text.as_ref().map_err(ConfigErrors::findings).and_then(|text| {
        let config = Config::parse(text, source.path(), |name| env::var(name).ok());
        config.map_err(|errors| errors.findings())
    });
    let (config, findings) = match checked {
        Ok(config) => {
            let warnings = config.warnings();
            (Some(config), warnings)
        }
        Err(mistakes) => (None, mistakes),
    };
    if let (Some(config), Format::Auto | Format::Text) = (&config, args.format) {
        print!("{source}: valid\n\n{}\n{}", config.listeners_and_apps(), config.in_force());
    }
    print_findings(args.format, source, &findings, &lines).map_err(|error| CommandError::of("check", error))?;
    if config.is_some() { Ok(()) } else { Err(CommandError::wrong_config()) }
}

fn print_findings(
    format: Format,
    source: &ConfigSource,
    findings: &[Finding],
    lines: &SourceLines<'_>,
) -> io::Result<()> {
    let file = source.path();
    match format {
        Format::Json => write_json(&mut io::stdout().lock(), file, findings),
        Format::Auto if !io::stderr().is_terminal() => write_lines(&mut io::stderr().lock(), file, findings),
        Format::Auto | Format::Text => {
            io::stdout().flush()?;
            // It leaves the colours out where they are not wanted.
            write_text(&mut anstream::stderr().lock(), file, findings, lines)
        }
    }
}
