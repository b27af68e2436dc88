//! `hsts`: how long browsers use https alone.

use std::{sync::Arc, time::Duration};

use http::HeaderValue;

use super::{
    reader::{Section, Shape, ValueParser},
    value,
};

/// Reads the value of `Strict-Transport-Security` (RFC 6797 §6.1).
pub(super) fn read(section: &mut Section<'_>) -> Option<Arc<HeaderValue>> {
    let max_age_item = section.take("max_age");
    let max_age = max_age_item.map_or(Some(YEAR), |item| item.parse(&max_age()));
    section.note_default("max_age", "365d");
    section.note_default("preload", false);
    let include_subdomains = section.read_or("include_subdomains", false, &value::boolean());
    let preload_item = section.take("preload");
    let preload = preload_item.and_then(|item| item.parse(&value::boolean())).unwrap_or(false);
    if let (true, Some(item)) =
        (preload && !(include_subdomains && max_age.is_none_or(|age| age >= YEAR)), preload_item)
    {
        item.complain("needs include_subdomains: true and a max_age of 365d or more (write both, or remove the key)");
    }
    let mut text = format!("max-age={}", max_age?.as_secs());
    for (directive, is_set) in [("; includeSubDomains", include_subdomains), ("; preload", preload)] {
        text.push_str(if is_set { directive } else { "" });
    }
    HeaderValue::try_from(text).ok().map(Arc::new)
}

fn max_age() -> ValueParser<'static, Duration> {
    let shape = Shape::Duration { least: Duration::ZERO, most: LONGEST, or_none: false };
    ValueParser::new(shape, |text| parse_max_age(text))
}

fn parse_max_age(text: &str) -> Result<Duration, &'static str> {
    match humantime::parse_duration(text) {
        Ok(age) if age <= LONGEST => Ok(age),
        Ok(_) => Err("must be at most 730d (write 365d)"),
        Err(_) if text.bytes().all(|byte| byte.is_ascii_digit()) => Err("needs a unit (write 365d)"),
        Err(_) => Err("not a valid duration (write 365d)"),
    }
}

/// What browsers want of a site that they are to know from the start.
const YEAR: Duration = Duration::from_hours(24 * 365);
const LONGEST: Duration = Duration::from_hours(24 * 365 * 2);
