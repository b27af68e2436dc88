//! Rules that name hosts, few and many: the number must make no difference.

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use truegate::access::{Access, Rule, Rules};

/// The part of the rules in which they differ.
#[derive(Clone, Copy)]
pub(super) enum Differing {
    /// Each is for a host of its own.
    Hosts,
    /// All are for one host, each for a path of its own.
    Paths,
    /// Each is for the hosts below a name of its own.
    Names,
}

impl Differing {
    /// So many public rules, none of which is for every request.
    pub(super) fn rules(self, count: usize) -> Rules {
        (0..count).map(|number| self.rule(number)).collect()
    }

    fn rule(self, number: usize) -> Rule {
        let (host, path) = match self {
            Self::Hosts => (format!("app-{number}.example"), "/api".to_owned()),
            Self::Paths => ("shop.example".to_owned(), format!("/section-{number}/part")),
            Self::Names => (format!("*.app-{number}.example"), "/api".to_owned()),
        };
        let rule = Rule::new(path.parse().expect("a path"), Access::Public);
        rule.host(host.parse().expect("a host"))
    }

    /// A request that the rule of this number matches.
    pub(super) fn request(self, number: usize, mut request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
        let (host, target) = match self {
            Self::Hosts => (format!("app-{number}.example"), "/api/orders/42?verbose=true".to_owned()),
            Self::Paths => ("shop.example".to_owned(), format!("/section-{number}/part/orders/42")),
            Self::Names => (format!("www.app-{number}.example"), "/api/orders/42?verbose=true".to_owned()),
        };
        *request.uri_mut() = target.parse().expect("a target");
        request.headers_mut().insert(header::HOST, HeaderValue::from_str(&host).expect("a host is text"));
        request
    }
}
