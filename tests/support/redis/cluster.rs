//! A cluster of real Redis servers.

use tempfile::TempDir;

use super::{Redis, certificate, tls_settings, wait_until};
use crate::support::port::Port;

/// Three masters, and a replica of each if it has been started with replicas.
pub struct Cluster {
    pub nodes: Vec<Redis>,
    _ports: Vec<Port>,
    _folder: Option<TempDir>,
}

impl Cluster {
    /// Starts three masters.
    pub fn start() -> Self {
        Self::start_with(3, &[])
    }

    /// Starts three masters and their replicas.
    pub fn start_with_replicas() -> Self {
        Self::start_with(6, &[])
    }

    /// Starts three masters that ask for a password.
    pub fn start_with_password(password: &str) -> Self {
        Self::start_with(3, &["--requirepass", password, "--masterauth", password])
    }

    /// Starts three masters that speak TLS; gives the authority of their certificate for `127.0.0.1`, as PEM.
    pub fn start_with_tls() -> (Self, String) {
        let folder = tempfile::tempdir().expect("a folder for the certificate");
        let authority = certificate::for_name("127.0.0.1", folder.path());
        let mut settings = tls_settings(folder.path());
        settings.extend(["--tls-cluster", "yes"].map(str::to_owned));
        let mut cluster = Self::form(3, &[], |own| {
            let mut redis = Redis::stopped();
            redis.settings = own.iter().map(|setting| (*setting).to_owned()).chain(settings.clone()).collect();
            redis.tls = Some(Port::reserve());
            redis.restart();
            redis
        });
        cluster._folder = Some(folder);
        (cluster, authority)
    }

    fn start_with(count: usize, settings: &[&str]) -> Self {
        Self::form(count, settings, |own| Redis::start_with(&[own, settings].concat()))
    }

    fn form(count: usize, settings: &[&str], start: impl Fn(&[&str]) -> Redis) -> Self {
        let ports: Vec<_> = (0..count).map(|_| Port::reserve()).collect();
        let bus = |number: usize| ports[number].address().port().to_string();
        let start = |number| {
            let own = bus(number);
            let cluster = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", &own];
            start(&[&cluster[..], &["--cluster-require-full-coverage", "no"]].concat())
        };
        let nodes: Vec<_> = (0..count).map(start).collect();
        let password: Vec<&str> = settings.first().map_or(vec![], |_| vec!["-a", settings[1], "--no-auth-warning"]);
        let tell = |node: &Redis, words: &[&str]| node.command(&[&password, words].concat());

        for (number, node) in nodes.iter().enumerate() {
            tell(node, &["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
            let first = nodes[0].tls.as_ref().map_or(nodes[0].port(), |port| port.address().port()).to_string();
            tell(node, &["CLUSTER", "MEET", "127.0.0.1", &first, &bus(0)]);
        }
        for (node, range) in nodes.iter().zip([["0", "5460"], ["5461", "10922"], ["10923", "16383"]]) {
            assert_eq!(tell(node, &["CLUSTER", "ADDSLOTSRANGE", range[0], range[1]]), "OK");
        }
        let knows_all =
            |node: &Redis| tell(node, &["CLUSTER", "INFO"]).contains(&format!("cluster_known_nodes:{count}"));
        wait_until("the nodes know each other", || nodes.iter().all(knows_all));
        for (master, replica) in nodes.iter().zip(&nodes[3..]) {
            assert_eq!(tell(replica, &["CLUSTER", "REPLICATE", &tell(master, &["CLUSTER", "MYID"])]), "OK");
        }
        let is_linked = |node: &Redis| tell(node, &["INFO", "replication"]).contains("master_link_status:up");
        wait_until("the replicas follow", || nodes[3..].iter().all(is_linked));
        // A replica that a master does not know as one gets no vote from it.
        let is_whole = |node: &Redis| {
            let is_up = tell(node, &["CLUSTER", "INFO"]).contains("cluster_state:ok");
            is_up && tell(node, &["CLUSTER", "NODES"]).matches("slave").count() == count - 3
        };
        wait_until("the cluster is whole", || nodes.iter().all(is_whole));
        Self { nodes, _ports: ports, _folder: None }
    }

    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Redis::url).collect()
    }

    /// The number of the node that has a key.
    pub fn owner(&self, key: &str) -> usize {
        let slot: u16 = self.nodes[0].command(&["CLUSTER", "KEYSLOT", key]).parse().expect("a slot is a number");
        usize::from(slot > 5460) + usize::from(slot > 10922)
    }

    /// The id of a node.
    pub fn id(&self, number: usize) -> String {
        self.nodes[number].command(&["CLUSTER", "MYID"])
    }

    /// Whether a node has become a master.
    pub fn is_master(&self, number: usize) -> bool {
        self.nodes[number].command(&["ROLE"]).starts_with("master")
    }
}
