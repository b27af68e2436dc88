//! Keys, names and lifetimes are looked at before anything is signed.

use super::{Folder, UPSTREAM, parse_in};
use crate::assertion::SigningKey;

const REST: &str = "issuer: https://shop.example, audience: shop-backend";

fn folder() -> Folder {
    let folder = Folder::new();
    for name in ["a.pem", "b.pem"] {
        folder.write(name, SigningKey::generate().to_pem().as_bytes());
    }
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key can be made").serialize_pem();
    folder.write("ed25519.pem", key.as_bytes());
    folder.write("encrypted.pem", key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY").as_bytes());
    folder.write("certificate.pem", key.replace("PRIVATE KEY", "CERTIFICATE").as_bytes());
    folder
}

#[test]
fn an_assertion_that_could_not_be_made_is_refused_at_its_place() {
    let folder = folder();
    for (section, expected) in [
        ("key: 'hunter2', @", "2:19: assertion.key: is not PEM text of one private key"),
        ("key: a.pem, @", "2:19: assertion.key: is not PEM text of one private key (write ${file:assertion.pem}"),
        ("key: '${file:a.pem}${file:b.pem}', @", "2:19: assertion.key: is not PEM text of one private key"),
        ("key: '${file:ed25519.pem}', @", "2:19: assertion.key: is not a valid private key of the curve P-256"),
        ("key: '${file:encrypted.pem}', @", "2:19: assertion.key: is an encrypted private key"),
        ("key: '${file:certificate.pem}', @", "2:19: assertion.key: is not a private key in PKCS#8 form"),
        ("key: '${file:none.pem}', @", "2:19: assertion.key: `${file:none.pem}` cannot be read"),
        ("key: [], @", "2:19: assertion.key: must not be empty"),
        ("key: {}, @", "2:19: assertion.key: must be a single value"),
        ("key: ['${file:a.pem}', b], @", "2:37: assertion.key[1]: is not PEM text"),
        ("key: ['${file:a.pem}', '${file:a.pem}'], @", "2:37: assertion.key[1]: is the same key as one before it"),
        ("@", "2:12: assertion.key: missing (write key: ${file:assertion.pem})"),
        ("key: '${file:a.pem}', issuer: a", "2:12: assertion.audience: missing"),
        ("key: '${file:a.pem}', audience: a", "2:12: assertion.issuer: missing"),
        ("key: '${file:a.pem}', audience: a, issuer: ''", "2:57: assertion.issuer: must have at least one"),
        (r#"key: '${file:a.pem}', issuer: a, audience: "a\nb""#, "2:57: assertion.audience: must have no control"),
        ("lifetime: 9s, key: '${file:a.pem}', @", "2:24: assertion.lifetime: must be from 10s to 1h"),
        ("lifetime: 61m, key: '${file:a.pem}', @", "2:24: assertion.lifetime: must be from 10s to 1h"),
        ("lifetime: 300, key: '${file:a.pem}', @", "2:24: assertion.lifetime: needs a unit"),
        ("keys: a, key: '${file:a.pem}', @", "2:14: assertion.keys: unknown key (did you mean `key`?)"),
    ] {
        let text = format!("{UPSTREAM}assertion: {{ {} }}", section.replace('@', REST));
        let errors = parse_in(&folder, &text).unwrap_err();
        let expected = format!("{}:{expected}", folder.path("config.yaml").display());
        assert!(errors.to_string().starts_with(&expected), "{section}: {errors}");
        assert_eq!(errors.lines().len(), 1, "{errors}");
        assert!(!errors.to_string().contains("hunter2"), "{errors}");
    }
}

#[test]
fn the_path_of_the_keys_is_not_the_callbacks() {
    let folder = folder();
    for path in ["/.truegate/jwks.json", "/.Truegate/JWKS.json"] {
        let text = format!("{UPSTREAM}callback: {{ path: {path} }}\n");
        assert!(parse_in(&folder, &text).is_ok(), "without assertions it is a path like any other");
        let errors = parse_in(&folder, &format!("{text}assertion: {{ key: '${{file:a.pem}}', {REST} }}")).unwrap_err();
        assert!(errors.to_string().contains(":3:1: assertion: its keys are published at"), "{errors}");
    }
}

#[test]
fn one_key_or_many_are_taken() {
    let folder = folder();
    for (keys, count) in [("'${file:a.pem}'", 1), ("['${file:b.pem}']", 1), ("['${file:a.pem}', '${file:b.pem}']", 2)] {
        let text = format!("{UPSTREAM}assertion: {{ key: {keys}, {REST}, lifetime: 1h }}");
        let config = parse_in(&folder, &text).unwrap();
        let keys: serde_json::Value = serde_json::from_slice(config.assertion.as_ref().unwrap().key_set()).unwrap();
        assert_eq!(keys["keys"].as_array().unwrap().len(), count);
    }
}
