//! The example of a page that verifies numbers, and the codes that it prints.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use super::site_login::TOKEN;

/// The page; it is killed when it is dropped.
pub struct Otp {
    child: Child,
    address: SocketAddr,
    lines: Receiver<String>,
}

impl Otp {
    /// Starts the page at an address, with an admin listener to finish logins at.
    pub fn start(listen: SocketAddr, admin: SocketAddr) -> Self {
        let mut command = Command::new(program());
        command.env("LISTEN", listen.to_string()).env("TRUEGATE_ADMIN_TOKEN", TOKEN);
        command.env("TRUEGATE_LOGINS", format!("http://{admin}/logins"));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the example starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
        let first = lines.next().expect("it says where it listens");
        let address = first.strip_prefix("listening on http://").and_then(|address| address.parse().ok());
        let (tell, told) = channel();
        thread::spawn(move || lines.try_for_each(|line| tell.send(line)));
        Self { child, address: address.expect("an address"), lines: told }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next code that it sends, which must be for this number.
    pub fn code(&self, phone: &str) -> String {
        let line = self.lines.recv_timeout(Duration::from_secs(60)).expect("a code is sent");
        line.strip_prefix(&format!("to {phone}: ")).expect("for this number").to_owned()
    }

    /// Whether it has sent a code that was not asked for.
    pub fn has_sent_more(&self) -> bool {
        self.lines.try_recv().is_ok()
    }
}

impl Drop for Otp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program: cargo builds examples beside the tests, and names them to nobody.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a test is a program");
    let folder = test.parent().and_then(|deps| deps.parent()).expect("cargo's folder");
    let path = folder.join("examples/otp");
    assert!(path.exists(), "{} is missing: run cargo build --examples --all-features", path.display());
    path
}
