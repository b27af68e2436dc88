//! Where logins and revocations are kept: `session.store` and `session.store_ca_file`.

use zeroize::Zeroizing;

use crate::{
    gateway::config::{
        reader::{Item, Section, Shape, ValueParser},
        tls,
    },
    store::{RedisStore, RedisStoreError},
};

/// The store of logins and revocations.
#[derive(PartialEq, Eq)]
pub(crate) enum StoreConfig {
    /// The memory of this process.
    Memory,
    /// Redis or Valkey, which several gateways share.
    Redis {
        /// The servers.
        servers: RedisServers,
        /// Certificates to trust besides the usual roots, as PEM.
        ca_file: Option<Vec<u8>>,
    },
}

/// The URLs of Redis servers, which may hold passwords.
#[derive(PartialEq, Eq)]
pub(crate) enum RedisServers {
    /// One server.
    One(Url),
    /// The master that Sentinels watch: its name, or a URL with this name in place of a host.
    Sentinel {
        /// The Sentinels.
        servers: Vec<Url>,
        /// The master.
        master: Url,
    },
    /// Servers of a cluster.
    Cluster(Vec<Url>),
}

type Url = Zeroizing<String>;

impl RedisServers {
    /// Makes the store, for so many logins at once.
    pub(crate) fn store(&self, max_pending: usize) -> Result<RedisStore, RedisStoreError> {
        match self {
            Self::One(url) => RedisStore::new(url, max_pending),
            Self::Sentinel { servers, master } => RedisStore::sentinel(&texts(servers), master, max_pending),
            Self::Cluster(servers) => RedisStore::cluster(&texts(servers), max_pending),
        }
    }

    /// Whether any of them has TLS.
    fn is_encrypted(&self) -> bool {
        match self {
            Self::One(url) => is_encrypted(url),
            Self::Sentinel { servers, master } => is_encrypted(master) || servers.iter().any(|url| is_encrypted(url)),
            Self::Cluster(servers) => servers.iter().any(|url| is_encrypted(url)),
        }
    }
}

/// Reads `store` and `store_ca_file`.
pub(super) fn read(section: &mut Section<'_>) -> Option<StoreConfig> {
    let mut store = section.take("store").map_or(Some(StoreConfig::Memory), store);
    section.note_default("store", "memory");
    if let Some(item) = section.take("store_ca_file") {
        match &mut store {
            Some(StoreConfig::Redis { servers, ca_file }) if servers.is_encrypted() => *ca_file = tls::roots(item),
            Some(_) => item.complain_of_key("only used with a rediss:// URL in `store` (remove it)"),
            // The file is checked even if the store is wrong.
            None => drop(tls::roots(item)),
        }
    }
    store
}

fn store(item: Item<'_>) -> Option<StoreConfig> {
    if item.is_mapping() {
        return item.section(|keys| match keys.take_alternatives(["sentinel", "cluster"]) {
            [Some(item), None] => item.section(|keys| sentinel(item, keys)),
            [None, Some(item)] => cluster(item),
            [Some(_), Some(item)] => {
                item.complain_of_key("must not be used together with `sentinel` (remove one of them)");
                None
            }
            [None, None] => {
                item.complain(
                    "has neither `sentinel` nor `cluster` (write one of them, or a URL in place of the mapping)",
                );
                None
            }
        });
    }
    let parser = ValueParser::new(REDIS, |text| {
        if &**text == "memory" {
            return Ok(StoreConfig::Memory);
        }
        let servers = RedisServers::One(text.text.clone());
        checked(servers).map_err(|error| format!("{error} (write memory, or redis://127.0.0.1:6379)"))
    });
    item.parse(&parser.or(Shape::Word(vec!["memory"])).secret())
}

fn sentinel(item: Item<'_>, keys: &mut Section<'_>) -> Option<StoreConfig> {
    let servers = keys
        .require("servers", "list the Sentinels, such as redis://10.0.0.1:26379")
        .and_then(|item| urls(item, "a Sentinel", |url| RedisStore::sentinel(&[url], "mymaster", 1)));
    let master = ValueParser::new(Shape::Text, |text| {
        // With a Sentinel that is surely right, so that each mistake is told where it is.
        let error = RedisStore::sentinel(&["redis://127.0.0.1"], text, 1).err();
        error.map_or_else(
            || Ok(text.text.clone()),
            |error| Err(format!("{error} (write mymaster, or redis://:${{REDIS_PASSWORD}}@mymaster)")),
        )
    });
    let master =
        keys.read_required("master", "write the name that the Sentinels know, such as mymaster", &master.secret());
    item.accept(checked(RedisServers::Sentinel { servers: servers?, master: master? }).map_err(|error| explain(&error)))
}

fn cluster(item: Item<'_>) -> Option<StoreConfig> {
    let servers = urls(item, "a server of a cluster", |url| RedisStore::cluster(&[url], 1))?;
    item.accept(checked(RedisServers::Cluster(servers)).map_err(|error| explain(&error)))
}

/// Reads the URLs of a list, of which each alone would be right.
fn urls(item: Item<'_>, what: &str, check: fn(&str) -> Result<RedisStore, RedisStoreError>) -> Option<Vec<Url>> {
    let parser = ValueParser::new(REDIS, |text| match check(text) {
        Ok(_) => Ok(text.text.clone()),
        Err(RedisStoreError::Database) => {
            Err(format!("{what} has no databases (remove the number at the end of the URL)"))
        }
        Err(error) => Err(format!("{error} (write redis://10.0.0.1:6379)")),
    });
    item.parse_all(&parser.secret())
}

fn checked(servers: RedisServers) -> Result<StoreConfig, RedisStoreError> {
    servers.store(1)?;
    Ok(StoreConfig::Redis { servers, ca_file: None })
}

fn explain(error: &RedisStoreError) -> String {
    let advice = match error {
        RedisStoreError::NoServer => "list redis://10.0.0.1:6379 and others",
        RedisStoreError::Logins => "write the same in each URL",
        _ => "write redis://10.0.0.1:6379",
    };
    format!("{error} ({advice})")
}

fn texts(urls: &[Url]) -> Vec<&str> {
    urls.iter().map(|url| url.as_str()).collect()
}

fn is_encrypted(url: &str) -> bool {
    url.split_once(':')
        .is_some_and(|(scheme, _)| ["rediss", "valkeys"].iter().any(|known| scheme.eq_ignore_ascii_case(known)))
}

/// A URL of a server, which may hold a password.
const REDIS: Shape = Shape::Pattern { pattern: "^[A-Za-z+]+:", words: "a URL such as redis://127.0.0.1:6379" };
