//! Sentinel: several servers that know which Redis server is the master at the moment.
//!
//! They are asked here, because the client of the `redis` crate connects to them itself, and its TLS needs a provider for the
//! whole process. The question is one command.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use redis::{RedisResult, Role, cmd};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use url::Url;

use super::{
    error::{RedisStoreError, failure_of},
    server::{Server, ServerConnection},
};
use crate::cause::{Cause, Failure};

/// The Sentinels of a site, and the master that they watch.
#[derive(Clone)]
pub(super) struct Sentinels {
    servers: Vec<Server>,
    name: Box<str>,
    /// How to log in at the master, wherever it is.
    master: Server,
}

/// Where a Sentinel says that the master is.
struct Report {
    /// Grows with each failover. After one, the Sentinels do not learn all at once where the master is.
    epoch: u64,
    host: String,
    port: u16,
}

impl Sentinels {
    /// Reads the URLs of the Sentinels, and the name of the master or a URL with this name in place of a host.
    pub(super) fn parse(servers: &[impl AsRef<str>], master: &str) -> Result<Self, RedisStoreError> {
        if servers.is_empty() {
            return Err(RedisStoreError::NoServer);
        }
        let servers: Result<Vec<_>, _> = servers.iter().map(|url| Server::parse(url.as_ref())).collect();
        let servers = servers?;
        if servers.iter().any(|server| server.login.db() != 0) {
            return Err(RedisStoreError::Database);
        }
        let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        let url = if is_name(master) { format!("redis://{master}") } else { master.to_owned() };
        let mut url = Url::parse(&url).map_err(|_| RedisStoreError::Master)?;
        let name = url.host_str().filter(|name| is_name(name)).map(Box::from).ok_or(RedisStoreError::Master)?;
        // The name is not that of a host, so it need not look like one.
        url.set_host(Some("localhost")).map_err(|_| RedisStoreError::Master)?;
        Ok(Self { servers, name, master: Server::parse(url.as_str())? })
    }

    /// Each server that a client may connect to: the Sentinels, and the master.
    pub(super) fn servers_mut(&mut self) -> impl Iterator<Item = &mut Server> {
        self.servers.iter_mut().chain([&mut self.master])
    }

    /// Connects to the master, and watches whether it stays the master.
    pub(super) async fn connect(&self) -> Result<ServerConnection, Failure> {
        let server = self.find_master().await?;
        let mut connection = server.connect().await?;
        // A server that has been demoted does not know it at once, and neither do all Sentinels.
        let role: RedisResult<Role> = cmd("ROLE").query_async(&mut connection.commands).await;
        if !matches!(role.map_err(failure_of)?, Role::Primary { .. }) {
            return Err(Cause::ReadOnly.into());
        }
        let (sentinels, used) = (self.clone(), Arc::clone(&connection.used));
        connection.watch(async move {
            loop {
                sleep(WATCH_INTERVAL).await;
                if !used.swap(false, Ordering::Relaxed) {
                    continue;
                }
                if sentinels.find_master().await.is_ok_and(|found| found.address != server.address) {
                    return;
                }
            }
        });
        Ok(connection)
    }

    /// Asks all Sentinels, and believes the one that knows of the latest failover.
    async fn find_master(&self) -> Result<Server, Failure> {
        let mut asked = JoinSet::new();
        for server in &self.servers {
            let (server, name) = (server.clone(), self.name.clone());
            asked.spawn(async move { timeout(ANSWER_TIMEOUT, ask(&server, &name)).await });
        }
        let (mut latest, mut failure) = (None::<Report>, None::<Failure>);
        for answer in asked.join_all().await {
            match answer.unwrap_or_else(|_| Err(Cause::Timeout.into())) {
                Ok(report) if latest.as_ref().is_none_or(|known| report.epoch > known.epoch) => latest = Some(report),
                Ok(_) => {}
                // One that answered tells more than one that could not be reached.
                Err(new) if failure.as_ref().is_none_or(|known| known.cause() == Cause::Connect) => failure = Some(new),
                Err(_) => {}
            }
        }
        let latest = latest.ok_or_else(|| failure.unwrap_or(Cause::Other.into()))?;
        Ok(self.master.at(&latest.host, latest.port))
    }
}

async fn ask(sentinel: &Server, name: &str) -> Result<Report, Failure> {
    let mut connection = sentinel.connect().await?;
    let question = cmd("SENTINEL").arg("MASTER").arg(name).to_owned();
    let answer: RedisResult<HashMap<String, String>> = question.query_async(&mut connection.commands).await;
    let fields = answer.map_err(failure_of)?;
    let number = |name: &str| fields.get(name).and_then(|text| text.parse().ok());
    let (host, port) = (fields.get("ip"), number("port").and_then(|port| u16::try_from(port).ok()));
    match (host, port, number("config-epoch")) {
        (Some(host), Some(port), Some(epoch)) => Ok(Report { epoch, host: host.clone(), port }),
        _ => Err(Cause::Protocol.into()),
    }
}

/// How long a Sentinel may take to answer, connecting included. The others are not waited for any longer.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(300);

/// How often the Sentinels are asked whether the master has changed, while the store is used. A gateway that is cut off from the
/// Sentinels together with the old master stays with it.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);
