//! The headers by which an app could take a request for another one than was decided about.

use std::sync::LazyLock;

use http::HeaderMap;

use crate::headers::{HeaderTarget, NameSet, Sender, remove_where};

/// Takes these headers out of a request, but for those that its sender may send.
pub(super) fn strip_overrides(sender: Sender, target: &mut dyn HeaderTarget) {
    let stripped = match sender {
        Sender::TrustedProxy => &*TARGETS,
        Sender::Client => &*TARGETS_AND_MOUNTS,
        Sender::ClientThatNamesHost => &*TARGETS_MOUNTS_AND_HOSTS,
    };
    remove_where(target, |name| stripped.contains(name.as_str().as_bytes()));
}

/// Whether a header names a host, and some apps believe it more than `Host`.
pub(super) fn name_host(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| HOSTS.contains(name.as_str().as_bytes()))
}

static TARGETS: LazyLock<NameSet> = LazyLock::new(|| TARGET_NAMES.into_iter().collect());
static TARGETS_AND_MOUNTS: LazyLock<NameSet> = LazyLock::new(|| TARGET_NAMES.into_iter().chain(MOUNT_NAMES).collect());
static TARGETS_MOUNTS_AND_HOSTS: LazyLock<NameSet> =
    LazyLock::new(|| TARGET_NAMES.into_iter().chain(MOUNT_NAMES).chain(HOST_NAMES).collect());
static HOSTS: LazyLock<NameSet> = LazyLock::new(|| HOST_NAMES.into_iter().collect());

/// The headers that name another path or method than the request line does, which some apps follow: rules have not seen
/// it. WSGI servers such as gunicorn take `SCRIPT_NAME` for the beginning of the path, and cut it off.
const TARGET_NAMES: [&str; 9] = [
    "script-name", "path-info", "x-original-url", "x-original-uri", "x-rewrite-url", "x-forwarded-uri",
    "x-http-method-override", "x-http-method", "x-method-override",
];

/// The headers that say below which path an app is mounted, which some apps cut off the path of a request.
const MOUNT_NAMES: [&str; 2] = ["x-script-name", "x-forwarded-prefix"];

/// The headers that say for which host a request is, which some apps believe more than `Host`.
const HOST_NAMES: [&str; 6] =
    ["forwarded", "x-forwarded-host", "x-forwarded-server", "x-host", "x-http-host-override", "x-original-host"];
