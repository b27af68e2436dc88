//! `truegate keys`: makes the keys and secrets that a configuration refers to.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use zeroize::Zeroizing;

use super::cli::CommandError;
use crate::{assertion::SigningKey, gate::CallbackPath, random::Random};

/// The arguments of `truegate keys`.
#[derive(clap::Args)]
pub(super) struct KeysArgs {
    #[command(subcommand)]
    key: Key,
}

#[derive(clap::Subcommand)]
enum Key {
    /// Make a private key that signs assertions, for `assertion.key`.
    ///
    /// The key is for ES256 and is written as PEM (PKCS#8). Its id, which names the key in tokens and in the published key
    /// set, is printed to the standard error.
    Assertion(Output),
    /// Make a callback path that nobody can guess, for `callback.path`: /truecaller/ and 192 random bits in base64url.
    ///
    /// Keep the path secret. Register the URL of your site with this path in Truecaller's portal.
    Path(Output),
    /// Make a secret, for `session.secret`: 32 random bytes in base64, on one line.
    Secret(Output),
}

#[derive(clap::Args)]
struct Output {
    /// Write to a new file that only you can read. Defaults to the standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Makes a key, and prints it or writes it to a new file.
pub(super) fn run(args: KeysArgs) -> Result<(), CommandError> {
    match args.key {
        Key::Assertion(output) => {
            let key = SigningKey::generate();
            output.write(&key.to_pem())?;
            eprintln!("kid: {}", key.id());
            Ok(())
        }
        Key::Path(output) => output.write(&path(&Random::system())),
        Key::Secret(output) => output.write(&secret(&Random::system())),
    }
}

/// Makes a callback path that nobody can guess, as one line.
pub(super) fn path(random: &Random) -> Zeroizing<String> {
    loop {
        let mut line = Zeroizing::new(String::with_capacity(64));
        line.push_str("/truecaller/");
        URL_SAFE_NO_PAD.encode_string(*random.bytes::<24>(), &mut line);
        // Random text looks like words now and then.
        if line.parse::<CallbackPath>().is_ok_and(|path| !path.is_guessable()) {
            line.push('\n');
            return line;
        }
    }
}

/// Makes 256 random bits, as one line of base64.
pub(super) fn secret(random: &Random) -> Zeroizing<String> {
    // The capacity is enough for the whole line: a string that grows leaves a copy of the secret behind.
    let mut line = Zeroizing::new(String::with_capacity(64));
    STANDARD.encode_string(*random.bytes::<32>(), &mut line);
    line.push('\n');
    line
}

impl Output {
    /// Prints a text, or writes it to a file that only its owner can read, and never over another file.
    fn write(self, text: &str) -> Result<(), CommandError> {
        let (place, written) = match &self.output {
            Some(path) => (path.display().to_string(), create(path, text)),
            None => {
                let mut out = io::stdout().lock();
                let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
                ("to the standard output".to_owned(), written)
            }
        };
        written.map_err(|error| CommandError::of("keys", format!("cannot write {place}: {error}")))
    }
}

/// Writes a new file that only its owner can read.
fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).inspect_err(|_| {
        // Half a key is worse than none, and the next try would find the file there.
        let _ = fs::remove_file(path);
    })
}
