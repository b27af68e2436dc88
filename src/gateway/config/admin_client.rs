//! What a command reads of the configuration to ask the gateway that runs with it.
//!
//! It is the section `admin` alone: a command works even where a secret of another section is not set, or its file cannot be read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::HeaderValue;

use super::{
    ConfigErrors, ConfigSource,
    admin::{AdminToken, LISTEN, TOKEN_ADVICE},
    reader::{self, Context, Item, Section},
    value,
};

/// How the admin listener is reached, and what it asks for.
pub(crate) struct AdminClientConfig {
    /// Where the listener is.
    pub(crate) address: SocketAddr,
    /// The value of `Authorization`; none if the listener asks for no token.
    pub(crate) authorization: Option<HeaderValue>,
}

impl AdminClientConfig {
    /// Reads the address and the token.
    ///
    /// # Errors
    ///
    /// Returns every mistake in the section, or that the configuration cannot be read.
    pub(crate) fn load(source: &ConfigSource) -> Result<Self, ConfigErrors> {
        read(source, "admin", |admin| {
            let address = address(admin.take("listen"));
            let parser = value::text(|text| AdminToken::parse(text).map(|_| bearer(text)), TOKEN_ADVICE);
            let authorization = admin.take("token").map(|item| item.parse(&parser));
            // The gateway judges it.
            let _ = admin.take("metrics_token");
            Some(Self { address: address?, authorization: authorization.map_or(Some(None), |token| token.map(Some))? })
        })
    }
}

/// Reads the address of the admin listener.
///
/// # Errors
///
/// As [`AdminClientConfig::load`].
pub(crate) fn read_admin_address(source: &ConfigSource) -> Result<SocketAddr, ConfigErrors> {
    read(source, "admin.listen", |admin| address(admin.take("listen")))
}

fn read<T>(
    source: &ConfigSource,
    key: &'static str,
    read: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Result<T, ConfigErrors> {
    let (text, environment) = (source.text()?, |name: &str| std::env::var(name).ok());
    let context = Context::new(source.path(), &environment).only(key);
    let value = reader::read(&text, &context, |file| file.section("admin", read));
    match (value, context.mistakes.into_inner()) {
        (Some(value), mistakes) if mistakes.is_empty() => Ok(value),
        (_, mistakes) => Err(ConfigErrors::new(source.path(), mistakes)),
    }
}

/// Where a listener at the address of the configuration is reached from this machine.
fn address(item: Option<Item<'_>>) -> Option<SocketAddr> {
    let parser = value::address().check(|address| if address.port() == 0 { Err(UNKNOWN_PORT) } else { Ok(()) });
    let mut address = item.map_or(Some(LISTEN), |item| item.parse(&parser))?;
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    Some(address)
}

fn bearer(token: &str) -> HeaderValue {
    let mut value =
        HeaderValue::try_from(format!("Bearer {token}")).expect("the characters of a token make a header value");
    value.set_sensitive(true);
    value
}

const UNKNOWN_PORT: &str = "the system chooses another port at each start, so no command finds it (write a port)";
