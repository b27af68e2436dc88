//! The faults of the profile endpoint.

mod plan;
mod text;

use std::time::Duration;

use http::{HeaderValue, StatusCode};

pub(super) use self::plan::FaultPlan;
pub use self::text::UnknownFault;

/// How the profile endpoint answers.
///
/// Every fault can be written as a text, which [`FromStr`](std::str::FromStr) reads: see [`Fault::FORMS`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// No fault: the profile for a known token, 401 for any other.
    #[default]
    None,
    /// 401 for every token.
    Unauthorized,
    /// This status, not below 200, with an error body. `Status(200)` is an error that calls itself a success.
    Status(StatusCode),
    /// This status with an error body and `Retry-After`.
    RetryAfter(StatusCode, HeaderValue),
    /// Waits before the head of the answer.
    Slow(Duration),
    /// Waits for [`Simulator::release`](super::Simulator::release) before the head of the answer.
    Held,
    /// Sends the head, then one byte of the profile in each of these spans of time.
    Drip(Duration),
    /// Promises the whole profile by `Content-Length`, and closes the connection after half of it.
    Cut,
    /// Closes the connection in place of an answer.
    Close,
    /// Reads the request and never answers.
    Hang,
    /// Accepts the connection and never says a word: with TLS, there is no handshake and no request is seen.
    ///
    /// A simulator with TLS that was *set* to stall answers no new connection until Rust code sets another fault. Without TLS it is [`Hang`](Self::Hang).
    Stall,
    /// A profile that begins well and never ends.
    Huge,
    /// The profile, filled up with white space to this many bytes, with its `Content-Length`.
    Sized(u64),
    /// 200 with an HTML page.
    Malformed,
    /// 302 to this `Location`.
    Redirect(HeaderValue),
    /// The documented profile in gzip, which nobody asked for.
    Gzip,
    /// The documented profile with `"isActive": "False"`.
    Inactive,
    /// The documented profile without a phone number.
    NoPhone,
}

impl Fault {
    /// The texts that make a fault, each with what it means.
    pub const FORMS: &[(&str, &str)] = &[
        ("none", "the profile for a known token, 401 for any other"),
        ("unauthorized", "401 for every token"),
        ("status=CODE", "this status, 200 to 599, with an error body"),
        ("status=CODE,retry-after=VALUE", "the same with Retry-After"),
        ("slow=DURATION", "waits before the head, such as slow=5s"),
        ("held", "waits for POST /simulator/release before the head"),
        ("drip[=DURATION]", "one byte of the profile in each second, or in each DURATION"),
        ("cut", "closes the connection in the middle of the body"),
        ("close", "closes the connection in place of an answer"),
        ("hang", "reads the request and never answers"),
        ("stall", "never says a word, with TLS not even in the handshake"),
        ("huge", "a body that never ends"),
        ("sized=BYTES", "the profile, filled up with white space to this size"),
        ("malformed", "200 with an HTML page"),
        ("redirect=URL", "302 to this URL"),
        ("gzip", "a compressed profile that nobody asked for"),
        ("inactive", "a profile that is not active"),
        ("no-phone", "a profile without a phone number"),
    ];
}
