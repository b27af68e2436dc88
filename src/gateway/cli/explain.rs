//! `truegate explain`: tells what the gateway makes of one request.

use std::{
    env,
    fmt::Display,
    fs::File,
    io::{self, ErrorKind, Read, Write as _},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use clap::{Args, ValueEnum};

use super::{CommandError, ConfigArgs};
use crate::gateway::{
    config::{Config, ConfigSource, ListenerConfig},
    explain::{AskedRequest, explain, write_text},
};

/// The arguments of `truegate explain`.
#[derive(Args)]
pub(super) struct ExplainArgs {
    /// A file with the bytes of the request: the head, an empty line, and the body. Lines may end in LF alone. Defaults to the standard
    /// input.
    #[arg(value_name = "FILE")]
    request: Option<PathBuf>,
    /// The peer of the connection: an IP address, with a port or without.
    #[arg(long, value_name = "ADDRESS", default_value = "192.0.2.1", value_parser = peer)]
    from: SocketAddr,
    /// The listener that the request comes to, as the configuration writes its address. Defaults to the first one that serves the
    /// site.
    #[arg(long, value_name = "ADDRESS")]
    listener: Option<String>,
    /// The request comes by TLS. Without --listener, this chooses the first listener that speaks TLS.
    #[arg(long)]
    tls: bool,
    #[command(flatten)]
    config: ConfigArgs,
    /// How the explanation is printed.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,
}

/// How the explanation is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// As a JSON document, for scripts.
    Json,
}

pub(super) async fn run(args: &ExplainArgs) -> Result<(), CommandError> {
    let failed = |error: io::Error| CommandError::of("explain", error);
    let source = args.config.source();
    if *source == ConfigSource::Stdin && args.request.is_none() {
        return Err(wrong(
            "the configuration and the request cannot both be the standard input (name a file for the request)",
        ));
    }
    let text = source.text()?;
    let config = Config::parse(&text, source.path(), |name| env::var(name).ok())?;
    let listener = args.listener(&config)?.clone();
    let bytes = args.read().map_err(failed)?;
    // A listener that speaks TLS takes nothing else.
    let is_tls = args.tls || listener.tls.is_some();
    let asked = AskedRequest { bytes, from: args.from, listener: &listener, is_tls };
    let explained = explain(config, asked).await;
    let explained = explained.map_err(|error| CommandError::of("explain", error))?;
    let mut out = Vec::new();
    match args.format {
        Format::Text => write_text(&mut out, &source.path().display().to_string(), &explained).map_err(failed)?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &explained).map_err(|error| failed(error.into()))?;
            out.push(b'\n');
        }
    }
    match io::stdout().write_all(&out) {
        // Whoever read it has read enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed.map_err(failed),
    }
}

impl ExplainArgs {
    /// The bytes of the request.
    fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let limit = LARGEST_REQUEST + 1;
        match &self.request {
            Some(path) => File::open(path)?.take(limit).read_to_end(&mut bytes)?,
            None => io::stdin().lock().take(limit).read_to_end(&mut bytes)?,
        };
        if bytes.len() as u64 == limit {
            return Err(io::Error::other("the request is larger than 1 MiB"));
        }
        Ok(bytes)
    }

    fn listener<'c>(&self, config: &'c Config) -> Result<&'c ListenerConfig, CommandError> {
        let is_meant = |listener: &&ListenerConfig| match &self.listener {
            Some(address) => listener.address.to_string() == *address,
            None => listener.redirect.is_none() && (listener.tls.is_some() || !self.tls),
        };
        let found = config.listen.iter().find(is_meant);
        // A proxy in front of a plain listener may speak TLS, but the connection to the gateway is what counts.
        let found = found.filter(|listener| listener.tls.is_some() || !self.tls);
        found.ok_or_else(|| {
            let known: Vec<_> = config.listen.iter().map(|listener| listener.address.to_string()).collect();
            let what = match (&self.listener, self.tls) {
                (Some(_), true) => "no such listener speaks TLS",
                (None, true) => "no listener speaks TLS",
                // Without an address there is always one, or the configuration is refused.
                (_, false) => "no listener has this address",
            };
            wrong(format_args!("{what} (the configuration has {})", known.join(", ")))
        })
    }
}

/// The arguments do not fit together, or not the configuration.
fn wrong(message: impl Display) -> CommandError {
    CommandError { message: Some(format!("truegate explain: {message}")), code: 2 }
}

/// Reads `203.0.113.9`, `203.0.113.9:4711`, `2001:db8::1` or `[2001:db8::1]:4711`.
fn peer(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse::<IpAddr>().map(|address| SocketAddr::new(address, PORT));
    let peer = address.or_else(|_| text.parse::<SocketAddr>());
    peer.map_err(|_| format!("not an IP address, with a port or without (write {EXAMPLE} or {EXAMPLE}:{PORT})"))
}

const EXAMPLE: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));
/// Some port of a client: no decision depends on it.
const PORT: u16 = 50_000;
const LARGEST_REQUEST: u64 = 1 << 20;
