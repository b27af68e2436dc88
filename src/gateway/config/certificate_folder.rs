//! Pairs of certificates and keys in a folder, found by their names.
//!
//! A pair is `NAME.crt` or `NAME.pem` with `NAME.key`, or certbot's `NAME/fullchain.pem` with `NAME/privkey.pem`. Other files are
//! left alone: a folder of certificates often holds an authority or a README.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use super::TlsFiles;

/// A folder of certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CertificateFolder(PathBuf);

/// What a look into the folder found.
pub(crate) struct Found {
    /// The pairs by their names. `default` comes first, then the others in the order of their names.
    pub(crate) pairs: Vec<(String, TlsFiles)>,
    /// The names of which no pair can be made.
    pub(crate) mistakes: Vec<FolderMistake>,
    /// The folder and the folders in it: a file that comes or goes changes one of them.
    pub(crate) folders: Vec<PathBuf>,
}

/// A name of which no pair can be made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FolderMistake {
    /// There is a key without a certificate.
    #[error("the key `{0}.key` has no certificate (add `{0}.crt` or `{0}.pem`, or remove the key)")]
    LoneKey(String),
    /// There are two certificates for one key.
    #[error("the name `{0}` has two certificates (keep one of .crt, .pem and the folder)")]
    Twice(String),
}

impl CertificateFolder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Looks for pairs. It reads no file.
    ///
    /// # Errors
    ///
    /// When the folder, or a folder in it, cannot be read.
    pub(crate) fn find(&self) -> io::Result<Found> {
        let mut names = BTreeMap::<String, Vec<TlsFiles>>::new();
        let (mut mistakes, mut folders) = (Vec::new(), vec![self.0.clone()]);
        let (files, below): (BTreeSet<_>, BTreeSet<_>) =
            entries(&self.0)?.into_iter().partition(|(_, is_file)| *is_file);
        let has = |name: &str| files.contains(&(name.to_owned(), true));
        for name in files.iter().filter_map(|(file, _)| file.strip_suffix(".key")) {
            let certificates: Vec<_> =
                [".crt", ".pem"].iter().map(|end| format!("{name}{end}")).filter(|file| has(file)).collect();
            if certificates.is_empty() {
                mistakes.push(FolderMistake::LoneKey(name.escape_debug().to_string()));
            }
            let pair = |certificate| TlsFiles {
                certificate: self.0.join(certificate),
                key: self.0.join(format!("{name}.key")),
            };
            names.entry(name.to_owned()).or_default().extend(certificates.into_iter().map(pair));
        }
        for (name, _) in below {
            let folder = self.0.join(&name);
            let files = TlsFiles { certificate: folder.join("fullchain.pem"), key: folder.join("privkey.pem") };
            if files.certificate.is_file() && files.key.is_file() {
                names.entry(name).or_default().push(files);
            }
            folders.push(folder);
        }
        let mut pairs = Vec::new();
        for (name, mut found) in names {
            match (found.pop(), found.is_empty()) {
                (Some(files), true) => pairs.push((name, files)),
                (Some(_), false) => mistakes.push(FolderMistake::Twice(name.escape_debug().to_string())),
                (None, _) => {}
            }
        }
        pairs.sort_by_key(|(name, _)| name != DEFAULT);
        Ok(Found { pairs, mistakes, folders })
    }
}

/// The names in a folder, and whether each is a file; links are followed. Names that are not UTF-8 are left out.
fn entries(folder: &Path) -> io::Result<Vec<(String, bool)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // A file may have been removed since then, and a link may lead to nothing.
        let (Ok(name), Ok(found)) = (entry.file_name().into_string(), fs::metadata(entry.path())) else { continue };
        if found.is_file() || found.is_dir() {
            entries.push((name, found.is_file()));
        }
    }
    Ok(entries)
}

/// The name of the pair that is shown when no certificate has the name that a client asks for.
const DEFAULT: &str = "default";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_found_by_their_names_alone() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        };
        for path in [
            "b.crt", "b.key", "a.pem", "a.key", "default.crt", "default.key", "ca.pem", "alone.crt", "README",
            "lone.key", "twice.crt", "twice.pem", "twice.key", "both.crt", "both.key", "both/fullchain.pem",
            "both/privkey.pem", "c.example/fullchain.pem", "c.example/privkey.pem", "c.example/cert.pem",
            "half/fullchain.pem", "deep/deeper/fullchain.pem", "deep/deeper/privkey.pem", ".key",
        ] {
            write(path);
        }

        let found = CertificateFolder::new(folder.path().to_owned()).find().unwrap();

        let names: Vec<_> = found.pairs.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["default", "a", "b", "c.example"]);
        let files = &found.pairs[3].1;
        assert_eq!(files.certificate, folder.path().join("c.example/fullchain.pem"));
        assert_eq!(files.key, folder.path().join("c.example/privkey.pem"));
        let [lone, twice] =
            [|name: &str| FolderMistake::LoneKey(name.into()), |name: &str| FolderMistake::Twice(name.into())];
        assert_eq!(found.mistakes, [lone(""), lone("lone"), twice("both"), twice("twice")]);
        assert_eq!(found.folders.len(), 5);
        assert!(CertificateFolder::new(folder.path().join("none")).find().is_err());
    }
}
