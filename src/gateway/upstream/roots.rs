//! The roots by which the certificates of apps are trusted.

use std::{
    collections::HashSet,
    fs::File,
    io,
    sync::{Arc, OnceLock},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use pingora_core::{
    connectors::{ConnectorOptions, http::Connector},
    protocols::tls::CaType,
    tls::load_native_certs,
    utils::tls::{WrappedX509, parse_x509},
};
use rustls::{RootCertStore, pki_types::CertificateDer};
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

use crate::gateway::config::{Trust, UpstreamConfig};

/// Mozilla's and the system's roots as PEM. Clones share the text.
#[derive(Clone)]
pub(in crate::gateway) struct UpstreamRoots(Arc<str>);

impl UpstreamRoots {
    /// The roots that these apps need; none if each of them has roots of its own, or no certificate.
    pub(in crate::gateway) fn of<'a>(mut upstreams: impl Iterator<Item = &'a UpstreamConfig>) -> Self {
        // Even for a verification that is skipped pingora asks for roots.
        let needs_roots =
            |upstream: &UpstreamConfig| upstream.tls.as_ref().is_some_and(|tls| !matches!(tls.trust, Trust::Only(_)));
        if !upstreams.any(needs_roots) {
            return Self::none();
        }
        Self(usual().iter().map(encode).collect::<String>().into())
    }

    /// No roots at all.
    pub(in crate::gateway) fn none() -> Self {
        Self(Arc::default())
    }

    /// Offers the roots as a file while `make` runs.
    ///
    /// pingora reads roots from a file or from the system, once for each version of HTTP, and panics when the system has
    /// none. On Linux the file is in memory, so that nothing is written to a disk.
    ///
    /// # Errors
    ///
    /// When the system gives no such file.
    pub(in crate::gateway) fn offer<T>(&self, make: impl FnOnce(String) -> T) -> io::Result<T> {
        if self.0.is_empty() && File::open(NO_ROOTS).is_ok() {
            return Ok(make(NO_ROOTS.to_owned()));
        }
        offer(self.0.as_bytes(), make)
    }
}

/// Where connections to apps get the usual roots from. Clones share them.
///
/// A thread gets its roots when it starts, or none if no app needs them then, because they take memory of each thread. Apps of a later
/// configuration bring them to each connection, which takes longer to be made.
#[derive(Clone)]
pub(in crate::gateway) enum UsualRoots {
    /// The threads have them.
    OnThreads,
    /// Each connection brings them.
    OnConnections(Arc<OnceLock<Arc<CaType>>>),
}

impl UsualRoots {
    /// Those of connections from threads with these roots.
    pub(in crate::gateway) fn beside(threads: &UpstreamRoots) -> Self {
        if threads.0.is_empty() { Self::OnConnections(Arc::default()) } else { Self::OnThreads }
    }

    /// The roots that a connection has to bring.
    pub(super) fn for_connection(&self) -> Option<Arc<CaType>> {
        let Self::OnConnections(roots) = self else { return None };
        let wrap = |root: CertificateDer<'_>| WrappedX509::new(root.to_vec(), parse_x509);
        Some(Arc::clone(roots.get_or_init(|| usual().into_iter().map(wrap).collect())))
    }
}

/// Mozilla's and the system's roots.
fn usual() -> HashSet<CertificateDer<'static>> {
    let system = load_native_certs().unwrap_or_else(|_| {
        tracing::warn!("the trusted certificates of the system cannot be read; those of Mozilla are used");
        Vec::new()
    });
    let mut store = RootCertStore::empty();
    // pingora does not start with a certificate that rustls cannot read, and a system may have such certificates.
    let system = system.into_iter().filter(|certificate| store.add(certificate.clone()).is_ok());
    TLS_SERVER_ROOT_CERTS.iter().cloned().chain(system).collect()
}

/// Makes what connects to one app, with the roots that it needs.
///
/// # Errors
///
/// When the system gives no file for the roots.
pub(super) fn with_roots<T>(upstream: &UpstreamConfig, make: impl FnOnce(ConnectorOptions) -> T) -> io::Result<T> {
    UpstreamRoots::of(std::iter::once(upstream)).offer(|ca_file| {
        let mut options = ConnectorOptions::new(OWN_CONNECTIONS);
        options.ca_file = Some(ca_file);
        make(options)
    })
}

/// Makes a client of one app.
///
/// # Errors
///
/// When the system gives no file for the roots.
pub(in crate::gateway) fn connector(upstream: &UpstreamConfig) -> io::Result<Connector> {
    with_roots(upstream, |options| Connector::new(Some(options)))
}

#[cfg(target_os = "linux")]
fn offer<T>(content: &[u8], make: impl FnOnce(String) -> T) -> io::Result<T> {
    use std::{io::Write as _, os::fd::AsRawFd as _};

    use rustix::fs::{MemfdFlags, memfd_create};

    let mut file = File::from(memfd_create("roots", MemfdFlags::CLOEXEC)?);
    file.write_all(content)?;
    // Each reader that opens it by this path begins at its start.
    Ok(make(format!("/proc/self/fd/{}", file.as_raw_fd())))
}

#[cfg(not(target_os = "linux"))]
fn offer<T>(content: &[u8], make: impl FnOnce(String) -> T) -> io::Result<T> {
    use std::{env, fs, io::Write as _, path::PathBuf, process, thread};

    struct Removed(PathBuf);

    impl Drop for Removed {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    let name = format!("truegate-roots-{}-{:?}.pem", process::id(), thread::current().id());
    let file = Removed(env::temp_dir().join(name));
    File::create_new(&file.0)?.write_all(content)?;
    Ok(make(file.0.display().to_string()))
}

fn encode(certificate: &CertificateDer<'_>) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64_STANDARD.encode(certificate))
}

/// A file that is empty however often it is read.
const NO_ROOTS: &str = "/dev/null";
/// How many idle connections a client of the gateway's own keeps.
const OWN_CONNECTIONS: usize = 16;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rustls::pki_types::pem::PemObject;

    use super::*;
    use crate::gateway::config::Config;

    fn roots(upstream: &str) -> UpstreamRoots {
        let text = format!("upstream: {upstream}");
        let config = Config::parse(&text, Path::new("config.yaml"), |_| None).unwrap();
        UpstreamRoots::of(config.upstreams.iter().map(|(_, upstream)| upstream))
    }

    #[test]
    fn an_upstream_is_believed_by_mozillas_roots_where_it_shows_a_certificate() {
        for (upstream, least) in [
            ("https://app.example", TLS_SERVER_ROOT_CERTS.len()),
            ("{ url: https://app.example, tls: { insecure_skip_verify: true } }", 1),
            ("http://app.example", 0),
        ] {
            let count = |path: &str| CertificateDer::pem_file_iter(path).unwrap().map(Result::unwrap).count();
            let counts = roots(upstream).offer(|path| [count(&path), count(&path)]).unwrap();
            assert!(counts[0] >= least && (counts[0] == 0) == (least == 0), "{upstream}");
            assert_eq!(counts[0], counts[1], "it can be read again");
        }
    }
}
