//! A certificate for Truecaller's documented hosts, which the tests believe and nobody else.

/// A certificate and its key, as PEM.
pub struct Certificate {
    pub pem: String,
    pub key: String,
}

/// A certificate that signs itself, for the hosts of [`ENDPOINTS`].
pub fn documented_hosts() -> Certificate {
    let hosts = ENDPOINTS.map(|url| url.split('/').nth(2).expect("a URL has a host").to_owned());
    let certified = rcgen::generate_simple_self_signed(hosts).expect("host names make a certificate");
    Certificate { pem: certified.cert.pem(), key: certified.signing_key.serialize_pem() }
}

/// The endpoints of Truecaller's documentation.
pub const ENDPOINTS: [&str; 3] = [
    "https://profile4-noneu.truecaller.com/v1/default",
    "https://profile4-eu.truecaller.com/v1/default",
    "https://profile4.truecaller.com/v1/default",
];
