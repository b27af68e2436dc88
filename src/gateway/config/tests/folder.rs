//! A folder of its own for a test, which goes when the test ends.

use std::{fs, path::PathBuf};

use tempfile::TempDir;

/// The folder.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// Makes an empty folder.
    pub(crate) fn new() -> Self {
        Self(TempDir::new().expect("a folder can be made"))
    }

    /// Where a file of that name is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        let parent = path.parent().expect("a file of the folder lies in a folder");
        fs::create_dir_all(parent).expect("the folder can be written to");
        fs::write(path, content).expect("the folder can be written to");
    }

    /// Writes a certificate for `localhost` and its key.
    pub(crate) fn write_pair(&self, certificate: &str, key: &str) {
        self.write_pair_for(&["localhost"], certificate, key);
    }

    /// Writes a certificate for some hosts and its key.
    pub(crate) fn write_pair_for(&self, hosts: &[&str], certificate: &str, key: &str) {
        let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let pair = rcgen::generate_simple_self_signed(hosts).expect("a key can be made");
        self.write(certificate, pair.cert.pem().as_bytes());
        self.write(key, pair.signing_key.serialize_pem().as_bytes());
    }
}
