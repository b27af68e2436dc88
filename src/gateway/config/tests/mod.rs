//! What a configuration promises: all of it is right, or every mistake is told with its place and no secret.

mod acme;
mod admin;
mod apps;
mod assertion;
mod documentation;
mod folder;
mod groups;
mod listen;
mod native;
mod refused;
mod routes;
mod schema;
mod secrets;
mod session;
mod shape;
mod shown_config;
mod shown_lines;
mod telemetry;
mod tls;
mod traps;
mod upstreams;
mod values;
mod warnings;

use std::{fs, net::SocketAddr, path::Path, str::FromStr as _, thread, time::Duration};

use tracing::level_filters::LevelFilter;

use self::{folder::Folder, refused::mistakes};
use super::{
    CertificateSource, Config, ConfigErrors, ConfigSource, LineFormat, ListenAddress, LogDestination, LogFormat,
    PathMode, RedirectConfig, StoreConfig, TlsFiles, TlsVersion, Trust, TrustedProxies, UpstreamConfig,
};
use crate::{
    access::{Access, AllowList, Group},
    assertion::SigningKey,
    callback::Endpoints,
    gate::Limits,
    headers::HeaderNames,
    session::{LinkBase, ReturnUrl, UpstreamCookie},
};

const SHIPPED: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/config.yaml"));
const UPSTREAM: &str = "upstream: http://127.0.0.1:3000\n";

fn environment(name: &str) -> Option<String> {
    match name {
        "SECRET" => Some(SECRET.to_owned()),
        "LEVEL" => Some("debug".to_owned()),
        "TWO" => Some("2".to_owned()),
        "EMPTY" => Some(String::new()),
        "TRUEGATE_CALLBACK_PATH" => Some(CALLBACK_PATH.to_owned()),
        "TRUEGATE_SESSION_SECRET" => Some(SESSION_SECRET.to_owned()),
        "TRUECALLER_PARTNER_KEY" => Some("a-partner-key".to_owned()),
        "PROXY_SECRET" => Some("a-secret".to_owned()),
        "TRUEGATE_LOG_KEY" => Some(SESSION_SECRET.to_owned()),
        "TRUEGATE_OTLP_AUTHORIZATION" => Some("Bearer a-token".to_owned()),
        "TRUEGATE_ADMIN_TOKEN" => Some(ADMIN_TOKEN.to_owned()),
        "TRUEGATE_METRICS_TOKEN" => Some(METRICS_TOKEN.to_owned()),
        "REDIS_PASSWORD" => Some("a-password".to_owned()),
        _ => None,
    }
}

const SECRET: &str = "hunter2/hunter2";
const CALLBACK_PATH: &str = "/truecaller/x7Kq2vNf9TzR4mWb6pLd";
const ADMIN_TOKEN: &str = "4fJk0mVt9sQeYxW2bNcR7uHd1zGpLa6o5iTqXr8vKyE=";
const METRICS_TOKEN: &str = "Zt7pQ2xWm0cV8bNe4rYs6uHa1dGkLf3jOiTqXg9vRyI=";
const SESSION_SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn parse_in(folder: &Folder, text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(text, &folder.path("config.yaml"), environment)
}

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(text, Path::new("config.yaml"), environment)
}

/// The app that gets what nothing else is said for.
fn upstream(config: &Config) -> &UpstreamConfig {
    config.upstreams.iter().find(|(id, _)| *id == config.upstreams.default_id()).unwrap().1
}

/// Checks that a configuration is as if nothing but the upstream had been written.
fn assert_is_default(config: &Config) {
    let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
    assert_eq!(config.listen.iter().map(|listener| listener.address.tcp()).collect::<Vec<_>>(), [Some(address(8080))]);
    assert!(config.listen[0].tls.is_none());
    assert_eq!(upstream(config).servers[0].authority(), "127.0.0.1:3000");
    assert_eq!(config.upstreams.iter().count(), 1);
    assert_eq!(config.server.threads, thread::available_parallelism().unwrap());
    assert!(!config.server.reuse_port);
    assert_eq!(config.callback.path.expose(), "/truecaller/callback");
    assert_eq!((config.callback.deadline, config.callback.body_limit), (Duration::from_millis(2500), 16_384));
    assert!(config.callback.forward);
    assert!(config.truecaller.endpoints.iter().eq(Endpoints::default().iter()));
    let client = &config.truecaller.client;
    assert_eq!(client.connect_timeout, Duration::from_secs(1));
    assert_eq!((client.attempts.get(), client.profile_limit), (2, 65_536));
    assert!(client.trusted.is_empty() && client.resolve.is_empty());
    assert!(config.truecaller.require_active && !config.truecaller.connect_at_start);
    assert_eq!(format!("{:?}", config.identity), format!("{:?}", HeaderNames::default()));
    assert_eq!(config.trusted_proxies, TrustedProxies::default());
    assert_eq!(config.limits, Limits::default());
    assert!(config.session.is_none() && config.assertion.is_none() && config.native.is_none());
    assert_eq!(config.routes.access("/a;b/../c"), Ok(&Access::Required(AllowList::default())), "closed");
    assert_eq!((config.admin.listen, config.shutdown_grace), (address(9090), Duration::from_secs(10)));
    assert!(config.admin.token.is_none() && config.admin.metrics_token.is_none());
    assert_eq!((config.log.level, config.log.format), (LevelFilter::INFO, LogFormat::Auto));
    assert!(config.log.access.is_none() && config.log.audit.is_none());
    assert!(config.log.user_key.is_none() && !config.request_id);
    let (timeouts, seconds) = (config.timeouts, |seconds| Some(Duration::from_secs(seconds)));
    assert_eq!((timeouts.connect, timeouts.idle), (seconds(5), seconds(75)));
    assert_eq!((timeouts.read, timeouts.write), (seconds(300), seconds(300)));
}

#[test]
fn everything_but_the_upstream_has_a_default() {
    assert_is_default(&parse(UPSTREAM).unwrap());
}

#[test]
fn the_shipped_configuration_is_the_defaults() {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/config.yaml");
    assert_is_default(&Config::load(&ConfigSource::File(shipped.into())).unwrap());
}

#[test]
fn the_optional_keys_of_the_shipped_configuration_load() {
    let folder = folder_of_every_key();
    let config = parse_in(&folder, &every_key()).unwrap();

    assert_eq!(upstream(&config).servers[0].authority(), "127.0.0.1:3000");
    let wiki = config.upstreams.iter().find(|(_, upstream)| upstream.name == "wiki").unwrap().1;
    assert_eq!((wiki.servers.len(), wiki.headers.len()), (2, 1));
    let tls = wiki.tls.as_ref().unwrap();
    assert!(matches!(&tls.trust, Trust::Only(pem) if *pem == fs::read(folder.path("tls/ca.pem")).unwrap()));
    assert!(tls.client.is_some() && tls.server_name.as_deref() == Some("wiki.internal"));
    let health = wiki.health.as_ref().unwrap();
    assert_eq!(health.path.as_ref().map(http::uri::PathAndQuery::as_str), Some("/healthz"));
    assert_eq!(config.server.threads.get(), 2);
    assert_eq!(config.listen.len(), 7);
    let acme_webroot = Some(folder.path("acme"));
    assert_eq!(config.listen[5].redirect, Some(RedirectConfig { port: 443, acme_webroot }));
    let acme = config.acme.as_ref().unwrap();
    assert_eq!((acme.hosts.len(), acme.contact.as_deref()), (2, Some("mailto:ops@shop.example")));
    assert!(
        matches!(&config.listen[6].tls.as_ref().unwrap().certificates, CertificateSource::Acme(files) if files.len() == 2)
    );
    assert_eq!(config.hsts.as_ref().unwrap().as_bytes(), b"max-age=31536000; includeSubDomains; preload");
    let tls = config.listen[1].tls.as_ref().unwrap();
    let files = TlsFiles { certificate: folder.path("tls/certificate.pem"), key: folder.path("tls/key.pem") };
    assert_eq!(tls.certificates, CertificateSource::Pairs(vec![files.clone()]));
    assert_eq!((tls.min_version, tls.client_ca.is_some()), (TlsVersion::V1_2, true));
    let socket = ListenAddress::Unix { path: "/run/truegate.sock".into(), mode: 0o660 };
    assert_eq!((&config.listen[4].address, config.listen[3].proxy_protocol), (&socket, true));
    assert_eq!(config.listen[2].tls.as_ref().unwrap().certificates, CertificateSource::Pairs(vec![files]));
    let client = &config.truecaller.client;
    assert_eq!(client.trusted, fs::read(folder.path("tls/ca.pem")).unwrap());
    assert_eq!(client.resolve["profile4.truecaller.com"], SocketAddr::from(([127, 0, 0, 1], 8443)));
    assert!(config.identity.is_reserved("remote_user") && config.identity.is_reserved("x-webauth-name"));
    assert!(config.identity.is_reserved("x_my_role") && config.identity.is_reserved("X-Corp-Groups"));
    assert!(config.assertion.is_some());
    assert!(config.admin.token.as_ref().is_some_and(|token| token.is(ADMIN_TOKEN.as_bytes())));
    assert!(config.admin.metrics_token.as_ref().is_some_and(|token| token.is(METRICS_TOKEN.as_bytes())));
    assert_eq!(config.native.as_ref().unwrap().path.as_str(), "/truecaller/native");
    let session = config.session.as_ref().unwrap();
    assert_eq!(
        (session.public_urls.default_url().origin(), session.path.as_str()),
        ("https://shop.example", "/.truegate")
    );
    assert_eq!((session.login_timeout, session.lifetime), (Duration::from_mins(3), Duration::from_hours(12)));
    assert_eq!((session.idle, session.revocation_grace), (Duration::from_hours(2), Duration::from_mins(1)));
    assert_eq!((session.max_pending, session.partner.name()), (100_000, "A Shop"));
    assert_eq!(session.link_base, LinkBase::default());
    assert_eq!(session.fallback_url.as_ref().map(ReturnUrl::as_str), Some("/login"));
    assert_eq!(session.logout_url.as_str(), "/goodbye");
    assert!(session.brand.logo.is_some() && session.brand.color.is_some());
    let php = UpstreamCookie::from_str("PHPSESSID").unwrap();
    let hub = UpstreamCookie::from_str("jupyterhub-session-id").unwrap().path("/hub/").unwrap();
    assert_eq!(session.upstream_cookies.as_ref().unwrap()[..], [php, hub.domain("shop.example").unwrap()]);
    assert_eq!(session.cookie_name.as_str(), "truegate");
    assert!(matches!(session.store, StoreConfig::Redis { .. }));
    assert_eq!(config.routes.access("/public/x"), Ok(&Access::Public));
    assert_eq!(config.routes.access("/login"), Ok(&Access::Optional));
    assert_eq!(config.routes.access("/shop"), Ok(&Access::Public));
    assert!(matches!(config.routes.access("/account"), Ok(Access::Required(list)) if list.files().len() == 1));
    assert_eq!(config.groups.iter().map(Group::name).collect::<Vec<_>>(), ["staff"]);
    assert!(!config.callback.forward);
    let access = config.log.access.as_ref().unwrap();
    assert!(matches!(&access.to, LogDestination::File(path, _) if *path == folder.path("access.log")));
    assert_eq!((access.format, access.path), (LineFormat::Json, PathMode::Rule));
    let audit = &config.log.audit.as_ref().unwrap().to;
    assert!(matches!(audit, LogDestination::File(path, _) if *path == folder.path("audit.log")));
    assert!(config.log.user_key.is_some() && config.request_id);
}

/// A folder with all files that the shipped configuration names once it has every key.
fn folder_of_every_key() -> Folder {
    let folder = Folder::new();
    folder.write_pair("tls/certificate.pem", "tls/key.pem");
    folder.write_pair("tls/ca.pem", "tls/ca-key.pem");
    folder.write("assertion.pem", SigningKey::generate().to_pem().as_bytes());
    folder.write("pages/login.html", b"<a data-truegate-login data-next=\"{{ next }}\">log in</a>");
    folder.write("logo.png", b"\x89PNG\r\n\x1a\n");
    folder.write("vip.txt", b"+919999900002\n");
    folder.write("acme/.well-known/acme-challenge/README", b"");
    folder.write("staff.txt", b"+919999900003\n");
    folder
}

/// The shipped configuration with every key in it.
fn every_key() -> String {
    let text =
        SHIPPED.replacen("listen: 127.0.0.1:8080\n", "", 1).replacen("\nupstream: http://127.0.0.1:3000\n", "\n", 1);
    let text = text.replacen("trusted_proxies: []", "trusted_proxies: [10.0.0.0/8, unix]", 1);
    text.lines().map(|line| format!("{}\n", uncomment(line))).collect()
}

/// A line of the shipped configuration, without its `#` if a key stands behind it, or a list's element.
fn uncomment(line: &str) -> String {
    let (indent, rest) = match line.split_once('#') {
        Some((indent, rest)) if indent.trim().is_empty() => (indent, rest.strip_prefix(' ').unwrap_or(rest)),
        _ => return line.to_owned(),
    };
    let key = rest.trim_start().trim_start_matches("- ").split_once(':').map_or("", |(key, _)| key);
    let is_name = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    let is_key = is_name && (key.contains('-') || key.starts_with(|first: char| first.is_ascii_lowercase()));
    if is_key || rest.trim_start().starts_with("- ") { format!("{indent}{rest}") } else { line.to_owned() }
}

#[test]
fn a_reference_stands_anywhere_in_a_value() {
    let folder = Folder::new();
    folder.write("secrets/path", b"in-a-file\n");
    let text = "upstream: http://127.0.0.1:300${TWO}\n\
                callback: { path: '/cb/${SECRET}/${file:secrets/path}' }\n\
                truecaller:\n  attempts: ${TWO}\n\
                log:\n  level: ${LEVEL}\n";
    let config = parse_in(&folder, text).unwrap();
    assert_eq!(upstream(&config).servers[0].authority(), "127.0.0.1:3002");
    assert_eq!(config.callback.path.expose(), format!("/cb/{SECRET}/in-a-file"));
    assert_eq!(config.log.level, LevelFilter::DEBUG);
    assert_eq!(
        parse(&format!("{UPSTREAM}callback: {{ path: '/$${{SECRET}}' }}")).unwrap().callback.path.expose(),
        "/${SECRET}"
    );
}

#[test]
fn one_listener_or_many_are_taken() {
    for (listen, expected) in [
        ("0.0.0.0:80", &["0.0.0.0:80"][..]),
        ("'[::1]:0'", &["[::1]:0"]),
        ("[127.0.0.1:0, 127.0.0.1:0]", &["127.0.0.1:0", "127.0.0.1:0"]),
        ("[{ address: 127.0.0.1:81 }, 127.0.0.1:82]", &["127.0.0.1:81", "127.0.0.1:82"]),
        ("{ address: 127.0.0.1:81 }", &["127.0.0.1:81"]),
    ] {
        let text = format!("{UPSTREAM}listen: {listen}");
        let config = parse(&text).unwrap();
        let addresses: Vec<_> = config.listen.iter().map(|listener| listener.address.to_string()).collect();
        assert_eq!(addresses, expected);
    }
}

#[test]
fn proxies_are_trusted_by_address_or_network() {
    let text = format!("{UPSTREAM}trusted_proxies: [10.0.0.0/8, '192.0.2.${{TWO}}', 'fd00::/8']");
    let trusted = &parse(&text).unwrap().trusted_proxies;
    for (address, expected) in [("10.1.2.3", true), ("192.0.2.2", true), ("fd00::1", true), ("192.0.2.1", false)] {
        assert_eq!(trusted.contains(address.parse().unwrap()), expected, "{address}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_told_by_its_name() {
    let folder = Folder::new();
    let load = |name: &str| Config::load(&ConfigSource::File(folder.path(name))).unwrap_err().to_string();
    folder.write("latin1.yaml", b"upstream: http://\xe9");
    folder.write("large.yaml", &b"# comment\n".repeat(200_000));
    for (name, expected) in [
        ("none.yaml", "none.yaml: cannot be read: "),
        ("latin1.yaml", "latin1.yaml: is not UTF-8"),
        ("large.yaml", "large.yaml: is larger than 1 MiB"),
    ] {
        assert!(load(name).contains(expected), "{}", load(name));
    }
}
