//! The native client: whom it asks for the users of the app, how often, and what it believes.

mod asking;
mod refusals;
mod spending;
mod trust;

use std::{error::Error, time::Instant};

use truegate::{
    callback::ProfileEndpoint,
    native::{AuthorizationCode, ClientId, CodeVerifier, Credential, MissedCallToken, NativeClient, NativeSource},
    profile::{FetchError, Profile, ProfileClient},
    simulator::{AppUser, Simulator, code_challenge},
};

use super::{far, support::raw::within};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CLIENT_ID: &str = "k3yq2rxvqvmbn1nlu2fnvvgpyr9ozmwk7s1dkpgv";
const PHONE: &str = "919999900001";

/// A native client of one origin, which has each of the endpoints at its documented path.
fn native(client: ProfileClient, origin: &str) -> NativeClient {
    let at = |documented: &str| {
        let path = documented.splitn(4, '/').nth(3).unwrap();
        ProfileEndpoint::parse(&format!("{origin}/{path}")).unwrap()
    };
    NativeClient::builder(client, client_id())
        .token_endpoint(at(NativeClient::TOKEN_ENDPOINT))
        .userinfo_endpoint(at(NativeClient::USERINFO_ENDPOINT))
        .missed_call_endpoint(at(NativeClient::MISSED_CALL_ENDPOINT))
        .build()
}

fn client_id() -> ClientId {
    CLIENT_ID.parse().unwrap()
}

fn code_of(code: &str) -> Credential {
    Credential::Code { code: AuthorizationCode::parse(code).unwrap(), verifier: CodeVerifier::parse(VERIFIER).unwrap() }
}

fn missed_call_of(token: &str) -> Credential {
    Credential::MissedCall(MissedCallToken::parse(token).unwrap())
}

/// The credential of a user who has Truecaller.
fn code(simulator: &Simulator, user: AppUser) -> Credential {
    code_of(&simulator.authorize(user, code_challenge(VERIFIER)))
}

/// The credential of a user who was called.
fn missed_call(simulator: &Simulator, user: AppUser) -> Credential {
    missed_call_of(&simulator.missed_call(user))
}

fn user() -> AppUser {
    AppUser::new(PHONE)
}

async fn fetch(client: &NativeClient, credential: &Credential) -> Result<Profile, FetchError> {
    fetch_by(client, credential, far()).await
}

async fn fetch_by(client: &NativeClient, credential: &Credential, deadline: Instant) -> Result<Profile, FetchError> {
    within(client.fetch(credential, deadline)).await
}

/// What became of a fetch.
async fn outcome(client: &NativeClient, credential: &Credential) -> Result<(), FetchError> {
    fetch(client, credential).await.map(drop)
}

/// Everything that an error says, with its sources.
fn chain(error: &FetchError) -> String {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    let mut said = String::new();
    while let Some(error) = next {
        said += &format!("{error} {error:?}\n");
        next = error.source();
    }
    said
}
