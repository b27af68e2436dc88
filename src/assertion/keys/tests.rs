use super::*;

/// A key that OpenSSL made: `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`.
const OPENSSL: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgU1FHxZPSLUiSqO1s
1iswirFcKnUQwHuUluPPazeJnZ2hRANCAARxljRgQqZ0aeiHZtmJ/79UBMPNRvv9
jCzwMXVmW9Vo9IQCb++BSlPw4623PQ2anfAMlWdKLaZObP/Pm2RqqM9J
-----END PRIVATE KEY-----
";

/// What else OpenSSL makes, each with what is wrong with it.
const OTHERS: [(&str, KeyError); 3] = [
    (
        "\
-----BEGIN PRIVATE KEY-----
MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDA4KZv/JzL5Kv2px5OP
4P3wG6ymr5F7keFFqIkDSnq3pLMKUyxQZuJHiYJwrFtoR4ChZANiAATJ2hTkyIfO
PNQ5AeyLgBreWYG+DOHIb5mTIi+b+chkr2cONqn4zeQ1lJvtz7HJp2ua1OOIjH2e
SrDY2tJmPSlDKONTHOPyWWer3kaK+x93PnwItKprCvC+M9/Pfox4KLg=
-----END PRIVATE KEY-----
",
        KeyError::NotP256,
    ),
    (
        "\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIOoZoBQHaihts0oWg1KJJ2WKl+xfT2lZipER3V78ztM0
-----END PRIVATE KEY-----
",
        KeyError::NotP256,
    ),
    (
        "\
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIJCgj0lokWImYn0atZBsvVKhuQ9NVRirKnEvG5rGM2j5oAoGCCqGSM49
AwEHoUQDQgAElJerAJqREBtY0IoNWjc9Hl8MSxH/EOas+pZSf6I80Ofu9i+8QjC3
hIonKF/JiWU7d7iqd/+T+pjaraBF4YXUiA==
-----END EC PRIVATE KEY-----
",
        KeyError::NotPkcs8,
    ),
];

#[test]
fn a_key_is_read_as_it_is_written() {
    let key = SigningKey::generate();
    assert_eq!(SigningKey::from_pem(&key.to_pem()).unwrap().id(), key.id());
    assert!(key.to_pem().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    let foreign = SigningKey::from_pem(OPENSSL).unwrap();
    assert_eq!(foreign.id(), "7d4hxO5xBvP0tC3dhEhnav3I87hwKLRN4YwSuTbtxck");
    for spelling in [OPENSSL.trim_end().to_owned(), OPENSSL.replace('\n', "\r\n")] {
        assert_eq!(SigningKey::from_pem(&spelling).unwrap().id(), foreign.id());
    }
}

#[test]
fn no_two_keys_are_the_same() {
    assert_ne!(SigningKey::generate().id(), SigningKey::generate().id());
}

#[test]
fn what_is_no_key_for_es256_is_refused() {
    let encrypted = OPENSSL.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let certificate = OPENSSL.replace("PRIVATE KEY", "CERTIFICATE");
    let cut = OPENSSL.replacen("MIGH", "MIGI", 1);
    for (pem, error) in [
        ("", KeyError::NotPem),
        ("a key", KeyError::NotPem),
        (&OPENSSL[..100], KeyError::NotPem),
        (&OPENSSL.repeat(2), KeyError::NotPem),
        (&encrypted, KeyError::Encrypted),
        (&certificate, KeyError::NotPkcs8),
        (&cut, KeyError::NotPem),
    ]
    .into_iter()
    .chain(OTHERS)
    {
        assert_eq!(SigningKey::from_pem(pem).err(), Some(error), "{pem}");
    }
}

#[test]
fn a_key_is_published_once() {
    let key = SigningKey::generate();
    let pem = key.to_pem();
    let again = || SigningKey::from_pem(&pem).unwrap();
    let mut keys = SigningKeys::new(key);
    assert_eq!(keys.publish(again()), Err(KeyError::Twice));
    let other = SigningKey::generate();
    let (id, other_pem) = (other.id().to_owned(), other.to_pem());
    assert_eq!(keys.publish(other), Ok(()));
    assert_eq!(keys.publish(SigningKey::from_pem(&other_pem).unwrap()), Err(KeyError::Twice));
    assert_eq!(keys.0.iter().map(SigningKey::id).collect::<Vec<_>>(), [again().id(), &id]);
    assert_eq!(keys.signer().id(), again().id());
}

#[test]
fn a_thumbprint_is_that_of_the_rfc_method() {
    // The key of RFC 7517 appendix A.1; its thumbprint was computed by another library.
    let (x, y) = ("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM");
    assert_eq!(thumbprint(x, y), "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s");
}
