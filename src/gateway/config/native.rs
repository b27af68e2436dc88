//! `native`: the route that the site's own Android app posts to.

use std::str::FromStr;

use super::{
    CallbackConfig,
    reader::{Item, Section},
    value,
};
use crate::{
    callback::ProfileEndpoint,
    native::{ClientId, Native, NativeClient, NativePath, NativeSource},
    profile::ProfileClient,
    session::SessionPath,
};

/// How users of the site's own Android app log in.
pub(crate) struct NativeConfig {
    /// The path of the route.
    pub(crate) path: NativePath,
    missed_call: bool,
    client_id: ClientId,
    token_endpoint: ProfileEndpoint,
    userinfo_endpoint: ProfileEndpoint,
    missed_call_endpoint: ProfileEndpoint,
}

impl NativeConfig {
    /// Reads the section. Returns none if a key is missing or wrong.
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let advice = "copy it from Truecaller's console";
        let client_id = section.read_required(
            "client_id",
            "write client_id: …, as Truecaller's console shows it",
            &value::text(ClientId::from_str, advice),
        );
        let path = section.take("path").map_or_else(
            || Some(NativePath::default()),
            |item| item.parse(&value::path(NativePath::from_str, "write one such as /truecaller/native")),
        );
        section.note_default("path", NativePath::default().as_str());
        let missed_call = section.read_or("missed_call", true, &value::boolean());
        let mut endpoint = |name, documented: &str| match section.take(name) {
            None => {
                section.note_default(name, documented);
                ProfileEndpoint::parse(documented).ok()
            }
            Some(item) => item.parse(&value::endpoint()),
        };
        let token_endpoint = endpoint("token_endpoint", NativeClient::TOKEN_ENDPOINT);
        let userinfo_endpoint = endpoint("userinfo_endpoint", NativeClient::USERINFO_ENDPOINT);
        let missed_call_endpoint = endpoint("missed_call_endpoint", NativeClient::MISSED_CALL_ENDPOINT);
        // A `?` comes after every key has been read, so that no mistake is missed.
        Some(Self {
            path: path?,
            missed_call,
            client_id: client_id?,
            token_endpoint: token_endpoint?,
            userinfo_endpoint: userinfo_endpoint?,
            missed_call_endpoint: missed_call_endpoint?,
        })
    }

    /// Refuses a path that truegate uses already.
    pub(super) fn refuse_clashes(&self, item: Item<'_>, callback: Option<&CallbackConfig>, own: Option<&SessionPath>) {
        let path = self.path.as_str();
        if callback.is_some_and(|callback| callback.path.covers(path)) {
            item.complain_of_key("its `path` is also `callback.path` (choose another path)");
        }
        if own.is_some_and(|own| own.covers(path)) {
            item.complain_of_key(
                "its `path` must not be at or below `session.path`, because truegate answers every path there itself (choose \
                 another path, such as /truecaller/native)",
            );
        }
    }

    /// The endpoints that are asked.
    pub(super) fn endpoints(&self) -> Vec<ProfileEndpoint> {
        [&self.token_endpoint, &self.userinfo_endpoint, &self.missed_call_endpoint].map(Clone::clone).into()
    }

    /// Makes the route, with a source of the profiles of its users.
    pub(crate) fn route(&self, source: impl NativeSource) -> Native {
        let route = Native::new(self.path.clone(), source);
        if self.missed_call { route } else { route.refuse_missed_calls() }
    }

    /// Makes the client, which shares the connections of another one.
    pub(crate) fn client(&self, client: ProfileClient) -> NativeClient {
        NativeClient::builder(client, self.client_id.clone())
            .token_endpoint(self.token_endpoint.clone())
            .userinfo_endpoint(self.userinfo_endpoint.clone())
            .missed_call_endpoint(self.missed_call_endpoint.clone())
            .build()
    }
}
