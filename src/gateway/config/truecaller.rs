//! `truecaller`: where profiles come from.

use std::{collections::BTreeMap, net::SocketAddr, num::NonZero, time::Duration};

use url::Host;

use super::{
    pem,
    reader::{Item, Section},
    value,
};
use crate::{
    callback::{Endpoints, ProfileEndpoint},
    profile::ProfileClientBuilder,
};

/// How profiles are fetched.
#[derive(Clone)]
#[non_exhaustive]
pub struct Truecaller {
    /// The URLs that a callback may name.
    pub endpoints: Endpoints,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How many requests are made for one callback at most.
    pub attempts: NonZero<u32>,
    /// How many bytes a profile may have.
    pub profile_limit: usize,
    /// Certificates to trust besides the usual roots, as PEM.
    pub ca_file: Option<Vec<u8>>,
    /// Where to connect to for a host, in place of what DNS says.
    pub resolve: BTreeMap<String, SocketAddr>,
    /// Whether a profile that Truecaller calls inactive is refused.
    pub require_active: bool,
}

impl Truecaller {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let endpoints = section.take("endpoints").map_or_else(|| Some(Endpoints::default()), |item| endpoints(&item));
        let resolve = section.take("resolve").map(|item| resolve(&item, endpoints.as_ref()));
        let connect_timeout = Duration::from_millis(10)..=Duration::from_mins(1);
        let attempts = NonZero::<u32>::MIN..=MAX_ATTEMPTS;
        Self {
            endpoints: endpoints.unwrap_or_default(),
            connect_timeout: section
                .read("connect_timeout", value::duration(connect_timeout))
                .unwrap_or(ProfileClientBuilder::CONNECT_TIMEOUT),
            attempts: section.read("attempts", value::count(attempts)).unwrap_or(ProfileClientBuilder::ATTEMPTS),
            profile_limit: section
                .read("profile_limit", value::size(1..=MAX_PROFILE_LIMIT))
                .unwrap_or(ProfileClientBuilder::PROFILE_LIMIT),
            ca_file: section.take("ca_file").and_then(|item| pem::roots(&item)),
            resolve: resolve.unwrap_or_default(),
            require_active: section.read("require_active", value::boolean).unwrap_or(true),
        }
    }
}

/// Reads the allow-list, or none if any of it is wrong.
fn endpoints(item: &Item<'_>) -> Option<Endpoints> {
    let items = item.list()?;
    if items.is_empty() {
        item.complain("is empty, so no profile could be fetched (list a URL, or remove the key)");
        return None;
    }
    let parse = |text: &str| {
        ProfileEndpoint::parse(text)
            .map_err(|error| format!("cannot be an endpoint: {error} (write https://host/path)"))
    };
    // All are looked at, though the first mistake decides.
    let parsed: Vec<_> = items.iter().map(|item| item.parse(|text| parse(text))).collect();
    parsed.into_iter().collect()
}

fn resolve(item: &Item<'_>, endpoints: Option<&Endpoints>) -> BTreeMap<String, SocketAddr> {
    let mut addresses = BTreeMap::new();
    for (host, item) in item.members().into_iter().flatten() {
        if let Some(endpoints) = endpoints
            && let Err(mistake) = refuse_unnamed(host, endpoints)
        {
            item.complain_of_name(mistake);
        }
        let address = item.parse(|text| {
            let address = value::address(text)?;
            endpoints.map_or(Ok(()), |endpoints| refuse_other_port(host, address, endpoints)).map(|()| address)
        });
        addresses.extend(address.map(|address| (host.to_owned(), address)));
    }
    addresses
}

fn refuse_unnamed(host: &str, endpoints: &Endpoints) -> Result<(), &'static str> {
    let names = |endpoint: &ProfileEndpoint| endpoint.url().host_str() == Some(host);
    let is_address = |endpoint: &ProfileEndpoint| !matches!(endpoint.url().host(), Some(Host::Domain(_)));
    match endpoints.iter().find(|endpoint| names(endpoint)) {
        Some(endpoint) if is_address(endpoint) => Err("is an IP address, which needs no resolving (remove the line)"),
        Some(_) => Ok(()),
        None => Err("is the host of no endpoint (write a host of `truecaller.endpoints`, in lower case)"),
    }
}

/// Refuses a port that would not be connected to: the port that a URL names always wins.
fn refuse_other_port(host: &str, address: SocketAddr, endpoints: &Endpoints) -> Result<(), &'static str> {
    let ports = endpoints.iter().filter(|endpoint| endpoint.url().host_str() == Some(host));
    let mut ports = ports.filter_map(|endpoint| endpoint.url().port());
    if address.port() == 0 {
        return Err("has port 0, which cannot be connected to (write the port, such as 443)");
    }
    if ports.any(|port| port != address.port()) {
        return Err("has another port than the endpoint's URL, which would be used (write the same port)");
    }
    Ok(())
}

const MAX_ATTEMPTS: NonZero<u32> = NonZero::new(10).expect("ten is not zero");
const MAX_PROFILE_LIMIT: usize = 1 << 20;
