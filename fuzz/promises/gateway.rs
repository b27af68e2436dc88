//! What the gateway reads.

use std::path::Path;

use crate::gateway::config::Config;
pub use crate::gateway::{
    fuzz_forwarded as forwarded, fuzz_proxy_header as proxy_header, fuzz_site_login as site_login,
};

/// The text of a configuration: every mistake has its place, and no mistake repeats a value.
pub fn configuration(text: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(text) else { return false };
    let environment = |name: &str| (name != "MISSING").then(|| SECRET.to_owned());
    let path = Path::new("/nonexistent/config.yaml");
    match Config::parse(text, path, environment) {
        Ok(config) => {
            assert!(!config.listen.is_empty());
            true
        }
        Err(errors) => {
            let shown = format!("{errors}{errors:?}");
            assert!(!shown.contains(SECRET), "a mistake repeats a value");
            assert!(errors.to_string().starts_with("/nonexistent/config.yaml"));
            false
        }
    }
}

/// What every variable of the environment holds.
const SECRET: &str = "c0ffee-5ecret-c0ffee";
