//! What requests say of the trace that they belong to (W3C Trace Context).

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    gateway::hex::push_hex,
    headers::{CasedName, HeaderTarget, only},
};

/// The place of a span in a trace, as `traceparent` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TraceContext {
    pub(super) trace: TraceId,
    pub(super) span: SpanId,
    pub(super) flags: u8,
}

/// The id of a trace; never only zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gateway) struct TraceId(pub(super) [u8; 16]);

/// The id of a span; never only zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SpanId(pub(super) [u8; 8]);

impl TraceContext {
    /// Reads the one `traceparent` of a request; none if there is none, more than one, or one that is not valid.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        Self::parse(only(headers, TRACEPARENT.name())?.as_bytes())
    }

    /// Version 00 has 55 characters. A later version may go on behind a further dash.
    fn parse(text: &[u8]) -> Option<Self> {
        let (known, more) = text.split_at_checked(LENGTH)?;
        let [v0, v1, b'-', trace @ .., b'-', f0, f1] = known else { return None };
        let (trace, span) = trace.split_at_checked(32)?;
        let (version, flags) = (byte(*v0, *v1)?, byte(*f0, *f1)?);
        let is_whole = match version {
            0 => more.is_empty(),
            0xff => false,
            _ => more.is_empty() || more.starts_with(b"-"),
        };
        let trace = TraceId(bytes(trace)?);
        let span = SpanId(bytes(span.strip_prefix(b"-")?)?);
        (is_whole && trace.0 != [0; 16] && span.0 != [0; 8]).then_some(Self { trace, span, flags })
    }

    pub(super) fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Puts it into a request, in place of all others.
    pub(super) fn tell(&self, head: &mut impl HeaderTarget) {
        let mut text = Vec::with_capacity(LENGTH);
        for part in [&[0][..], &self.trace.0, &self.span.0, &[self.flags]] {
            text.extend((!text.is_empty()).then_some(b'-'));
            push_hex(&mut text, part);
        }
        let value = HeaderValue::from_maybe_shared(Bytes::from(text)).expect("digits and dashes are visible");
        head.insert(&TRACEPARENT, value);
    }
}

impl std::fmt::Display for TraceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// What the vendors of earlier spans say of a trace. It belongs to a valid `traceparent` alone.
pub(super) fn state(headers: &HeaderMap) -> String {
    let lines = headers.get_all(&*TRACESTATE).iter().filter_map(|line| line.to_str().ok());
    let state = lines.collect::<Vec<_>>().join(",");
    if state.len() <= LONGEST_STATE { state } else { String::new() }
}

/// Removes what earlier spans said, as they are none of this trace.
pub(super) fn remove_state(head: &mut impl HeaderTarget) {
    if head.headers().contains_key(&*TRACESTATE) {
        head.remove(&TRACESTATE);
    }
}

fn bytes<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte_at, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte_at = byte(pair[0], pair[1])?;
    }
    Some(bytes)
}

/// Only small letters are valid.
fn byte(high: u8, low: u8) -> Option<u8> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    Some(digit(high)? << 4 | digit(low)?)
}

pub(super) const SAMPLED: u8 = 1;
/// The rest of the trace id is random, which later versions tell.
pub(super) const RANDOM: u8 = 2;
const LENGTH: usize = 55;
/// As long as everybody has to pass on.
const LONGEST_STATE: usize = 512;
/// In small letters, as the specification asks for.
static TRACEPARENT: CasedName = CasedName::from_static("traceparent", "traceparent");
static TRACESTATE: LazyLock<HeaderName> = LazyLock::new(|| HeaderName::from_static("tracestate"));

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn of(lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("traceparent", HeaderValue::from_str(line).unwrap());
        }
        let context = TraceContext::of(&headers)?;
        context.tell(&mut headers);
        let told: Vec<_> = headers.get_all("traceparent").iter().collect();
        assert_eq!(told.len(), 1);
        Some(told[0].to_str().unwrap().to_owned())
    }

    #[test]
    fn a_valid_traceparent_is_told_as_it_came() {
        for flags in ["00", "01", "03", "ff"] {
            let line = format!("00-{TRACE}-00f067aa0ba902b7-{flags}");
            assert_eq!(of(&[&line]), Some(line));
        }
        for later in ["cc-{}-00f067aa0ba902b7-01", "cc-{}-00f067aa0ba902b7-01-what-comes"] {
            let expected = format!("00-{TRACE}-00f067aa0ba902b7-01");
            assert_eq!(of(&[&later.replace("{}", TRACE)]), Some(expected), "{later}");
        }
    }

    #[test]
    fn what_is_not_valid_is_none() {
        let good = format!("00-{TRACE}-00f067aa0ba902b7-01");
        for line in [
            "",
            "00",
            &good[..54],
            &format!("{good}-more"),
            &format!("{good}."),
            &good.to_ascii_uppercase(),
            &good.replace("00-4", "ff-4"),
            &good.replace("00-4", "0g-4"),
            &good.replace('-', "_"),
            &good.replace(TRACE, &"0".repeat(32)),
            &good.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &good.replace("00f067aa0ba902b7", "00f067aa0ba902bg"),
            &good.replace("00-4", "cc-4").replace("-01", "-01."),
            &format!(" {good}"),
        ] {
            assert_eq!(of(&[line]), None, "{line:?}");
        }
        assert_eq!(of(&[&good, &good]), None, "two are none");
    }

    #[test]
    fn a_state_is_one_text_and_not_longer_than_it_must_be() {
        let mut headers = HeaderMap::new();
        assert_eq!(state(&headers), "");
        headers.append("tracestate", HeaderValue::from_static("a=1"));
        headers.append("tracestate", HeaderValue::from_static("b=2"));
        assert_eq!(state(&headers), "a=1,b=2");
        headers.append("tracestate", HeaderValue::from_str(&"c".repeat(512)).unwrap());
        assert_eq!(state(&headers), "");
    }
}
