//! How servers make the names of variables from the names of headers, each by its own rule.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::headers::{HeaderNames, Preset};

/// The names of headers, one on a line: of what is left after stripping, no server reads one as a header of truegate's.
pub fn folding(lines: &[u8]) -> bool {
    let sent: Vec<_> =
        lines.split(|byte| *byte == b'\n').filter_map(|name| HeaderName::from_bytes(name).ok()).collect();
    let mut builder = HeaderNames::builder("X-Truecaller-").expect("a prefix");
    builder.preset(Preset::RemoteUser, None).expect("a preset");
    let names = builder.build();
    let mut headers: HeaderMap = sent.iter().map(|name| (name.clone(), HeaderValue::from_static("claimed"))).collect();
    let _ = names.strip_request(names.survey(&headers).suspects, &mut headers);
    for (server, fold) in SERVERS {
        let ours = OURS.map(fold);
        for name in headers.keys() {
            let read = fold(name.as_str());
            let is_ours = read.starts_with(&fold("X-Truecaller-")) || ours.contains(&read);
            assert!(!is_ours, "{server} reads {name} as one of truegate's");
        }
    }
    // What no server folds into one of ours is left alone.
    let claimed: Vec<_> = sent.iter().filter(|name| !headers.contains_key(*name)).collect();
    for name in &claimed {
        let folded: String = name.as_str().bytes().map(apache).collect();
        let is_ours = FAMILIES.iter().any(|family| folded.starts_with(family));
        assert!(is_ours || HOP_BY_HOP.contains(&name.as_str()), "{name} is stripped");
    }
    !claimed.is_empty()
}

type Fold = fn(&str) -> String;

const SERVERS: [(&str, Fold); 6] = [
    ("CGI", cgi),
    ("Apache before 2.4", all_but_alphanumeric),
    ("WSGI", wsgi),
    ("Rack", rack),
    ("PHP", php),
    ("Go", go),
];

const OURS: [&str; 3] = ["X-Truecaller-Phone", "X-Truecaller-Status", "Remote-User"];

/// What the default names and the preset close, as [`all_but_alphanumeric`] writes it.
const FAMILIES: [&str; 2] = ["X_TRUECALLER_", "REMOTE_"];

/// What [`HeaderNames::strip_request`] takes out besides.
const HOP_BY_HOP: [&str; 3] = ["proxy", "upgrade", "http2-settings"];

/// RFC 3875 §4.1.18: the name in upper case, with `-` replaced by `_`.
fn cgi(name: &str) -> String {
    name.bytes().map(dash_alone).collect()
}

/// PEP 3333 as CPython's `wsgiref.simple_server` does it: `k.replace('-', '_').upper()`.
fn wsgi(name: &str) -> String {
    name.replace('-', "_").to_uppercase()
}

/// Puma's and Unicorn's parser (`snake_upcase_char`): as CGI. Servers descended from Mongrel write `_` as `,`.
fn rack(name: &str) -> String {
    name.bytes().map(dash_alone).collect::<String>().replace(',', "_")
}

/// PHP reads the variables of CGI, and makes `_` of spaces and dots; a `[` starts an element (`php_register_variable_ex`).
fn php(name: &str) -> String {
    let variable: String = name.bytes().map(dash_alone).collect();
    variable.split('[').next().unwrap_or_default().replace([' ', '.'], "_")
}

/// Go's `net/http/cgi` (`upperCaseAndUnderscore`): as CGI, and `=` is replaced too.
fn go(name: &str) -> String {
    name.bytes().map(dash_alone).collect::<String>().replace('=', "_")
}

/// Apache before 2.4 (`http2env`), and others still: everything but letters and digits is `_`.
fn all_but_alphanumeric(name: &str) -> String {
    name.bytes().map(apache).collect()
}

fn dash_alone(byte: u8) -> char {
    if byte == b'-' { '_' } else { char::from(byte.to_ascii_uppercase()) }
}

fn apache(byte: u8) -> char {
    if byte.is_ascii_alphanumeric() { char::from(byte.to_ascii_uppercase()) } else { '_' }
}
