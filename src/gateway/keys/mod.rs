//! `truegate keys`: makes the keys and secrets that a configuration refers to.

mod args;
mod error;

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use rand_core::{OsRng, RngCore as _};
use zeroize::Zeroizing;

use self::args::Kind;
pub(crate) use self::{args::KeysArgs, error::KeysError};
use crate::{assertion::SigningKey, gate::CallbackPath};

/// Makes what was asked for, and prints it or writes it to a new file.
pub(crate) fn run(args: KeysArgs) -> Result<(), KeysError> {
    match args.kind {
        Kind::Assertion(output) => {
            let key = SigningKey::generate();
            hand_over(&key.to_pem(), output.file())?;
            eprintln!("kid: {}", key.id());
            Ok(())
        }
        Kind::Path(output) => hand_over(&path(), output.file()),
        Kind::Secret(output) => hand_over(&secret(), output.file()),
    }
}

/// A callback path that nobody guesses, as one line.
pub(super) fn path() -> Zeroizing<String> {
    loop {
        let mut bytes = Zeroizing::new([0; 24]);
        OsRng.fill_bytes(&mut *bytes);
        let mut line = Zeroizing::new(String::with_capacity(64));
        line.push_str("/truecaller/");
        URL_SAFE_NO_PAD.encode_string(*bytes, &mut line);
        // Random text looks like words now and then.
        if CallbackPath::parse(&line).is_ok_and(|path| !path.is_guessable()) {
            line.push('\n');
            return line;
        }
    }
}

/// 256 random bits as one line of base64.
pub(super) fn secret() -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; 32]);
    OsRng.fill_bytes(&mut *bytes);
    // Room for all of it, so that no copy stays behind where it grew.
    let mut line = Zeroizing::new(String::with_capacity(64));
    STANDARD.encode_string(*bytes, &mut line);
    line.push('\n');
    line
}

fn hand_over(text: &str, file: Option<&Path>) -> Result<(), KeysError> {
    match file {
        Some(path) => create(path, text).map_err(|error| KeysError::File { path: path.to_owned(), error }),
        None => print(text).map_err(KeysError::Output),
    }
}

/// Writes a file that only its owner can read, and never over another.
fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).inspect_err(|_| {
        // Half a key is worse than none, and it stands in the way of the next try.
        let _ = fs::remove_file(path);
    })
}

fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
