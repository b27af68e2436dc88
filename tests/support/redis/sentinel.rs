//! Real Redis servers that are watched by real Sentinels.

use std::{
    fs,
    process::{Child, Command},
};

use tempfile::TempDir;

use super::{Redis, start, wait_until};
use crate::support::port::Port;

/// A master and its replicas, and the Sentinels that watch them. They call the master `mymaster`.
pub struct Watched {
    pub servers: Vec<Redis>,
    pub sentinels: Vec<Sentinel>,
}

/// A Sentinel; it is killed when it is dropped.
pub struct Sentinel {
    child: Child,
    port: Port,
    _folder: TempDir,
}

impl Watched {
    /// Starts a master alone, and one Sentinel.
    pub fn start() -> Self {
        Self::start_with(1, 1, &[], "")
    }

    /// Starts a master with two replicas, and three Sentinels.
    pub fn start_with_replicas() -> Self {
        Self::start_with(3, 3, &[], "")
    }

    /// Starts a master and a Sentinel that speak TLS; gives the authority of their certificates for `127.0.0.1`, as PEM.
    pub fn start_with_tls() -> (Self, String) {
        let (master, authority) = Redis::start_with_certificate_for("127.0.0.1");
        let folder = master.folder.path().display();
        let settings = format!(
            "tls-replication yes\ntls-auth-clients no\ntls-cert-file {folder}/certificate.pem\n\
             tls-key-file {folder}/key.pem\ntls-ca-cert-file {folder}/authority.pem\n"
        );
        let port = master.tls.as_ref().expect("it speaks TLS").address().port();
        let sentinel = Sentinel::start(port, 1, &settings, true);
        (Self { servers: vec![master], sentinels: vec![sentinel] }, authority)
    }

    /// Starts a master and a Sentinel with passwords.
    pub fn start_with_passwords(of_master: &str, of_sentinel: &str) -> Self {
        let settings = format!("sentinel auth-pass mymaster {of_master}\nrequirepass {of_sentinel}\n");
        Self::start_with(1, 1, &["--requirepass", of_master], &settings)
    }

    fn start_with(servers: usize, sentinels: usize, settings: &[&str], of_sentinels: &str) -> Self {
        let master = Redis::start_with(settings);
        let port = master.port().to_string();
        let replica = |_| Redis::start_with(&["--replicaof", "127.0.0.1", &port]);
        let servers: Vec<_> = [master].into_iter().chain((1..servers).map(replica)).collect();
        let is_linked = |replica: &Redis| replica.command(&["INFO", "replication"]).contains("master_link_status:up");
        wait_until("the replicas follow", || servers[1..].iter().all(is_linked));
        let quorum = sentinels / 2 + 1;
        let sentinels: Vec<_> =
            (0..sentinels).map(|_| Sentinel::start(servers[0].port(), quorum, of_sentinels, false)).collect();
        let watched = Self { servers, sentinels };
        let (replicas, others) = (watched.servers.len() - 1, watched.sentinels.len() - 1);
        let knows_all = |sentinel: &Sentinel| {
            let known = sentinel.command(&["SENTINEL", "MASTER", "mymaster"]);
            let is = |name: &str, count: usize| format!("{known}\n").contains(&format!("{name}\n{count}\n"));
            is("num-slaves", replicas) && is("num-other-sentinels", others)
        };
        wait_until("the Sentinels know all", || replicas + others == 0 || watched.sentinels.iter().all(knows_all));
        watched
    }

    pub fn urls(&self) -> Vec<String> {
        self.sentinels.iter().map(Sentinel::url).collect()
    }

    /// The number of the server that a Sentinel calls the master.
    pub fn master(&self, sentinel: usize) -> Option<usize> {
        let address = self.sentinels[sentinel].command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"]);
        self.servers.iter().position(|server| address.ends_with(&server.port().to_string()))
    }

    /// Waits until each replica has all that the master has.
    pub fn replicate(&self) {
        let master = &self.servers[self.master(0).expect("it is known")];
        let (offset, replicas) = (master.statistic("replication", "master_repl_offset"), self.servers.len() - 1);
        let has_all = |replica: &Redis| replica.statistic("replication", "slave_repl_offset") >= offset;
        let is_replica = |server: &&Redis| server.command(&["ROLE"]).starts_with("slave");
        wait_until("it is replicated", || {
            let replicas_now: Vec<_> = self.servers.iter().filter(is_replica).collect();
            replicas_now.len() == replicas && replicas_now.into_iter().all(has_all)
        });
    }
}

impl Sentinel {
    fn start(watched: u16, quorum: usize, settings: &str, encrypted: bool) -> Self {
        let (folder, port) = (tempfile::tempdir().expect("a folder for the Sentinel"), Port::reserve());
        let own = port.address().port();
        let port_setting = if encrypted { "port 0\ntls-port" } else { "port" };
        let file = folder.path().join("sentinel.conf");
        let text = format!(
            "bind 127.0.0.1\n{port_setting} {own}\nsentinel monitor mymaster 127.0.0.1 {watched} {quorum}\n\
             sentinel down-after-milliseconds mymaster 1500\nsentinel failover-timeout mymaster 6000\n{settings}"
        );
        fs::write(&file, text).expect("the folder can be written to");
        let mut command = Command::new("redis-server");
        command.arg(&file).arg("--sentinel").current_dir(folder.path());
        let child = start(&mut command, "+monitor master mymaster");
        Self { child, port, _folder: folder }
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.port.address())
    }

    pub fn port(&self) -> u16 {
        self.port.address().port()
    }

    /// What it answers to a command, as `redis-cli` shows it.
    pub fn command(&self, words: &[&str]) -> String {
        let port = self.port().to_string();
        let output = Command::new("redis-cli").args(["-p", &port]).args(words).output().expect("redis-cli is there");
        String::from_utf8(output.stdout).expect("it answers with text").trim_end().to_owned()
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        // It may have been killed before.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        self.kill();
    }
}
