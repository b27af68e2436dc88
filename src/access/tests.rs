//! No text panics what reads paths, and what comes out keeps what it promises.

use proptest::{collection::vec, prelude::*};
use url::Url;

use super::{Access, AllowList, PathPattern, Rule, Rules};
use crate::{
    path::{CallbackPath, CanonicalPath, SessionPath},
    session::{PublicUrl, ReturnPath},
};

/// Texts that look like paths, and like attacks, more often than chance would have it.
fn pathish() -> impl Strategy<Value = String> {
    let pieces = [
        "/", "/", "/", "//", ".", "..", "%2e", "%2E%2e", "%252e", "%2f", "%252f", "%5c", "\\", ";", "%3b", "?", "#",
        "%23", "%00", "%09", "\t", "%20", "%", "%zz", "%61", "%25", "%c0%af", "é", "public", "admin", "ADMIN", "a",
        "*",
    ];
    let piece = prop_oneof![8 => prop::sample::select(pieces.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,3}"];
    (any::<bool>(), vec(piece, 0..12))
        .prop_map(|(rooted, pieces)| format!("{}{}", if rooted { "/" } else { "" }, pieces.concat()))
}

fn rules(rules: [(&str, Access); 2]) -> Rules {
    let rule = |(pattern, access): (&str, Access)| Rule::new(pattern.parse().expect("a canonical pattern"), access);
    rules.into_iter().map(rule).collect()
}

fn required() -> Access {
    Access::Required(AllowList::default())
}

/// One way to read a path, written without a look at how truegate does it.
#[derive(Debug, Clone, Copy)]
enum Server {
    Decodes,
    DecodesAllButSlashes,
    Resolves,
    ResolvesAndFolds,
    DropsParameters,
    StopsAtQuery,
    StopsAtFragment,
    StopsAtNul,
    TakesBackslashes,
    ParsesAsUrl,
}

fn server() -> impl Strategy<Value = Server> {
    use Server::*;
    prop::sample::select(vec![
        Decodes, DecodesAllButSlashes, Resolves, ResolvesAndFolds, DropsParameters, StopsAtQuery, StopsAtFragment,
        StopsAtNul, TakesBackslashes, ParsesAsUrl,
    ])
}

impl Server {
    fn read(self, path: &str) -> String {
        let until = |end: char| path.split(end).next().unwrap_or_default().to_owned();
        match self {
            Self::Decodes => decode(path, ""),
            Self::DecodesAllButSlashes => decode(path, "/\\"),
            Self::Resolves => resolve(path, false),
            Self::ResolvesAndFolds => resolve(path, true),
            Self::DropsParameters => {
                let names = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default());
                names.collect::<Vec<_>>().join("/")
            }
            Self::StopsAtQuery => until('?'),
            Self::StopsAtFragment => until('#'),
            Self::StopsAtNul => until('\0'),
            Self::TakesBackslashes => path.replace('\\', "/"),
            Self::ParsesAsUrl => {
                let site = Url::parse("https://app.example/").expect("it is a URL");
                site.join(path).map_or_else(|_| path.to_owned(), |url| url.path().to_owned())
            }
        }
    }
}

fn decode(path: &str, kept: &str) -> String {
    let (mut decoded, mut rest) = (Vec::new(), path.as_bytes());
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'%' && !kept.contains(char::from(byte)) => {
                decoded.push(byte);
                rest = &after[2..];
            }
            _ => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn resolve(path: &str, folds: bool) -> String {
    let mut names = Vec::new();
    for name in path.split('/').skip(1) {
        match name {
            "" if folds => {}
            "." => {}
            ".." => drop(names.pop()),
            _ => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
}

proptest! {
    #[test]
    fn no_text_panics_what_reads_paths(text in prop_oneof![any::<String>(), pathish()]) {
        let _ = CanonicalPath::parse(&text);
        let _ = text.parse::<PathPattern>();
        let _ = ReturnPath::parse(&text);
        let _ = PublicUrl::parse(&text);
        let _ = rules([("/public/", Access::Public), ("/", required())]).access(&text);
    }

    #[test]
    fn a_canonical_path_is_its_own_canonical_path(raw in pathish()) {
        if let Ok(path) = CanonicalPath::parse(&raw) {
            prop_assert_eq!(CanonicalPath::parse(path.as_str()), Ok(path.clone()));
        }
    }

    #[test]
    fn a_canonical_path_has_nothing_left_to_resolve(raw in pathish()) {
        if let Ok(path) = CanonicalPath::parse(&raw) {
            let path = path.as_str();
            prop_assert!(path.starts_with('/') && !path.contains("//") && !path.contains(['\\', '?', '#']));
            prop_assert!(path.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!(!path.split('/').any(|segment| [".", ".."].contains(&segment)));
            prop_assert!(!["%2F", "%5C", "%00", "%2E", "%61"].iter().any(|escape| path.contains(escape)));
        }
    }

    #[test]
    fn what_a_url_parser_reads_as_protected_is_never_open(raw in pathish()) {
        let rules = rules([("/admin/", required()), ("/", Access::Optional)]);
        let site = Url::parse("https://app.example/").expect("it is a URL");
        let readings = [site.join(&raw).ok(), Url::parse(&format!("https://app.example{raw}")).ok()];
        let protected = |url: &Url| url.path().eq_ignore_ascii_case("/admin") || url.path().to_ascii_lowercase().starts_with("/admin/");
        if rules.access(&raw) == Ok(&Access::Optional) {
            prop_assert!(!readings.iter().flatten().any(protected), "{} is open", raw);
        }
    }

    /// Servers in a row, each of which reads the path in its own way: none may find a closed page where the rules see an
    /// open one.
    #[test]
    fn what_passes_as_open_is_read_as_closed_by_no_server(raw in pathish(), servers in vec(server(), 0..4)) {
        let mostly_closed = rules([("/public", Access::Public), ("/", required())]);
        let mostly_open = rules([("/admin", required()), ("/", Access::Optional)]);
        let read = servers.iter().fold(raw.clone(), |path, server| server.read(&path)).to_ascii_lowercase();
        let is_below = |prefix: &str| read.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if mostly_closed.access(&raw) == Ok(&Access::Public) {
            prop_assert!(is_below("/public"), "{:?} is read as {:?} by {:?}", raw, read, servers);
        }
        if mostly_open.access(&raw) == Ok(&Access::Optional) {
            prop_assert!(!is_below("/admin"), "{:?} is read as {:?} by {:?}", raw, read, servers);
        }
    }

    /// No server finds truegate's own paths where truegate does not.
    #[test]
    fn no_server_reads_a_reserved_path_in_one_that_is_not_covered(raw in pathish(), servers in vec(server(), 0..4)) {
        // HTTP lets no other target through, but for `*` and a whole URL.
        let raw = if raw.starts_with('/') { raw } else { format!("/{raw}") };
        let callback: CallbackPath = "/public/admin".parse().expect("a canonical path");
        let own: SessionPath = "/admin".parse().expect("a canonical path");
        let read = servers.iter().fold(raw.clone(), |path, server| server.read(&path)).to_ascii_lowercase();
        if !callback.covers(&raw) {
            let reached = read.strip_suffix('/').unwrap_or(&read);
            prop_assert_ne!(reached, callback.expose(), "{:?} by {:?}", raw, servers);
        }
        if !own.covers(&raw) {
            let is_own = read.strip_prefix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            prop_assert!(!is_own, "{:?} is read as {:?} by {:?}", raw, read, servers);
        }
    }

    /// Whatever it is, a path is refused only for a rule that could be meant.
    #[test]
    fn no_path_is_ambiguous_far_from_every_rule(raw in "(/(a|b|@|%2f|%5c|%23|%3F|%zz|%|;|\\.){1,3}){1,3}") {
        let rules = rules([("/zzz", required()), ("/", Access::Optional)]);
        prop_assert_eq!(rules.access(&raw), Ok(&Access::Optional));
    }

    #[test]
    fn what_matches_one_rule_as_it_stands_is_never_ambiguous(path in "(/[a-zA-Z0-9._~-]{1,8}){0,4}/?") {
        let path = path.replace("/.", "/x");
        let rules = rules([("/public/", Access::Public), ("/", required())]);
        let is_public = path == "/public" || path.starts_with("/public/");
        prop_assert_eq!(rules.access(&path), Ok(if is_public { &Access::Public } else { &required() }));
    }

    #[test]
    fn a_return_path_stays_on_the_site(text in pathish()) {
        let path = ReturnPath::parse(&text).unwrap_or_default();
        prop_assert_eq!(ReturnPath::parse(path.as_str()), Some(path.clone()));
        for site in ["https://app.example/x/y", "http://127.0.0.1:1/"] {
            let site = Url::parse(site).expect("it is a URL");
            let reached = site.join(path.as_str()).expect("a path can be joined");
            prop_assert_eq!(reached.origin(), site.origin());
            prop_assert!(!reached.path().starts_with("//"), "{} reaches {}", text, reached);
            let again = site.join(reached.path()).expect("a path can be joined");
            prop_assert_eq!(again.origin(), site.origin());
        }
    }
}
