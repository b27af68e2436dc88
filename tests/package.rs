//! What strangers get: the files of the package, its pages and what they name, its documentation, and the Rust it needs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// What the package holds besides `src`.
const BESIDES: &[&str] = &[
    ".cargo_vcs_info.json", "CHANGELOG.md", "Cargo.lock", "Cargo.toml", "Cargo.toml.orig", "LICENSE-APACHE",
    "LICENSE-MIT", "README.md", "SECURITY.md", "config.yaml", "docs/*.md", "docs/apps/*.md", "docs/edges/*",
    "docs/how-it-works/*.svg", "docs/performance/*.svg", "examples/*.rs",
];

/// What the files of `src` can be.
const EXTENSIONS: [&str; 8] = ["css", "gz", "html", "js", "json", "lua", "md", "rs"];

#[test]
fn the_package_holds_what_a_crate_needs_and_no_more() {
    let files = packaged();
    let is_expected = |file: &Path| match file.strip_prefix("src") {
        Ok(source) => source.extension().is_some_and(|end| EXTENSIONS.iter().any(|known| end == *known)),
        Err(_) => BESIDES.iter().any(|pattern| matches(pattern, file)),
    };
    let surprising: Vec<_> = files.iter().filter(|file| !is_expected(file)).collect();
    assert!(surprising.is_empty(), "leave these out by `include` in Cargo.toml, or list them here: {surprising:#?}");
    for pattern in BESIDES {
        // Git knows nothing of a package that is made elsewhere.
        let is_optional = *pattern == ".cargo_vcs_info.json";
        assert!(is_optional || files.iter().any(|file| matches(pattern, file)), "{pattern} is not in the package");
    }
}

#[test]
fn every_link_leads_to_a_page_that_goes_along() {
    let packaged = packaged();
    let mut broken = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(root().join(&page)).unwrap();
        for link in links(&text) {
            if link.starts_with("https://") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() { page.clone() } else { normal(&page.parent().unwrap().join(path)) };
            // The contents of the book also list what only the repository has.
            let goes_along = packaged.contains(&target) || !packaged.contains(&page) || page.ends_with("SUMMARY.md");
            let is_there = goes_along && root().join(&target).is_file();
            if !is_there || (!anchor.is_empty() && !anchors(&target).contains(anchor)) {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "name a page that is in the package, or none: {broken:#?}");
}

#[test]
fn every_page_is_in_the_book() {
    let contents = fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let listed: BTreeSet<_> = links(&contents).iter().map(|link| normal(&Path::new("docs").join(link))).collect();
    let missing: Vec<_> = pages()
        .into_iter()
        .filter(|page| page.starts_with("docs") && !page.ends_with("SUMMARY.md") && !listed.contains(page))
        .collect();
    assert!(missing.is_empty(), "list these in docs/SUMMARY.md: {missing:?}");
}

#[test]
fn every_test_that_a_promise_names_is_there() {
    let text = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let is_test = |word: &&str| ["src/", "tests/"].iter().any(|place| word.starts_with(place)) && word.ends_with(".rs");
    let named: Vec<_> = text.split('`').filter(is_test).collect();
    assert!(named.len() > 20, "the promises are not where they were");
    let missing: Vec<_> = named.into_iter().filter(|file| !root().join(file).is_file()).collect();
    assert!(missing.is_empty(), "docs/security.md names what is gone: {missing:?}");
}

#[test]
fn docs_rs_shows_every_feature_that_needs_no_cmake() {
    let metadata = metadata();
    let package = own(&metadata);
    let features = package["features"].as_object().unwrap();
    let shown: BTreeSet<_> = strings(&package["metadata"]["docs"]["rs"]["features"]).collect();
    let expected = features.keys().map(String::as_str);
    let expected = expected.filter(|name| *name != "default" && !needs(features, name, "dep:pingora-core"));
    assert_eq!(shown, expected.collect(), "list the features in [package.metadata.docs.rs]");
}

#[test]
fn no_dependency_needs_a_newer_rust_than_the_crate_declares() {
    let metadata = metadata();
    let declared = version(own(&metadata)["rust_version"].as_str().unwrap());
    let shipped = shipped(&metadata);
    assert!(shipped.len() > 100, "the dependencies are not where they were");
    for package in metadata["packages"].as_array().unwrap() {
        let (id, name) = (package["id"].as_str().unwrap(), &package["name"]);
        let Some(theirs) = package["rust_version"].as_str().filter(|_| shipped.contains(id)) else { continue };
        assert!(
            version(theirs) <= declared,
            "{name} needs Rust {theirs}: raise rust-version in Cargo.toml and README.md, or take an older {name}"
        );
    }
}

#[test]
fn the_readme_names_the_rust_that_the_crate_needs() {
    let metadata = metadata();
    let declared = own(&metadata)["rust_version"].as_str().unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains(&format!("Rust {declared} or newer")));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn packaged() -> BTreeSet<PathBuf> {
    cargo(&["package", "--list", "--allow-dirty"]).lines().map(PathBuf::from).collect()
}

fn metadata() -> Value {
    let platform = "x86_64-unknown-linux-gnu";
    let text = cargo(&["metadata", "--format-version=1", "--all-features", "--locked", "--filter-platform", platform]);
    serde_json::from_str(&text).unwrap()
}

fn own(metadata: &Value) -> &Value {
    let id = &metadata["resolve"]["root"];
    metadata["packages"].as_array().unwrap().iter().find(|package| package["id"] == *id).unwrap()
}

/// What is compiled for somebody who uses the crate, by its ids: not what the tests need.
fn shipped(metadata: &Value) -> BTreeSet<&str> {
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let mut found = BTreeSet::new();
    let mut left = vec![metadata["resolve"]["root"].as_str().unwrap()];
    while let Some(id) = left.pop() {
        if !found.insert(id) {
            continue;
        }
        let node = nodes.iter().find(|node| node["id"] == id).unwrap();
        let is_shipped =
            |dependency: &&Value| dependency["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"] != "dev");
        let dependencies = node["deps"].as_array().unwrap().iter().filter(is_shipped);
        left.extend(dependencies.map(|dependency| dependency["pkg"].as_str().unwrap()));
    }
    found
}

fn needs(features: &serde_json::Map<String, Value>, name: &str, dependency: &str) -> bool {
    let Some(parts) = features.get(name) else { return false };
    strings(parts).any(|part| part == dependency || needs(features, part, dependency))
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn version(text: &str) -> Vec<u32> {
    text.split('.').take(2).map(|part| part.parse().unwrap()).collect()
}

/// Whether a pattern with a `*` in its file name is that of a file.
fn matches(pattern: &str, file: &Path) -> bool {
    let pattern = Path::new(pattern);
    let (wanted, name) = (pattern.file_name().unwrap().to_str().unwrap(), file.file_name().unwrap().to_str().unwrap());
    let is_named = match wanted.split_once('*') {
        Some((start, end)) => name.starts_with(start) && name.ends_with(end),
        None => name == wanted,
    };
    is_named && pattern.parent() == file.parent()
}

/// The pages of the repository.
fn pages() -> Vec<PathBuf> {
    let output = Command::new("git").args(["ls-files", "*.md"]).current_dir(root()).output().unwrap();
    let pages: Vec<_> = String::from_utf8(output.stdout).unwrap().lines().map(PathBuf::from).collect();
    assert!(pages.len() > 20, "the pages are not where they were");
    pages
}

fn links(text: &str) -> Vec<String> {
    let targets: String = prose(text).split('`').step_by(2).collect();
    targets.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link.to_owned()).collect()
}

/// The names of a page's headings, as GitHub and crates.io make them.
fn anchors(page: &Path) -> BTreeSet<String> {
    let text = prose(&fs::read_to_string(root().join(page)).unwrap());
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let slug = |heading: &str| {
        let kept = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(slug).collect()
}

/// A page without its blocks of code.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// A path without `..`.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut normal, part| {
        match part {
            Component::ParentDir => drop(normal.pop()),
            part => normal.push(part),
        }
        normal
    })
}
