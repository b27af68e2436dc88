//! Where logins and revocations are kept: `session.store` and `session.store_ca_file`.

use zeroize::Zeroizing;

use crate::{
    gateway::config::{
        reader::{Scalar, Section},
        tls,
    },
    store::RedisStore,
};

/// The store of logins and revocations.
pub(crate) enum StoreConfig {
    /// The memory of this process.
    Memory,
    /// A Redis or Valkey server that several gateways share.
    Redis {
        /// The URL of the server, which may hold a password.
        url: Zeroizing<String>,
        /// Certificates to trust besides the usual roots, as PEM.
        ca_file: Option<Vec<u8>>,
    },
}

/// Reads `store` and `store_ca_file`.
pub(super) fn read(section: &mut Section<'_>) -> Option<StoreConfig> {
    let mut store = section.take("store").map_or(Some(StoreConfig::Memory), |item| item.parse(parse));
    if let (Some(item), Some(store)) = (section.take("store_ca_file"), &mut store) {
        match store {
            StoreConfig::Redis { url, ca_file } if is_encrypted(url) => *ca_file = tls::roots(item),
            _ => item.complain_of_key("only used with a `store` that begins with rediss:// (remove it)"),
        }
    }
    store
}

fn parse(text: &Scalar) -> Result<StoreConfig, String> {
    if &**text == "memory" {
        return Ok(StoreConfig::Memory);
    }
    RedisStore::new(text, 1).map_err(|error| format!("{error} (write memory, or redis://127.0.0.1:6379)"))?;
    Ok(StoreConfig::Redis { url: text.text.clone(), ca_file: None })
}

fn is_encrypted(url: &str) -> bool {
    url.split_once(':')
        .is_some_and(|(scheme, _)| ["rediss", "valkeys"].iter().any(|known| scheme.eq_ignore_ascii_case(known)))
}
