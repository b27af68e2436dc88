//! The gateway: the real program, with a configuration that says the same as the other edges' builders.

use std::{fmt::Write as _, net::SocketAddr, num::NonZero};

use super::{PATH, Sessions, Settings, Signing};
use crate::support::{native::CLIENT_ID, program::Program};

pub(super) fn start(settings: &Settings, app: SocketAddr) -> Program {
    let folder = tempfile::tempdir().expect("a folder for the configuration");
    let mut text = format!(
        "listen: 127.0.0.1:0\n{}upstream: http://{app}\nshutdown_grace: 0s\n\
         callback: {{ path: {PATH}, deadline: {}ms, body_limit: {} }}\n\
         truecaller:\n  require_active: {}\n  connect_timeout: {}ms\n  endpoints:\n",
        settings.sessions.as_ref().map_or("admin: { listen: 127.0.0.1:0 }\n".to_owned(), Sessions::admin_yaml),
        settings.deadline.as_millis(),
        settings.body_limit,
        !settings.accept_inactive,
        settings.connect_timeout.as_millis(),
    );
    let mut line = |line: String| writeln!(text, "{line}").expect("writing into a string cannot fail");
    settings.endpoints.iter().for_each(|url| line(format!("    - {url}")));
    if let Some(pem) = &settings.ca {
        std::fs::write(folder.path().join("ca.pem"), pem).expect("the folder can be written to");
        line("  ca_file: ca.pem".to_owned());
    }
    if settings.resolve.is_some() {
        line("  resolve:".to_owned());
        settings.hosts().for_each(|(host, address)| line(format!("    {host}: {address}")));
    }
    if let Some(signing) = &settings.signing {
        line(format!("assertion:\n  issuer: {}\n  audience: {}", Signing::ISSUER, Signing::AUDIENCE));
        line(format!("  lifetime: {}s\n  key:", signing.lifetime.as_secs()));
        for (index, pem) in signing.keys.iter().enumerate() {
            std::fs::write(folder.path().join(format!("{index}.pem")), pem).expect("the folder can be written to");
            line(format!("    - ${{file:{index}.pem}}"));
        }
    }
    let limit = |limit: Option<NonZero<u32>>| limit.map_or("off".to_owned(), |limit| limit.to_string());
    let [logins, callbacks] = [settings.limits.logins_per_minute, settings.limits.callbacks_per_second].map(limit);
    line(format!("limits: {{ logins_per_minute: {logins}, callbacks_per_second: {callbacks} }}"));
    if !settings.apps.is_empty() {
        line("upstreams:".to_owned());
    }
    for (name, presets) in &settings.apps {
        line(format!("  {name}: {{ servers: [http://{app}], identity: {{ presets: [{}] }} }}", presets.join(", ")));
    }
    settings.sessions.iter().for_each(|sessions| line(sessions.yaml()));
    if let Some(path) = settings.native {
        let [token, userinfo, missed_call] = settings.native_endpoints();
        line(format!("native:\n  path: {path}\n  client_id: {CLIENT_ID}\n  token_endpoint: {token}"));
        line(format!("  userinfo_endpoint: {userinfo}\n  missed_call_endpoint: {missed_call}"));
    }
    if settings.trusted {
        line("trusted_proxies: [127.0.0.1]".to_owned());
    }
    line(format!("identity:\n  max_value_length: {}", settings.max_value_length));
    let encoded = settings.encoded_presets.iter();
    let encoded = encoded.map(|(preset, encoding)| format!("{{ preset: {preset}, encoding: {encoding} }}"));
    let presets: Vec<_> = settings.presets.iter().map(|preset| (*preset).to_owned()).chain(encoded).collect();
    line(format!("  presets: [{}]", presets.join(", ")));
    line(format!("  strip: {:?}", settings.strip));
    if !settings.headers.is_empty() {
        line("  headers:".to_owned());
        settings.headers.iter().for_each(|(name, field)| line(format!("    {name}: {field}")));
    }
    Program::serve_from(folder, &text)
}
