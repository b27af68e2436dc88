//! The traps of YAML: what it does with a value that has no quotes, with a missing space, and with a wrong indentation.

use std::path::Path;

use super::{
    UPSTREAM, parse,
    refused::{assert_refused, assert_refused_beside_upstream},
    upstream,
};

#[test]
fn a_value_that_became_a_comment_is_told_so() {
    assert_refused_beside_upstream(&[
        (
            "native:\n  client_id: an-id\n  path: #a\n",
            "4:3: native.path: has no value, because a `#` begins a comment (put quotes around the value, such",
        ),
        ("identity:\n  strip:\n    - #x\n", "4:9: identity.strip[0]: has no value, because a `#` begins"),
        (
            "identity: { prefix: #0087ff }\n",
            "2:11: not valid YAML: unclosed bracket '{' (a `#` begins a comment: put quotes",
        ),
        (
            "identity:\n  strip: [#x]\n",
            "3:11: not valid YAML: comments must be separated from other tokens by whitespace (a `#` begins",
        ),
        ("log:\n  level: # the level\n", "3:3: log.level: has no value (give it one"),
    ]);
}

#[test]
fn a_value_that_a_comment_cuts_off_is_warned_of() {
    let session = "callback: { path: '${TRUEGATE_CALLBACK_PATH}' }\n\
        session:\n  public_url: https://a.example\n  secret: '${TRUEGATE_SESSION_SECRET}'\n  upstream_cookies: []\n  partner:\n    key: a-key\n";
    let name = "config.yaml:9:11: session.partner.name: a `#` begins a comment, so the value ends before";
    for (text, warned) in [
        ("    name: Shop #1\n", Some(name)),
        ("    name: Shop  #1 of 2\r\n", Some(name)),
        ("    name: ${LEVEL} #1\n", Some(name)),
        ("    name: Käufe für नमस्ते #1\n", Some(name)),
        ("    name: Shop\nlog: { level: info } #1\n", None),
        ("    name: Shop # 1\n", None),
        ("    name: Shop #\n", None),
        ("    name: Shop ## 1\n", None),
        ("    name: 'Shop' #1\n", None),
        ("    name: Shop\n    #lang: en\n", None),
    ] {
        let found = parse(&format!("{UPSTREAM}{session}{text}")).unwrap().warnings();
        let found: Vec<_> = found.iter().map(|finding| finding.line(Path::new("config.yaml"))).collect();
        assert_eq!(found.len(), warned.iter().len(), "{text}: {found:?}");
        assert!(found.iter().all(|line| line.starts_with(warned.unwrap())), "{text}: {found:?}");
    }
}

/// No such value was ever meant to have the comment in it.
#[test]
fn a_comment_behind_a_number_a_word_or_a_host_is_no_trap() {
    let text = "callback:\n  path: ${TRUEGATE_CALLBACK_PATH} #secret\n  body_limit: 16KiB #small\n  deadline: 2s #old\n  forward: true #1\n\
        log:\n  level: info #debug\ntruecaller:\n  attempts: 2 #3\ntrusted_proxies:\n  - 10.0.0.1 #2\n\
        admin:\n  listen: 127.0.0.1:9090 #http\n";
    let found = parse(&format!("{UPSTREAM}{text}")).unwrap().warnings();
    assert!(found.is_empty(), "{:?}", found.iter().map(|finding| finding.line(Path::new(""))).collect::<Vec<_>>());
}

#[test]
fn a_reference_within_brackets_needs_quotes() {
    for text in ["log: { level: ${LEVEL} }", "identity: { strip: [${A}] }", "identity: { strip: [a, x${A}y, b] }"] {
        let found = parse(&format!("{UPSTREAM}{text}\n")).unwrap_err().to_string();
        assert!(found.ends_with("(inside { } and [ ] put quotes around ${…})"), "{found}");
    }
    assert!(parse(&format!("{UPSTREAM}log: {{ level: \"${{LEVEL}}\" }}\n")).is_ok());
}

#[test]
fn a_key_in_the_wrong_section_is_told_where_it_belongs() {
    assert_refused_beside_upstream(&[
        ("log:\n  level: info\nformat: json\n", "4:1: format: unknown key (a key of `log`: indent it below `log`)"),
        (
            "log:\n  level: info\n  callback: { path: /x }\n",
            "4:3: log.callback: unknown key (a key of the top level: write it there, without indentation)",
        ),
        ("shutdown_grace: 1s\nlevel: info\n", "3:1: level: unknown key (a key of `log`: write it there)"),
        (
            "routes:\n  - path: /x\n    trusted_proxies: []\n",
            "4:5: routes[0].trusted_proxies: unknown key (a key of the top level: write it there, without indentation)",
        ),
        ("levle: info\n", "2:1: levle: unknown key (known keys: "),
    ]);
    let found = parse(&format!("{UPSTREAM}log:\nlevel: info\n")).unwrap_err().to_string();
    let expected = "config.yaml:2:1: log: has no value (write its keys below it, indented, or remove the key)\n\
                    config.yaml:3:1: level: unknown key (a key of `log`: indent it below `log`)";
    assert_eq!(found, expected);
}

#[test]
fn a_missing_space_is_told_at_its_place() {
    assert_refused(&[("upstream:http://127.0.0.1:3000\n", "1:1: must be a mapping (put a space after the colon")]);
    assert_refused_beside_upstream(&[
        ("log:\n  level:info\n", "3:3: log: must be a mapping (put a space after the colon"),
        ("log:\n  level:info\n  format: json\n", "3:8: a space is missing after the colon (write `key: value`)"),
        ("log:\n  format: json\n  level:info\n", "4:8: a space is missing after the colon"),
        ("log: { level:info }\n", "2:8: log.level: unknown key (put a space after the colon: `level: …`)"),
        (
            "trusted_proxies:\n  -10.0.0.1\n  -10.0.0.2\n",
            "3:3: trusted_proxies: must be a list (put a space after the `-`)",
        ),
    ]);
}

#[test]
fn a_wrong_indentation_is_told() {
    assert_refused_beside_upstream(&[
        ("log:\n\tlevel: info\n", "3:1: a tab is where only spaces may be (indent with spaces)"),
        ("log:\n  level: info\n\tformat: json\n", "4:1: a tab is where only spaces may be (indent with spaces)"),
        (
            "log:\n  level: info\n   format: json\n",
            "4:10: not valid YAML: mapping values are not allowed in this context (indent the line",
        ),
        (
            "log:\n   level: info\n  format: json\n",
            "4:3: not valid YAML: while parsing a block mapping, did not find expected key (indent the line",
        ),
        (
            "routes:\n - path: /x\n   methods: [GET]\n  host: a.example\n",
            "5:3: not valid YAML: while parsing a block collection, did not find expected '-' indicator (indent",
        ),
        ("log:\n  - level: info\n", "3:3: log: must be a mapping (remove the `-` before its keys)"),
        ("routes: { path: /x }\n", "2:9: routes: must be a list (begin each element with `- `)"),
    ]);
}

#[test]
fn other_mistakes_in_yaml_come_with_a_remedy() {
    assert_refused_beside_upstream(&[
        (
            "log:\n  level: info: x\n",
            "3:14: not valid YAML: mapping values are not allowed in this context (put quotes around",
        ),
        ("log:\n  level: @info\n", "3:10: not valid YAML: unexpected character: `@' (put quotes around the value)"),
        ("log:\n  level: 'info\n", "3:10: not valid YAML: unclosed quote (write the same quote at its end)"),
        (
            "log:\n  level: \"in\\d\"\n",
            "3:10: not valid YAML: while parsing a quoted scalar, found unknown escape character (in double quotes",
        ),
        (
            "trusted_proxies: - 10.0.0.1\n",
            "2:18: not valid YAML: block sequence entries are not allowed in this context (write a list",
        ),
        ("log:\n  level: info\n  level: warn\n", "4:3: log.level: duplicate key, which line 3 has too (keep one)"),
        ("routes: [{ path: /x, host: *.shop.example }]\n", "2:28: routes[0].host: anchors"),
    ]);
}

#[test]
fn a_value_is_taken_as_it_is_written() {
    let text = "\u{feff}upstream:\r\n  url: http://127.0.0.1:3000\r\n  headers: { A-B: 0x1F, A-C: 1e3, A-D: 12:30, A-E: 010, A-F: no }\r\n";
    let config = parse(text).unwrap();
    let values: Vec<_> = upstream(&config).headers.iter().map(|(_, value)| value.to_str().unwrap()).collect();
    assert_eq!(values, ["0x1F", "1e3", "12:30", "010", "no"]);
    let phones = "groups: { staff: { phones: [+919999900001], phone_prefixes: [+91] } }\n";
    assert_refused_beside_upstream(&[(phones, "2:1: groups: only used with `session`")]);
    assert_refused_beside_upstream(&[
        ("truecaller: { require_active: yes }", "2:31: truecaller.require_active: must be true or false (write true)"),
        ("truecaller: { require_active: Off }", "2:31: truecaller.require_active: must be true or false (write false)"),
        ("callback: { deadline: 5 }", "2:23: callback.deadline: needs a unit (write 2500ms, 1s or 2m)"),
        ("callback: { deadline: 12:30 }", "2:23: callback.deadline: not a valid duration"),
    ]);
}
