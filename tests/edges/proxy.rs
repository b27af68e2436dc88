//! The proxies: each a process of its own, with the configuration of its page in `docs/edges`.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use crate::{
    support::{port::Port, server::Server},
    venv,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Nginx,
    Caddy,
    Traefik,
    Envoy,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Nginx, Self::Caddy, Self::Traefik, Self::Envoy];

    /// The files of `docs/edges` that it is run with.
    fn files(self) -> &'static [&'static str] {
        match self {
            Self::Nginx => &["nginx.conf"],
            Self::Caddy => &["Caddyfile"],
            Self::Traefik => &["traefik.yaml", "traefik-shop.yaml"],
            Self::Envoy => &["envoy.yaml"],
        }
    }

    fn command(self, folder: &Path) -> Command {
        let mut command = match self {
            // Debian keeps it where only root looks.
            Self::Nginx => Command::new("/usr/sbin/nginx"),
            Self::Caddy => venv::program("caddy"),
            Self::Traefik => venv::program("traefik"),
            Self::Envoy => venv::program("envoy"),
        };
        match self {
            Self::Nginx => {
                fs::write(folder.join("main.conf"), NGINX).expect("the folder can be written to");
                command.args(["-e", "stderr", "-c", "main.conf", "-p"]).arg(folder)
            }
            Self::Caddy => command.args(["run", "--adapter", "caddyfile", "--config", "Caddyfile"]).env("HOME", folder),
            Self::Traefik => command.arg("--configfile=traefik.yaml"),
            Self::Envoy => command.args(["--config-path", "envoy.yaml", "--use-dynamic-base-id", "--concurrency", "1"]),
        };
        command
    }
}

/// A proxy that runs; it is killed when it is dropped.
pub struct Proxy(Server);

impl Proxy {
    /// Starts one whose configuration was edited, and waits until it listens.
    pub async fn edited(kind: Kind, truegate: SocketAddr, app: SocketAddr, edit: impl Fn(String) -> String) -> Self {
        let port = Port::reserve();
        let folder = tempfile::tempdir().expect("a folder for the configuration");
        for file in kind.files() {
            let text = shown(file).replace("/truecaller/YOUR-CALLBACK-PATH", CALLBACK);
            let text = edit(at(text, [("8000", port.address()), ("8080", truegate), ("3000", app)]));
            fs::write(folder.path().join(file), text).expect("the folder is ours");
        }
        let command = kind.command(folder.path());
        Self(Server::start(command, port, folder).await)
    }

    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }
}

/// In place of the one that the files leave to the operator.
pub const CALLBACK: &str = "/truecaller/x7Kq2vNf9TzR4mWb6pLd";

/// A file of `docs/edges`.
pub fn shown(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/edges").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The same with the ports of a test.
pub fn at<const N: usize>(text: String, ports: [(&str, SocketAddr); N]) -> String {
    ports.iter().fold(text, |text, (port, address)| text.replace(port, &address.port().to_string()))
}

/// What a distribution's nginx.conf has around the file: one process that a test can kill.
const NGINX: &str = "\
    daemon off; master_process off; pid nginx.pid; error_log stderr crit;\n\
    events {}\n\
    http {\n\
        access_log off;\n\
        client_body_temp_path body; proxy_temp_path proxy;\n\
        fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n\
        include nginx.conf;\n\
    }\n";
