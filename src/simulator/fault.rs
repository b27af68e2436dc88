//! The faults of Truecaller's endpoints, their texts, and the order in which requests get them.

use std::{collections::VecDeque, fmt, ops::RangeInclusive, str::FromStr, time::Duration};

use http::{HeaderValue, StatusCode};

/// A behaviour of Truecaller's endpoints. The next request gets it, whichever endpoint it is for.
///
/// The *profile* is what the endpoint answers: the profile, the userinfo, the number of a missed call, or an access token. A known
/// token is a code at the token endpoint.
///
/// Every fault can be written as a text, which [`FromStr`] reads: see [`Fault::forms`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// No fault: the profile for a known token, 401 for any other.
    #[default]
    None,
    /// 401 for every token.
    Unauthorized,
    /// This status, not below 200, with an error body. `Status(200)` is an error with the status of a success.
    Status(StatusCode),
    /// This status with an error body and `Retry-After`.
    RetryAfter(StatusCode, HeaderValue),
    /// Waits before the head of the answer.
    Slow(Duration),
    /// Waits for [`Simulator::release`](super::Simulator::release) before the head of the answer.
    Held,
    /// Sends the head, then one byte of the profile after each pause of this length.
    Drip(Duration),
    /// Announces the whole profile with `Content-Length`, and closes the connection after half of it.
    Cut,
    /// Closes the connection without an answer.
    Close,
    /// Reads the request and never answers.
    Hang,
    /// Accepts the connection and never sends anything. With TLS, there is no handshake and no request is seen.
    ///
    /// A simulator with TLS that was *set* to stall answers no new connection until Rust code sets another fault.
    /// Without TLS it is [`Hang`](Self::Hang).
    Stall,
    /// A profile that begins correctly and never ends.
    Huge,
    /// The profile, filled up with white space to this many bytes, with its `Content-Length`.
    Sized(u64),
    /// 200 with an HTML page.
    Malformed,
    /// 302 to this `Location`.
    Redirect(HeaderValue),
    /// The documented profile in gzip, which the client did not ask for.
    Gzip,
    /// The documented profile with `"isActive": "False"`. The other endpoints say nothing of that.
    Inactive,
    /// The documented profile without a phone number. Userinfo and a missed call have none either.
    NoPhone,
    /// The userinfo with `"phone_number_verified": false`. The other endpoints say nothing of that.
    Unverified,
}

impl Fault {
    /// Returns the texts that name a fault, each with its meaning.
    pub fn forms() -> impl Iterator<Item = (&'static str, &'static str)> {
        FORMS.iter().map(|(form, meaning, _)| (*form, *meaning))
    }

    /// Returns the faults that need no argument, by their words.
    fn plain() -> impl Iterator<Item = (&'static str, &'static Self)> {
        let word = |form: &'static str| form.split('[').next().unwrap_or(form);
        FORMS.iter().filter_map(move |(form, _, fault)| Some((word(form), fault.as_ref()?)))
    }
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        // A second word for the same.
        let text = if text == "good" { "none" } else { text };
        let plain = || Self::plain().find(|(word, _)| *word == text).map(|(_, fault)| fault.clone());
        let with_argument = || text.split_once('=').and_then(|(name, argument)| read(name, argument));
        plain().or_else(with_argument).ok_or_else(|| UnknownFault(text.to_owned()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text_of = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        match self {
            Self::Status(status) => write!(f, "status={}", status.as_u16()),
            Self::RetryAfter(status, value) => write!(f, "status={},retry-after={}", status.as_u16(), text_of(value)),
            Self::Slow(wait) => write!(f, "slow={}", humantime::format_duration(*wait)),
            Self::Drip(pace) => write!(f, "drip={}", humantime::format_duration(*pace)),
            Self::Sized(bytes) => write!(f, "sized={bytes}"),
            Self::Redirect(url) => write!(f, "redirect={}", text_of(url)),
            plain => {
                let known = Self::plain().find(|(_, fault)| *fault == plain);
                f.write_str(known.expect("every fault without an argument is in the table").0)
            }
        }
    }
}

/// A text that does not name a fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a fault; the faults are {forms}", forms = Fault::forms().map(|(form, _)| form).collect::<Vec<_>>().join(", "))]
pub struct UnknownFault(String);

/// The fault of each request: the planned ones in order, then the one that was set.
#[derive(Debug, Default)]
pub(super) struct FaultPlan {
    planned: VecDeque<Fault>,
    lasting: Fault,
}

impl FaultPlan {
    /// Answers every following request with `fault`, and drops the plan.
    pub(super) fn set(&mut self, fault: Fault) {
        *self = Self { planned: VecDeque::new(), lasting: fault };
    }

    /// Answers the next requests with these faults, one each.
    pub(super) fn plan(&mut self, faults: impl IntoIterator<Item = Fault>) {
        self.planned = faults.into_iter().collect();
    }

    /// Returns the fault of the next request.
    pub(super) fn upcoming(&self) -> &Fault {
        self.planned.front().unwrap_or(&self.lasting)
    }

    /// Takes the fault of this request.
    pub(super) fn take(&mut self) -> Fault {
        self.planned.pop_front().unwrap_or_else(|| self.lasting.clone())
    }

    /// Takes the upcoming fault if it keeps a TLS handshake waiting.
    pub(super) fn take_stall(&mut self) -> bool {
        *self.upcoming() == Fault::Stall && self.take() == Fault::Stall
    }
}

/// The texts that name a fault, each with its meaning, and with the fault if it needs no argument.
static FORMS: [(&str, &str, Option<Fault>); 19] = [
    ("none", "the profile for a known token, 401 for any other", Some(Fault::None)),
    ("unauthorized", "401 for every token", Some(Fault::Unauthorized)),
    ("status=CODE", "this status, 200 to 599, with an error body", None),
    ("status=CODE,retry-after=VALUE", "the same with Retry-After", None),
    ("slow=DURATION", "waits before the head, such as slow=5s", None),
    ("held", "waits for POST /simulator/release before the head", Some(Fault::Held)),
    (
        "drip[=DURATION]",
        "one byte of the profile in each second, or in each DURATION",
        Some(Fault::Drip(Duration::from_secs(1))),
    ),
    ("cut", "closes the connection in the middle of the body", Some(Fault::Cut)),
    ("close", "closes the connection in place of an answer", Some(Fault::Close)),
    ("hang", "reads the request and never answers", Some(Fault::Hang)),
    ("stall", "never sends anything, with TLS not even in the handshake", Some(Fault::Stall)),
    ("huge", "a body that never ends", Some(Fault::Huge)),
    ("sized=BYTES", "the profile, filled up with white space to this size", None),
    ("malformed", "200 with an HTML page", Some(Fault::Malformed)),
    ("redirect=URL", "302 to this URL", None),
    ("gzip", "a compressed profile, though the client did not ask for one", Some(Fault::Gzip)),
    ("inactive", "a profile that is not active", Some(Fault::Inactive)),
    ("no-phone", "a profile without a phone number", Some(Fault::NoPhone)),
    ("unverified", "a userinfo whose phone number is not verified", Some(Fault::Unverified)),
];

fn read(name: &str, argument: &str) -> Option<Fault> {
    Some(match name {
        "status" => {
            let (code, retry_after) = match argument.split_once(",retry-after=") {
                Some((code, value)) => (code, Some(value)),
                None => (argument, None),
            };
            let status = code.parse().ok().filter(|code| FINAL_STATUSES.contains(code))?;
            let status = StatusCode::from_u16(status).ok()?;
            match retry_after {
                Some(value) => Fault::RetryAfter(status, value.parse().ok()?),
                None => Fault::Status(status),
            }
        }
        "slow" => Fault::Slow(humantime::parse_duration(argument).ok()?),
        "drip" => Fault::Drip(humantime::parse_duration(argument).ok().filter(|pace| !pace.is_zero())?),
        "sized" => Fault::Sized(argument.parse().ok()?),
        "redirect" => Fault::Redirect(argument.parse().ok()?),
        _ => return None,
    })
}

const FINAL_STATUSES: RangeInclusive<u16> = 200..=599;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_as_it_is_written() {
        for text in [
            "none",
            "unauthorized",
            "status=503",
            "status=429,retry-after=2",
            "slow=5s",
            "held",
            "drip=200ms",
            "cut",
            "close",
            "hang",
            "stall",
            "huge",
            "sized=65537",
            "malformed",
            "redirect=http://127.0.0.1:1/v1/default?a=b",
            "gzip",
            "inactive",
            "no-phone",
            "unverified",
        ] {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
        }
        assert_eq!(" drip\n".parse(), Ok(Fault::Drip(Duration::from_secs(1))));
        assert_eq!("good".parse(), Ok(Fault::None));
    }

    #[test]
    fn an_unknown_fault_is_answered_with_the_list_of_faults() {
        for text in
            ["", "None", "none=1", "slow", "slow=x", "status=", "status=101", "status=600", "drip=0s", "sized=-1"]
        {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            for (form, _) in Fault::forms() {
                assert!(error.contains(form), "{error}");
            }
        }
    }

    #[test]
    fn planned_faults_come_first_and_the_set_one_after_them() {
        let mut plan = FaultPlan::default();
        plan.set(Fault::Cut);
        plan.plan([Fault::Huge, Fault::None]);
        assert_eq!(
            [plan.take(), plan.take(), plan.take(), plan.take()],
            [Fault::Huge, Fault::None, Fault::Cut, Fault::Cut]
        );
    }

    #[test]
    fn setting_a_fault_forgets_the_plan() {
        let mut plan = FaultPlan::default();
        plan.plan([Fault::Huge]);
        plan.set(Fault::Cut);
        assert_eq!(plan.take(), Fault::Cut);
    }

    #[test]
    fn only_an_upcoming_stall_is_taken_before_the_request() {
        let mut plan = FaultPlan::default();
        plan.plan([Fault::Stall, Fault::Huge]);
        assert_eq!((plan.take_stall(), plan.take_stall()), (true, false));
        assert_eq!(plan.take(), Fault::Huge);
    }
}
