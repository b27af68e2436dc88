//! The roots by which the certificate of an upstream is trusted.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, Write},
    os::fd::AsRawFd,
    sync::Arc,
    thread,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use pingora_core::tls::load_native_certs;
use rustls::{RootCertStore, pki_types::CertificateDer};
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

use super::config::UpstreamConfig;
use crate::tls;

/// The roots of an upstream as PEM. Clones share the text.
#[derive(Clone)]
pub(super) struct UpstreamRoots(Arc<str>);

impl UpstreamRoots {
    /// Mozilla's roots, the system's if there are any, and those of the upstream's `ca_file`. None for an upstream without
    /// TLS.
    pub(super) fn of(upstream: &UpstreamConfig) -> Self {
        if !upstream.tls {
            return Self(Arc::default());
        }
        let own = tls::certificates(upstream.ca_file.as_deref().unwrap_or_default()).unwrap_or_default();
        let system = load_native_certs().unwrap_or_else(|_| {
            tracing::warn!("the trusted certificates of the system cannot be read; those of Mozilla are used");
            Vec::new()
        });
        let mut store = RootCertStore::empty();
        // pingora does not start with a certificate that rustls cannot read, and a system may have such certificates.
        let system = system.into_iter().filter(|certificate| store.add(certificate.clone()).is_ok());
        let mozilla = TLS_SERVER_ROOT_CERTS.iter().cloned();
        let all = mozilla.chain(system).chain(own).collect::<HashSet<_>>();
        Self(all.iter().map(encode).collect::<String>().into())
    }

    /// The roots as PEM.
    pub(super) fn pem(&self) -> &str {
        &self.0
    }

    /// Offers the roots as a file while `make` runs.
    ///
    /// pingora reads roots from a file or from the system, and panics when the system has none. The file is a pipe, so
    /// that nothing is written to a disk. It can be read once: pingora reads it for HTTP/1.1 first, and the roots that it
    /// then finds missing are those of HTTP/2, which no upstream is spoken to by.
    ///
    /// # Errors
    ///
    /// When the system has no pipes that can be opened by a path.
    pub(super) fn offer<T>(&self, make: impl FnOnce(String) -> T) -> io::Result<T> {
        if self.0.is_empty() && File::open(NO_ROOTS).is_ok() {
            return Ok(make(NO_ROOTS.to_owned()));
        }
        let (reader, mut writer) = io::pipe()?;
        let path = PLACES.iter().map(|place| format!("{place}/{}", reader.as_raw_fd()));
        let path = path.into_iter().find(|path| File::open(path).is_ok());
        let path = path.ok_or_else(|| io::Error::other("neither /dev/fd nor /proc/self/fd can be opened"))?;
        Ok(thread::scope(|scope| {
            // A reader that stops early does not need the rest.
            scope.spawn(move || drop(writer.write_all(self.0.as_bytes())));
            let made = make(path);
            drop(reader);
            made
        }))
    }
}

fn encode(certificate: &CertificateDer<'_>) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64_STANDARD.encode(certificate))
}

/// A file that is empty however often it is read.
const NO_ROOTS: &str = "/dev/null";
/// The folders in which a process can open its descriptors by path.
const PLACES: [&str; 2] = ["/dev/fd", "/proc/self/fd"];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rustls::pki_types::pem::PemObject;

    use super::*;
    use crate::gateway::config::Config;

    fn upstream(url: &str) -> UpstreamConfig {
        let text = format!("upstream: {url}");
        Config::parse(&text, Path::new("config.yaml"), |_| None).unwrap().upstream.clone()
    }

    #[test]
    fn an_upstream_is_believed_by_mozillas_roots_where_it_shows_a_certificate() {
        let count = |url| {
            UpstreamRoots::of(&upstream(url))
                .offer(|path| {
                    let certificates = CertificateDer::pem_file_iter(path).unwrap();
                    certificates.map(Result::unwrap).count()
                })
                .unwrap()
        };
        assert!(count("https://app.example") >= TLS_SERVER_ROOT_CERTS.len());
        assert_eq!(count("http://app.example"), 0);
        assert!(UpstreamRoots::of(&upstream("https://app.example")).offer(|_| ()).is_ok(), "nobody has to read it");
    }
}
