//! A callback as it is written: the members that are read, and no others.

use std::borrow::Cow;

use serde::Deserialize;

/// serde refuses a second one of these members; a `null` one is as good as none.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire<'a> {
    #[serde(borrow)]
    pub(super) request_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) access_token: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) endpoint: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) status: Option<Cow<'a, str>>,
}
