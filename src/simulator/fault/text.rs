//! Faults as texts, for command lines and for programs in other languages.

use std::{borrow::Cow, fmt, ops::RangeInclusive, str::FromStr, time::Duration};

use http::{HeaderValue, StatusCode};

use super::Fault;

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read(text.trim()).ok_or_else(|| UnknownFault(text.trim().to_owned()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Unauthorized => f.write_str("unauthorized"),
            Self::Status(status) => write!(f, "status={}", status.as_u16()),
            Self::RetryAfter(status, value) => {
                write!(f, "status={},retry-after={}", status.as_u16(), text_of(value))
            }
            Self::Slow(wait) => write!(f, "slow={}", humantime::format_duration(*wait)),
            Self::Held => f.write_str("held"),
            Self::Drip(pace) => write!(f, "drip={}", humantime::format_duration(*pace)),
            Self::Cut => f.write_str("cut"),
            Self::Close => f.write_str("close"),
            Self::Hang => f.write_str("hang"),
            Self::Stall => f.write_str("stall"),
            Self::Huge => f.write_str("huge"),
            Self::Sized(bytes) => write!(f, "sized={bytes}"),
            Self::Malformed => f.write_str("malformed"),
            Self::Redirect(url) => write!(f, "redirect={}", text_of(url)),
            Self::Gzip => f.write_str("gzip"),
            Self::Inactive => f.write_str("inactive"),
            Self::NoPhone => f.write_str("no-phone"),
        }
    }
}

/// A text that does not name a fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a fault; the faults are {forms}", forms = forms())]
pub struct UnknownFault(String);

fn read(text: &str) -> Option<Fault> {
    let (name, argument) = text.split_once('=').map_or((text, None), |(name, argument)| (name, Some(argument)));
    Some(match (name, argument) {
        ("none" | "good", None) => Fault::None,
        ("unauthorized", None) => Fault::Unauthorized,
        ("status", Some(argument)) => read_status(argument)?,
        ("slow", Some(wait)) => Fault::Slow(humantime::parse_duration(wait).ok()?),
        ("held", None) => Fault::Held,
        ("drip", None) => Fault::Drip(SECOND),
        ("drip", Some(pace)) => Fault::Drip(humantime::parse_duration(pace).ok().filter(|pace| !pace.is_zero())?),
        ("cut", None) => Fault::Cut,
        ("close", None) => Fault::Close,
        ("hang", None) => Fault::Hang,
        ("stall", None) => Fault::Stall,
        ("huge", None) => Fault::Huge,
        ("sized", Some(bytes)) => Fault::Sized(bytes.parse().ok()?),
        ("malformed", None) => Fault::Malformed,
        ("redirect", Some(url)) => Fault::Redirect(url.parse().ok()?),
        ("gzip", None) => Fault::Gzip,
        ("inactive", None) => Fault::Inactive,
        ("no-phone", None) => Fault::NoPhone,
        _ => return None,
    })
}

fn read_status(argument: &str) -> Option<Fault> {
    let (code, retry_after) = match argument.split_once(",retry-after=") {
        Some((code, value)) => (code, Some(value)),
        None => (argument, None),
    };
    let status = code.parse().ok().filter(|code| FINAL_STATUSES.contains(code))?;
    let status = StatusCode::from_u16(status).ok()?;
    match retry_after {
        Some(value) => Some(Fault::RetryAfter(status, value.parse().ok()?)),
        None => Some(Fault::Status(status)),
    }
}

fn text_of(value: &HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(value.as_bytes())
}

fn forms() -> String {
    Fault::FORMS.iter().map(|(form, _)| *form).collect::<Vec<_>>().join(", ")
}

const FINAL_STATUSES: RangeInclusive<u16> = 200..=599;
const SECOND: Duration = Duration::from_secs(1);

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
        ] {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
        }
        assert_eq!(" drip\n".parse(), Ok(Fault::Drip(SECOND)));
        assert_eq!("good".parse(), Ok(Fault::None));
    }

    #[test]
    fn an_unknown_fault_is_answered_with_the_list_of_faults() {
        for text in
            ["", "None", "none=1", "slow", "slow=x", "status=", "status=101", "status=600", "drip=0s", "sized=-1"]
        {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            for (form, _) in Fault::FORMS {
                assert!(error.contains(form), "{error}");
            }
        }
    }
}
