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
        ("redis+sentinel://:s3cr3t@host/mymaster", RedisStoreError::Scheme),
        ("unix:?pass=s3cr3t", RedisStoreError::Url),
        ("unix:///?pass=s3cr3t", RedisStoreError::Url),
        ("unix:///run/redis.sock?db=zero&pass=s3cr3t", RedisStoreError::Url),
        ("unix:///run/redis.sock?pass=s3cr3t#insecure", RedisStoreError::Fragment),
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
        "redis://host",
        "rediss://user:password@host:6380/3",
        "valkey://[::1]:7000",
        "valkeys://10.0.0.1/?protocol=resp3",
        "unix:/run/redis.sock",
        "redis+unix:///run/redis.sock?db=3&user=a&pass=b",
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

#[test]
fn sentinels_and_clusters_that_cannot_be_are_refused_and_never_shown() {
    for (sentinels, master, refusal) in [
        (&[] as &[&str], "mymaster", RedisStoreError::NoServer),
        (&["redis://:s3cr3t@a/3"], "mymaster", RedisStoreError::Database),
        (&["redis://:s3cr3t@"], "mymaster", RedisStoreError::Url),
        (&["redis://a"], "", RedisStoreError::Master),
        (&["redis://a"], "s3cr3t/?", RedisStoreError::Master),
        (&["redis://a"], "redis://:s3cr3t@", RedisStoreError::Master),
        (&["redis://a"], "unix:///run/s3cr3t", RedisStoreError::Master),
        (&["redis://a"], "http://:s3cr3t@mymaster", RedisStoreError::Scheme),
        (&["redis://a"], "redis://:s3cr3t@mymaster/zero", RedisStoreError::Url),
    ] {
        let refused = RedisStore::sentinel(sentinels, master, 1).unwrap_err();
        assert_eq!(mem::discriminant(&refused), mem::discriminant(&refusal), "{sentinels:?} {master}");
        assert!(!format!("{refused} {refused:?}").contains("s3cr3t"), "{refused}");
    }
    for (servers, refusal) in [
        (&[] as &[&str], RedisStoreError::NoServer),
        (&["redis://:s3cr3t@a", "redis://:0ther@b"], RedisStoreError::Logins),
        (&["redis://s3cr3t@a", "redis://a"], RedisStoreError::Logins),
        (&["redis://a", "rediss://b"], RedisStoreError::Logins),
        (&["redis://:s3cr3t@a/1"], RedisStoreError::Database),
        (&["unix:///run/s3cr3t"], RedisStoreError::Socket),
        (&["s3cr3t"], RedisStoreError::Url),
    ] {
        let refused = RedisStore::cluster(servers, 1).unwrap_err();
        assert_eq!(mem::discriminant(&refused), mem::discriminant(&refusal), "{servers:?}");
        assert!(!format!("{refused} {refused:?}").contains("s3cr3t"), "{refused}");
    }
    assert!(RedisStore::sentinel(&["redis://a:26379"], "rediss://user:password@My_Master.1/3", 1).is_ok());
    assert!(RedisStore::cluster(&["rediss://user:password@a:7000", "rediss://user:password@b"], 1).is_ok());
}
