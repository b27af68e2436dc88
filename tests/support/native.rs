//! The site's own Android app: what Truecaller's SDK gives it, and what it posts.

use serde_json::json;
use truegate::simulator::{AppUser, Simulator, code_challenge};

/// The default path of the route that the app posts to.
pub const NATIVE: &str = "/truecaller/native";
/// The client id of the app.
pub const CLIENT_ID: &str = "k3yq2rxvqvmbn1nlu2fnvvgpyr9ozmwk7s1dkpgv";
/// The code verifier of every code.
pub const VERIFIER: &str = "wcFzcc9Rk7PLUg0JMmjEGhn8ydhJaL1kZ2cAXE8ra0c";
/// The number of the user whom Truecaller's documentation shows.
pub const PHONE: &str = "+919999999999";

/// A user of the app.
pub fn user() -> AppUser {
    AppUser::new(PHONE).client_id(CLIENT_ID)
}

/// The body for a user who has Truecaller, and agreed.
pub fn code(truecaller: &Simulator, user: AppUser) -> String {
    let code = truecaller.authorize(user, code_challenge(VERIFIER));
    json!({ "code": code, "code_verifier": VERIFIER }).to_string()
}

/// The body for a user who was verified by a missed call.
pub fn missed_call(truecaller: &Simulator, user: AppUser) -> String {
    json!({ "access_token": truecaller.missed_call(user) }).to_string()
}

/// The part of a configuration that lets users of the app log in.
pub fn yaml(truecaller: &Simulator) -> String {
    format!(
        "native: {{ client_id: {CLIENT_ID}, token_endpoint: '{}', userinfo_endpoint: '{}', missed_call_endpoint: '{}' }}\n",
        truecaller.token_endpoint(),
        truecaller.userinfo_endpoint(),
        truecaller.missed_call_endpoint()
    )
}

/// The secrets in a body.
pub fn secrets(body: &str) -> Vec<String> {
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let members = ["code", "code_verifier", "access_token"].iter().filter_map(|name| body[name].as_str());
    members.map(str::to_owned).collect()
}
