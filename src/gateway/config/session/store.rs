//! `session.store`: where logins and revocations are kept.

use zeroize::Zeroizing;

use crate::{
    gateway::config::{reader::Section, tls},
    store::{RedisStore, RedisStoreError},
};

/// The store of logins and revocations.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    /// The memory of this process.
    Memory,
    /// A server that several gateways share.
    Redis(RedisServer),
}

/// A Redis or Valkey server, as a URL that was found to be one.
///
/// # Security
///
/// The URL may hold a password, so `Debug` does not show it.
#[derive(Clone)]
pub(crate) struct RedisServer {
    url: Zeroizing<String>,
    /// Certificates to trust besides the usual roots, as PEM.
    ca: Option<Vec<u8>>,
}

impl Store {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let store = section.take("store").map_or(Some(Self::Memory), |item| item.parse(|text| parse(text)));
        let Some(item) = section.take("store_ca_file") else { return store };
        match store? {
            Self::Redis(server) if server.is_encrypted() => {
                Some(Self::Redis(RedisServer { ca: Some(tls::roots(item)?), ..server }))
            }
            _ => {
                item.complain_of_key("only used with a `store` that begins with rediss:// (remove it)");
                None
            }
        }
    }
}

fn parse(text: &str) -> Result<Store, String> {
    if text == "memory" {
        return Ok(Store::Memory);
    }
    let server = RedisServer { url: Zeroizing::new(text.to_owned()), ca: None };
    server.store(1).map_err(|error| format!("{error} (write memory, or redis://127.0.0.1:6379)"))?;
    Ok(Store::Redis(server))
}

impl RedisServer {
    /// Returns a store on the server, for at most so many logins at once.
    ///
    /// # Errors
    ///
    /// None that the configuration did not rule out.
    pub(crate) fn store(&self, max_pending: usize) -> Result<RedisStore, RedisStoreError> {
        let store = RedisStore::new(&self.url, max_pending)?;
        match &self.ca {
            Some(pem) => store.trust(pem),
            None => Ok(store),
        }
    }

    fn is_encrypted(&self) -> bool {
        ["rediss:", "valkeys:"].iter().any(|scheme| self.url.to_ascii_lowercase().starts_with(scheme))
    }
}

redacted!(RedisServer);
