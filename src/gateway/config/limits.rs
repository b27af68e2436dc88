//! `limits`: how many logins and callbacks may come from one client.

use std::num::NonZero;

use super::{
    reader::{Scalar, Section},
    value,
};
use crate::gate::Limits;

pub(super) fn read(section: &mut Section<'_>) -> Limits {
    let default = Limits::default();
    Limits {
        logins_per_minute: section.read("logins_per_minute", limit).unwrap_or(default.logins_per_minute),
        callbacks_per_second: section.read("callbacks_per_second", limit).unwrap_or(default.callbacks_per_second),
    }
}

/// A number, or that there is no limit. Of zero nobody could tell whether it lets in everything or nothing.
fn limit(text: &Scalar) -> Result<Option<NonZero<u32>>, &'static str> {
    if text.plain() == Some("off") {
        return Ok(None);
    }
    value::count(NonZero::<u32>::MIN..=MOST)(text).map(Some).map_err(|_| MISTAKE)
}

const MOST: NonZero<u32> = NonZero::new(1_000_000).expect("a million is not zero");
const MISTAKE: &str = "must be a number from 1 to 1000000, or off for no limit (write 300, without quotes)";
