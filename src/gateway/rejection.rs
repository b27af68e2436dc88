//! The reasons to refuse a request that only the gateway knows.

use http::{HeaderValue, header, request::Parts};
use pingora_http::RequestHeader;

use crate::{
    closed_list::closed_list,
    gate::{ConnectionReuse, Gate, Reply},
};

closed_list! {
    /// A request that the gateway answers before the gate has seen it, or because the app did not.
    pub(super) enum EdgeRejection {
        /// The header block is larger than 64 KiB, or has more than 100 lines.
        HeadersTooLarge = "headers-too-large" => REQUEST_HEADER_FIELDS_TOO_LARGE "The request headers are too large.",
        /// The request target is longer than 8 KiB.
        TargetTooLong = "target-too-long" => URI_TOO_LONG "The request target is too long.",
        /// The app could not be reached or broke off.
        UpstreamUnavailable = "upstream-unavailable" => BAD_GATEWAY "The app could not be reached.",
        /// Each server of the app has failed its health checks.
        UpstreamUnhealthy = "upstream-unhealthy" => SERVICE_UNAVAILABLE "The app is not ready.",
    }
}

impl EdgeRejection {
    /// The answer: a page for a person, problem details for a script.
    pub(super) fn reply(self, gate: &Gate, head: &Parts) -> Reply {
        let mut refused = Reply::problem(self.status(), self.code(), self.title(), ConnectionReuse::Close);
        if self == Self::UpstreamUnhealthy {
            refused.response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        gate.explain(refused, self.code(), head)
    }
}

/// Refuses a head that is larger than an app should have to accept.
///
/// A target of truegate's own may be longer: it may hold another target as a parameter, with every byte escaped.
pub(super) fn check_size(request: &RequestHeader, is_own: impl FnOnce(&str) -> bool) -> Result<(), EdgeRejection> {
    let length = request.raw_path().len();
    if length > TARGET && (length > OWN_TARGET || !is_own(request.uri.path())) {
        return Err(EdgeRejection::TargetTooLong);
    }
    // Each line has a colon and a space after the name, and ends in CR LF.
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| name.as_str().len() + value.len() + 4;
    if request.headers.len() > LINES || request.headers.iter().map(line).sum::<usize>() > HEADERS {
        return Err(EdgeRejection::HeadersTooLarge);
    }
    Ok(())
}

/// After how many seconds a client may try again: by default, a server is checked as often.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");
const TARGET: usize = 8 * 1024;
const OWN_TARGET: usize = 3 * TARGET + 1024;
const HEADERS: usize = 64 * 1024;
/// Common app servers accept as many.
const LINES: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_its_limits() {
        for (target, is_own, headers, verdict) in [
            (TARGET, false, 1, Ok(())),
            (TARGET + 1, false, 1, Err(EdgeRejection::TargetTooLong)),
            (OWN_TARGET, true, 1, Ok(())),
            (OWN_TARGET + 1, true, 1, Err(EdgeRejection::TargetTooLong)),
            (1, false, LINES, Ok(())),
            (1, false, LINES + 1, Err(EdgeRejection::HeadersTooLarge)),
        ] {
            let path = format!("/{}", "a".repeat(target - 1));
            let mut request = RequestHeader::build("GET", path.as_bytes(), None).unwrap();
            for _ in 0..headers {
                request.append_header("x-a", "b").unwrap();
            }
            assert_eq!(check_size(&request, |_| is_own), verdict, "{target} {headers}");
        }
        let mut request = RequestHeader::build("GET", b"/", None).unwrap();
        request.insert_header("x-a", "b".repeat(HEADERS)).unwrap();
        assert_eq!(check_size(&request, |_| false), Err(EdgeRejection::HeadersTooLarge));
    }

    #[test]
    fn every_edge_rejection_is_documented() {
        let pages = [include_str!("../../docs/callbacks.md"), include_str!("../../docs/failures.md")].concat();
        let pages = pages.split_whitespace().collect::<Vec<_>>().join(" ");
        for rejection in EdgeRejection::ALL {
            let told = format!("{} `{}`", rejection.status().as_str(), rejection.code());
            assert!(pages.contains(&told), "{told}");
        }
    }
}
