//! Keys and secrets: fresh, usable, and nobody else's to read.

use std::{collections::HashSet, fs, os::unix::fs::PermissionsExt, process::Output};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tempfile::TempDir;
use tokio::process::Command;
use truegate::{assertion::SigningKey, gate::CallbackPath};

use super::support::raw::within;

async fn keys(folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_truegate"));
    let command = command.arg("keys").args(arguments).current_dir(folder.path()).kill_on_drop(true);
    within(command.output()).await.unwrap()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn an_assertion_key_is_printed_with_its_id_beside_it() {
    let folder = TempDir::new().unwrap();
    let mut ids = HashSet::new();
    for _ in 0..2 {
        let output = keys(&folder, &["assertion"]).await;
        assert_eq!(output.status.code(), Some(0));
        let key = SigningKey::from_pem(&text(output.stdout)).unwrap();
        assert_eq!(text(output.stderr), format!("kid: {}\n", key.id()));
        ids.insert(key.id().to_owned());
    }
    assert_eq!(ids.len(), 2);
}

#[tokio::test]
async fn a_secret_is_a_line_of_32_bytes() {
    let folder = TempDir::new().unwrap();
    let mut secrets = HashSet::new();
    for _ in 0..2 {
        let output = keys(&folder, &["secret"]).await;
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
        let line = text(output.stdout);
        assert_eq!(STANDARD.decode(line.strip_suffix('\n').unwrap()).unwrap().len(), 32);
        secrets.insert(line);
    }
    assert_eq!(secrets.len(), 2);
}

#[tokio::test]
async fn a_callback_path_is_one_that_nobody_guesses() {
    let folder = TempDir::new().unwrap();
    let mut paths = HashSet::new();
    for _ in 0..2 {
        let output = keys(&folder, &["path"]).await;
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
        let line = text(output.stdout);
        let path: CallbackPath = line.strip_suffix('\n').unwrap().parse().unwrap();
        assert!(!path.is_guessable(), "{line}");
        assert_eq!(path.expose().strip_prefix("/truecaller/").map(str::len), Some(32), "{line}");
        paths.insert(line);
    }
    assert_eq!(paths.len(), 2);
}

#[tokio::test]
async fn a_file_is_its_owners_alone_and_never_overwritten() {
    let folder = TempDir::new().unwrap();
    for kind in ["assertion", "path", "secret"] {
        let path = folder.path().join(kind);
        let written = keys(&folder, &[kind, "--output", kind]).await;
        assert_eq!((written.status.code(), written.stdout.len()), (Some(0), 0));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let before = fs::read(&path).unwrap();

        let again = keys(&folder, &[kind, "--output", kind]).await;

        assert_eq!((again.status.code(), again.stdout.len()), (Some(1), 0));
        assert_eq!(text(again.stderr), format!("truegate keys: cannot write {kind}: File exists (os error 17)\n"));
        assert_eq!(fs::read(&path).unwrap(), before);
    }
    assert!(SigningKey::from_pem(&fs::read_to_string(folder.path().join("assertion")).unwrap()).is_ok());
}
