//! Pictures of what a user sees, for the documentation.

use std::{env, path::Path};

use crate::support::browser::Browser;

/// Keeps a picture of the tab in front in the folder that `TRUEGATE_SCREENSHOTS` names, if it names one.
pub(crate) async fn keep(browser: &Browser, name: &str) {
    if let Some(folder) = env::var_os("TRUEGATE_SCREENSHOTS") {
        browser.screenshot(&Path::new(&folder).join(format!("{name}.png"))).await;
    }
}
