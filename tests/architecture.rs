//! The floors of the house: who may lean on whom, and which foreign crates each floor may name.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A floor: its place in `src`, the modules of the crate that it may name, and the foreign crates.
struct Floor {
    place: &'static str,
    modules: &'static [&'static str],
    crates: &'static [&'static str],
}

/// From the ground up. The most specific place that a file is in counts.
const HOUSE: &[Floor] = &[
    Floor { place: "clock", modules: &[], crates: &["tokio"] },
    Floor { place: "backoff", modules: &[], crates: &["tokio", "tower"] },
    Floor { place: "tasks", modules: &[], crates: &["tokio_util"] },
    Floor { place: "random", modules: &[], crates: &["base64", "rand_core", "zeroize"] },
    Floor { place: "json", modules: &[], crates: &["memchr"] },
    Floor { place: "tls", modules: &[], crates: &["rustls", "thiserror", "webpki_roots"] },
    Floor { place: "loopback", modules: &[], crates: &["url"] },
    Floor { place: "closed_list", modules: &[], crates: &["http"] },
    Floor { place: "redacted", modules: &[], crates: &[] },
    Floor { place: "cause", modules: &["closed_list"], crates: &["rustls", "thiserror"] },
    Floor { place: "path", modules: &[], crates: &["percent_encoding", "smallvec", "thiserror"] },
    Floor {
        place: "callback",
        modules: &["json", "loopback"],
        crates: &["serde", "serde_json", "thiserror", "url", "zeroize"],
    },
    Floor {
        place: "profile",
        modules: &["callback", "cause", "json"],
        crates: &["memchr", "serde", "serde_json", "thiserror", "url", "zeroize"],
    },
    Floor {
        place: "profile/client",
        modules: &["backoff", "callback", "cause", "clock", "profile", "tls"],
        crates: &[
            "bytes", "futures_core", "http", "http_body_util", "hyper", "hyper_util", "rustls", "thiserror", "tokio",
            "tokio_rustls", "tower", "tower_service", "url",
        ],
    },
    Floor {
        place: "native",
        modules: &["callback", "identity", "json", "path", "profile"],
        crates: &["serde", "serde_json", "thiserror", "zeroize"],
    },
    Floor {
        place: "native/client",
        modules: &["callback", "json", "native", "profile"],
        crates: &["bytes", "http", "serde", "serde_json", "url"],
    },
    Floor { place: "identity", modules: &["callback", "closed_list", "profile"], crates: &[] },
    Floor { place: "lease", modules: &[], crates: &["futures_core"] },
    Floor {
        place: "headers",
        modules: &["callback", "closed_list", "identity", "lease", "profile"],
        crates: &["base64", "bytes", "http", "serde_json", "thiserror", "zeroize"],
    },
    Floor { place: "host", modules: &["headers"], crates: &["http"] },
    Floor {
        place: "access",
        modules: &["headers", "host", "identity", "path", "profile"],
        crates: &["http", "percent_encoding", "sha2", "smallvec", "thiserror", "zeroize"],
    },
    Floor {
        place: "store",
        modules: &["callback", "cause", "clock", "session"],
        crates: &["bytes", "smallvec", "thiserror"],
    },
    Floor {
        place: "store/redis",
        modules: &["backoff", "callback", "cause", "clock", "session", "store", "tls"],
        crates: &["bytes", "redis", "rustls", "thiserror", "tokio", "tokio_rustls", "tokio_util", "url"],
    },
    Floor {
        place: "gate",
        modules: &["callback", "cause", "clock", "closed_list", "headers", "host", "identity", "path", "profile"],
        crates: &["bytes", "futures_core", "governor", "http", "lru", "serde", "serde_json"],
    },
    Floor {
        place: "assertion",
        modules: &["gate", "identity", "profile", "random"],
        crates: &["base64", "bytes", "http", "jsonwebtoken", "lru", "p256", "serde", "serde_json", "sha2", "thiserror"],
    },
    Floor {
        place: "session",
        modules: &[
            "access", "backoff", "callback", "cause", "clock", "closed_list", "gate", "headers", "host", "identity",
            "lease", "loopback", "path", "profile", "random", "store", "tasks",
        ],
        // Of tokio only what wakes tasks, which needs no runtime.
        crates: &[
            "base64", "bytes", "chacha20poly1305", "cookie", "futures_core", "hkdf", "http", "memchr", "minijinja",
            "percent_encoding", "quick_cache", "serde", "serde_json", "sha2", "smallvec", "thiserror", "tokio",
            "tokio_util", "url", "zeroize",
        ],
    },
    Floor {
        place: "native/plugin",
        modules: &["gate", "host", "identity", "native", "path", "profile"],
        crates: &["bytes", "futures_core", "http", "thiserror"],
    },
    Floor {
        place: "layer",
        modules: &["gate", "headers", "identity", "lease"],
        crates: &[
            "bytes", "futures_core", "http", "http_body", "pin_project_lite", "thiserror", "tower", "tower_layer",
            "tower_service",
        ],
    },
    Floor {
        place: "pingora",
        modules: &["gate", "headers", "lease", "profile"],
        crates: &["async_trait", "bytes", "http", "pingora_core", "pingora_http", "pingora_proxy", "tokio"],
    },
    Floor {
        place: "simulator",
        modules: &[],
        crates: &[
            "axum", "base64", "bytes", "futures_core", "http", "humantime", "hyper_util", "minijinja", "rustls",
            "serde", "serde_json", "sha2", "thiserror", "tokio", "tokio_rustls", "tower", "url",
        ],
    },
    Floor {
        place: "gateway",
        modules: &[
            "access", "assertion", "backoff", "callback", "cause", "clock", "closed_list", "gate", "headers", "host",
            "identity", "json", "native", "pingora", "profile", "random", "session", "store", "tasks", "tls",
        ],
        crates: &[
            "anstream", "arc_swap", "async_trait", "axum", "base64", "bytes", "clap", "futures_core", "governor",
            "hmac", "http", "humantime", "itoa", "listenfd", "nix", "pingora_core", "pingora_http",
            "pingora_load_balancing", "pingora_proxy", "pingora_timeout", "prometheus_client", "proxy_header",
            "rustix", "rustls", "sd_notify", "serde", "serde_json", "sha2", "smallvec", "socket2", "thiserror",
            "tokio", "tokio_util", "tower", "tracing", "tracing_subscriber", "webpki_root_certs", "zeroize",
        ],
    },
    Floor {
        place: "gateway/admin/listener",
        modules: &["gateway"],
        crates: &["axum", "hyper_util", "tokio", "tokio_util"],
    },
    Floor {
        place: "gateway/acme",
        modules: &["backoff", "cause", "clock", "gateway", "random", "tls"],
        crates: &[
            "bytes", "http", "http_body_util", "hyper_rustls", "hyper_util", "instant_acme", "rustls", "thiserror",
            "tokio", "x509_cert", "zeroize",
        ],
    },
    Floor {
        place: "gateway/traces",
        modules: &["backoff", "cause", "clock", "gate", "gateway", "headers", "random", "tls"],
        crates: &[
            "bytes", "http", "http_body_util", "hyper_rustls", "hyper_util", "opentelemetry_proto", "pingora_core",
            "prost", "tokio", "tokio_util", "tower", "tracing",
        ],
    },
    Floor {
        place: "gateway/config",
        // Not pingora: a configuration can be read and checked without it.
        modules: &[
            "access", "assertion", "callback", "gate", "headers", "host", "identity", "native", "profile", "session",
            "store", "tls", "tls",
        ],
        crates: &[
            "granit_parser", "http", "humantime", "ipnet", "percent_encoding", "rustls", "serde", "serde_json", "sha2",
            "strsim", "subtle", "thiserror", "tracing", "url", "zeroize",
        ],
    },
    Floor {
        place: "gateway/cli/admin_client",
        modules: &["gateway"],
        crates: &[
            "bytes", "http", "http_body_util", "hyper", "hyper_util", "serde", "serde_json", "thiserror", "tokio",
        ],
    },
    Floor {
        place: "gateway/explain",
        modules: &["access", "callback", "gate", "gateway", "native", "path", "pingora", "profile", "session"],
        crates: &[
            "arc_swap", "async_trait", "http", "pingora_core", "pingora_http", "pingora_proxy", "serde", "serde_json",
            "tokio",
        ],
    },
    Floor {
        place: "gateway/dev",
        modules: &["gateway", "headers", "random", "simulator"],
        crates: &[
            "anstream", "axum", "bytes", "clap", "clap_complete", "clap_mangen", "http", "humantime", "minijinja",
            "reqwest", "serde", "serde_json", "tokio", "url",
        ],
    },
];

#[test]
fn every_floor_leans_only_on_what_is_below_it() {
    let mut faults = Vec::new();
    for (file, text) in sources() {
        let Some(floor) = floor(&file) else {
            assert!(["lib.rs", "main.rs"].contains(&file.as_str()), "{file} is on no floor");
            continue;
        };
        let own = floor.place.split('/').next().expect("a place has a name");
        let mut modules = roots_after(&text, "crate::");
        climb(&text, depth(&file), &mut modules);
        let lean = |module: &&String| *module != own && !floor.modules.contains(&module.as_str());
        faults.extend(modules.iter().filter(lean).map(|module| format!("{file} leans on {module}")));
        // A floor within a module is above the rest of it only if it says so.
        if let Some((_, name)) = floor.place.split_once('/')
            && !floor.modules.contains(&own)
        {
            let mut siblings = roots_after(&text, &format!("{own}::"));
            climb(&text, depth(&file) - 1, &mut siblings);
            let others = siblings.iter().filter(|sibling| *sibling != name);
            faults.extend(others.map(|sibling| format!("{file} leans on {own}::{sibling}")));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_floor_names_only_its_own_foreign_crates() {
    let dependencies = dependencies();
    let mut faults = Vec::new();
    for (file, text) in sources() {
        let Some(floor) = floor(&file) else { continue };
        let named = dependencies.iter().filter(|name| names(&text, name));
        let foreign = named.filter(|name| !floor.crates.contains(&name.as_str()));
        faults.extend(foreign.map(|name| format!("{file} names {name}")));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn nothing_is_allowed_that_is_not_used() {
    let sources: Vec<_> = sources().collect();
    let dependencies = dependencies();
    for floor in HOUSE {
        let texts = || sources.iter().filter(|(file, _)| self::floor(file).is_some_and(|own| own.place == floor.place));
        for module in floor.modules {
            assert!(
                texts().any(|(_, text)| roots_after(text, "crate::").contains(*module)),
                "{} and {module}",
                floor.place
            );
        }
        for name in floor.crates {
            assert!(dependencies.contains(*name), "{name} is no dependency");
            assert!(texts().any(|(_, text)| names(text, name)), "{} and {name}", floor.place);
        }
    }
}

#[test]
fn the_gateway_that_faces_the_internet_contains_no_fake_truecaller() {
    let with = |feature| features(feature).contains("simulator");
    assert!(!with("gateway") && with("dev"));
}

#[test]
fn the_test_sees_what_it_is_for() {
    let text = "use crate::{\n    callback::{Grant, Endpoints},\n    gate,\n};\nfn f() { crate::profile::g() }";
    assert_eq!(roots_after(text, "crate::"), ["callback", "gate", "profile"].map(str::to_owned).into());
    assert!(names("use tokio::time;", "tokio") && names("x(::tokio::spawn)", "tokio") && names("use tower;", "tower"));
    let mut roots = BTreeSet::new();
    climb("use super::{a, super::{b::c, super::{d, e}}}; super::super::f; super::super::super::g::h", 3, &mut roots);
    assert_eq!(roots, ["d", "e", "g"].map(str::to_owned).into());
    assert_eq!(["a.rs", "a/mod.rs", "a/b.rs"].map(depth), [1, 1, 2]);
    assert!(!names("use my_tokio::time; a.tokio; crate::pingora::tokio::x", "tokio"));
}

fn floor(file: &str) -> Option<&'static Floor> {
    let inside =
        |floor: &&Floor| file.strip_prefix(floor.place).is_some_and(|rest| rest.starts_with('/') || rest == ".rs");
    HOUSE.iter().filter(inside).max_by_key(|floor| floor.place.len())
}

/// The files of `src` by their path in it, without comments and tests.
fn sources() -> impl Iterator<Item = (String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    assert!(files.len() > 40, "the sources are not where they were");
    let is_test = |path: &PathBuf| path.ends_with("tests.rs") || path.iter().any(|part| part == "tests");
    files.into_iter().filter(move |path| !is_test(path)).map(move |path| {
        let text = fs::read_to_string(&path).expect("sources are text");
        let file = path.strip_prefix(&root).expect("it was found there").to_str().expect("paths are text").to_owned();
        (file, code(&text))
    })
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder can be listed") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The names right behind a prefix, through one pair of braces.
fn roots_after(text: &str, prefix: &str) -> BTreeSet<String> {
    let mut roots = BTreeSet::new();
    for (at, _) in text.match_indices(prefix) {
        let rest = &text[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => roots.extend(top_level(group).into_iter().map(|item| word(item.trim_start()))),
            None => drop(roots.insert(word(rest))),
        }
    }
    roots.remove("");
    roots
}

/// How many `super::` lead from a file to the root of the crate.
fn depth(file: &str) -> usize {
    file.trim_end_matches(".rs").trim_end_matches("/mod").split('/').count()
}

/// The names at the root of the crate that paths of so many `super::` lead to, through braces.
fn climb(text: &str, depth: usize, roots: &mut BTreeSet<String>) {
    let starts = text.match_indices("super::").filter(|(at, _)| !text[..*at].ends_with("::"));
    starts.for_each(|(at, start)| follow(&text[at + start.len()..], depth - 1, roots));
}

fn follow(path: &str, left: usize, roots: &mut BTreeSet<String>) {
    if let Some(group) = path.strip_prefix('{') {
        top_level(group).into_iter().for_each(|item| follow(item.trim_start(), left, roots));
    } else if let Some(above) = path.strip_prefix("super::") {
        follow(above, left.saturating_sub(1), roots);
    } else if left == 0 {
        roots.insert(word(path));
        roots.remove("");
    }
}

/// The items of a group up to its closing brace.
fn top_level(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(&group[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items
}

fn word(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

/// Whether a crate is named as the root of a path.
fn names(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        let root = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.') && !inner(before);
        root && (after.starts_with("::") || (before.ends_with("use ") && after.starts_with([';', ' '])))
    })
}

/// Whether what follows is inside of a path: `a::` or `crate::`, but not a leading `::`.
fn inner(before: &str) -> bool {
    before.strip_suffix("::").is_some_and(|path| path.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '>'))
}

/// The features that a feature turns on, itself included.
fn features(feature: &str) -> BTreeSet<String> {
    let manifest = manifest();
    let section = manifest.split("\n[features]\n").nth(1).and_then(|rest| rest.split("\n[").next()).expect("features");
    let lists = section.split("]\n").filter_map(|list| list.split_once(" = ["));
    let lists: Vec<_> = lists.map(|(name, list)| (name.lines().last().unwrap_or_default(), list)).collect();
    let (mut found, mut open) = (BTreeSet::new(), vec![feature.to_owned()]);
    while let Some(feature) = open.pop() {
        let list = lists.iter().find(|(name, _)| *name == feature).map_or("", |(_, list)| *list);
        open.extend(list.split('"').skip(1).step_by(2).map(str::to_owned));
        found.insert(feature);
    }
    found
}

fn manifest() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).expect("a manifest")
}

fn dependencies() -> BTreeSet<String> {
    let manifest = manifest();
    let section = manifest.split("\n[dependencies]\n").nth(1).and_then(|rest| rest.split("\n[").next());
    let lines = section.expect("dependencies").lines();
    lines.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.replace('-', "_")).collect()
}
