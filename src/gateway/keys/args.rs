//! The arguments of `truegate keys`.

use std::path::{Path, PathBuf};

/// The arguments of `truegate keys`.
#[derive(clap::Args)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    pub(super) kind: Kind,
}

#[derive(clap::Subcommand)]
pub(super) enum Kind {
    /// Make a private key that signs assertions, for `assertion.key`.
    ///
    /// It is a key for ES256, as PEM (PKCS#8). Its id, by which tokens and the published key set name it, goes to
    /// the standard error.
    Assertion(Output),
    /// Make a callback path that nobody guesses, for `callback.path`: /truecaller/ and 192 random bits in base64url.
    ///
    /// Tell it to nobody but Truecaller: register the URL of your site with this path in Truecaller's portal.
    Path(Output),
    /// Make a secret, for `session.secret`: 32 random bytes in base64, on one line.
    Secret(Output),
}

/// Where it goes.
#[derive(clap::Args)]
pub(super) struct Output {
    /// Write to a new file that only you can read; without it, to the standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Output {
    pub(super) fn file(&self) -> Option<&Path> {
        self.output.as_deref()
    }
}
