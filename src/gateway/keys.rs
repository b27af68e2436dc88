//! `truegate keys`: makes the keys and secrets that a configuration refers to.

use std::{
    fmt::Display,
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

use super::{
    cli::{CommandError, ConfigArgs},
    config::ConfigSource,
    logs::UserHasher,
};
use crate::{assertion::SigningKey, gate::CallbackPath, profile::PhoneNumber, random::Random};

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
    /// Make a secret, for `session.secret` or `log.user_key`: 32 random bytes in base64, on one line.
    Secret(Output),
    /// Print the names of users in the access log and the audit log.
    ///
    /// Each line of the standard input is a phone number with its country code, such as +919999900001. For each of them, this prints a
    /// line with the value of `user` in these logs. The configuration needs `log.user_key`: without it, each start of the gateway
    /// has a key that nobody knows.
    User(ConfigArgs),
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
        Key::User(args) => name_users(&args),
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

/// Prints the name in logs of each number on the standard input.
fn name_users(args: &ConfigArgs) -> Result<(), CommandError> {
    let failed = |message: &dyn Display| CommandError::of("keys", message);
    if *args.source() == ConfigSource::Stdin {
        return Err(failed(
            &"the standard input has the numbers, so it cannot have the configuration (name a file with `-c`)",
        ));
    }
    let config = args.load()?;
    let key = config.log.user_key.as_ref().ok_or_else(|| failed(&NO_KEY))?;
    let hasher = UserHasher::new(key);
    for (number, line) in (1..).zip(io::stdin().lines()) {
        let line = Zeroizing::new(line.map_err(|error| failed(&error))?);
        let phone = PhoneNumber::parse(line.trim());
        let phone = phone.ok_or_else(|| failed(&format!("line {number} is not a phone number ({NUMBER})")))?;
        println!("{}", hasher.hash(&phone));
    }
    Ok(())
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

const NO_KEY: &str =
    "the configuration has no `log.user_key`, so nobody can name a user (make one with `truegate keys secret`)";
const NUMBER: &str = "write its country code first, such as +919999900001";
