use std::{error::Error, mem};

use super::*;

#[test]
fn a_url_that_is_none_of_redis_is_refused_and_never_shown() {
    for (url, refusal) in [
        ("", RedisStoreError::Url),
        ("s3cr3t", RedisStoreError::Url),
        ("redis://", RedisStoreError::Url),
        ("redis://:s3cr3t@host:port", RedisStoreError::Url),
        ("redis://:s3cr3t@host/zero", RedisStoreError::Url),
        ("redis://:s3cr3t@0.0.0.0", RedisStoreError::Url),
        ("redis://:%ff@host", RedisStoreError::Url),
        ("redis://:s3cr3t@host?protocol=resp4", RedisStoreError::Url),
        ("rediss://:s3cr3t@no_name!", RedisStoreError::Url),
        ("http://:s3cr3t@host", RedisStoreError::Scheme),
        ("unix:///run/redis.sock?pass=s3cr3t", RedisStoreError::Scheme),
        ("rediss://:s3cr3t@host#insecure", RedisStoreError::Fragment),
    ] {
        let refused = RedisStore::new(url, 1).unwrap_err();
        assert_eq!(mem::discriminant(&refused), mem::discriminant(&refusal), "{url}");
        assert!(!format!("{refused} {refused:?}").contains("s3cr3t"), "{url}");
    }
}

#[test]
fn a_url_is_taken_with_all_that_it_says() {
    for url in [
        "redis://host", "rediss://user:password@host:6380/3", "valkey://[::1]:7000",
        "valkeys://10.0.0.1/?protocol=resp3",
    ] {
        let store = RedisStore::new(url, 7).unwrap();
        assert_eq!(format!("{store:?}"), "RedisStore { max_pending: 7, .. }");
    }
}

#[test]
fn a_file_to_trust_holds_a_certificate() {
    for url in ["redis://host", "rediss://host"] {
        let error = RedisStore::new(url, 1).unwrap().trust(b"not PEM").unwrap_err();
        assert!(matches!(error, RedisStoreError::Certificate(_)) && error.source().is_some());
    }
}
