//! Which of a listener's certificates a handshake shows: the one for the name that the client asks for.

use std::{collections::HashMap, sync::Arc};

use rustls::{SignatureScheme, sign::CertifiedKey};

use super::pair::Pair;

/// What handshakes show.
pub(super) struct Shown {
    /// The first is for clients that ask for no name, or for one that no certificate has. There is none until the gateway has
    /// obtained its first certificate.
    pub(super) pairs: Vec<Pair>,
    /// The places in the list of the certificates that have a name.
    exact: HashMap<String, Vec<usize>>,
    /// The same for names that begin with `*.`, which is left out.
    wildcard: HashMap<String, Vec<usize>>,
}

impl Shown {
    pub(super) fn new(pairs: Vec<Pair>) -> Self {
        let (mut exact, mut wildcard) = (HashMap::<String, Vec<usize>>::new(), HashMap::<String, Vec<usize>>::new());
        for (place, pair) in pairs.iter().enumerate() {
            for name in pair.hosts() {
                match name.strip_prefix("*.") {
                    Some(parent) => wildcard.entry(parent.to_owned()).or_default().push(place),
                    None => exact.entry(name).or_default().push(place),
                }
            }
        }
        Self { pairs, exact, wildcard }
    }

    /// The places of the certificates for a name. One that has the very name is nearer than one for all names beside it.
    pub(super) fn named(&self, name: &str) -> Option<&[usize]> {
        let beside = || self.wildcard.get(name.split_once('.')?.1);
        self.exact.get(name).or_else(beside).map(Vec::as_slice)
    }

    /// The key to show. Of several for one name, it is the first that the client can verify, such as that of RSA for an old client.
    pub(super) fn choose(&self, name: Option<&str>, schemes: &[SignatureScheme]) -> Option<&Arc<CertifiedKey>> {
        let places = name.and_then(|name| self.named(name)).unwrap_or(&[0]);
        let can_verify =
            |place: &&usize| self.pairs.get(**place).is_some_and(|pair| pair.key.key.choose_scheme(schemes).is_some());
        let place = places.iter().find(can_verify).or(places.first()).copied().unwrap_or_default();
        Some(&self.pairs.get(place)?.key)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SignatureAlgorithm};
    use rustls::{
        crypto::ring,
        pki_types::{PrivateKeyDer, pem::PemObject as _},
    };

    use super::*;
    use crate::gateway::config::TlsFiles;

    /// What is shown of certificates with these names, in this order.
    fn shown(certificates: &[(&str, &'static SignatureAlgorithm)]) -> Shown {
        let pair = |(names, algorithm): &(&str, &'static SignatureAlgorithm)| {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let names = names.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
            let private = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
            let key = CertifiedKey::from_der(vec![certificate.der().clone()], private, &ring::default_provider());
            Pair { files: TlsFiles { certificate: PathBuf::new(), key: PathBuf::new() }, key: Arc::new(key.unwrap()) }
        };
        Shown::new(certificates.iter().map(pair).collect())
    }

    fn place(shown: &Shown, name: Option<&str>, schemes: &[SignatureScheme]) -> usize {
        let key = shown.choose(name, schemes).unwrap();
        shown.pairs.iter().position(|pair| Arc::ptr_eq(&pair.key, key)).unwrap()
    }

    #[test]
    fn a_certificate_is_chosen_by_its_names_and_the_first_is_for_all_others() {
        let ecdsa = &PKCS_ECDSA_P256_SHA256;
        let shown = shown(&[
            ("shop.example", ecdsa),
            ("*.shop.example wiki.example", ecdsa),
            ("Admin.shop.example", ecdsa),
            ("*.deep.shop.example", ecdsa),
        ]);
        let schemes = [SignatureScheme::ECDSA_NISTP256_SHA256];
        for (name, expected) in [
            (Some("shop.example"), 0),
            (Some("a.shop.example"), 1),
            (Some("wiki.example"), 1),
            (Some("admin.shop.example"), 2),
            (Some("a.deep.shop.example"), 3),
            (Some("a.b.shop.example"), 0),
            (Some("a.wiki.example"), 0),
            (Some("*.shop.example"), 1),
            (Some("example"), 0),
            (Some(""), 0),
            (None, 0),
        ] {
            assert_eq!(place(&shown, name, &schemes), expected, "{name:?}");
        }
        assert!(shown.named("wiki.example").is_some() && shown.named("a.b.shop.example").is_none());
    }

    #[test]
    fn of_several_for_one_name_the_first_that_the_client_can_verify_is_shown() {
        let name = Some("shop.example");
        let shown = shown(&[("shop.example", &PKCS_ED25519), ("shop.example", &PKCS_ECDSA_P256_SHA256)]);
        let (ed25519, ecdsa) = (SignatureScheme::ED25519, SignatureScheme::ECDSA_NISTP256_SHA256);
        for (schemes, expected) in
            [(&[ed25519, ecdsa][..], 0), (&[ecdsa], 1), (&[ed25519], 0), (&[SignatureScheme::RSA_PSS_SHA256], 0)]
        {
            assert_eq!(place(&shown, name, schemes), expected, "{schemes:?}");
        }
    }
}
