use super::*;
use crate::random::Random;

fn session(profile: &str) -> Session {
    let now = UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
    Session::begin(SessionId::generate(&Random::seeded(1)), Profile::parse(profile.as_bytes()).unwrap(), now)
}

#[test]
fn a_session_is_read_as_it_was_written() {
    let written = session(
        r#"{"phoneNumbers":["919999999999"],"userId":"12345678901234567890","name":{"first":"राजत","last":"Kapoor"},
        "addresses":[{"countryCode":"in","city":"a","street":"b","zipcode":"c"}],"badges":["a,b","c"],"gender":"Male",
        "onlineIdentities":{"email":"a@b"},"avatarUrl":"https://a/","companyName":"d","jobTitle":"e","aboutMe":"f","createdTime":"1"}"#,
    );
    let read = Session::from_bytes(&written.to_bytes()).unwrap();
    assert!(read.id == written.id && read.issued_at == written.issued_at && read.last_seen == written.last_seen);
    let expected = Profile { json: String::new(), ..written.identity.profile().clone() };
    assert!(*read.identity.profile() == expected);
    assert!(read.identity.request_id().is_none());
}

#[test]
fn whatever_a_user_typed_the_cookie_stays_small() {
    for text in ["a".repeat(5000), "क".repeat(5000), "\\u0001".repeat(3000), "😀".repeat(3000), "\\\"".repeat(4000)]
    {
        let written = session(&format!(
            r#"{{"phoneNumbers":["919999999999"],"userId":"7","name":{{"first":"{text}","last":"{text}"}},
            "addresses":[{{"countryCode":"in","city":"{text}","street":"{text}","zipcode":"{text}"}}],
            "badges":["{text}"],"gender":"{text}","companyName":"{text}","jobTitle":"{text}","aboutMe":"{text}"}}"#
        ));
        let bytes = written.to_bytes();
        assert!(bytes.len() <= MAX_BYTES, "{}", bytes.len());
        let read = Session::from_bytes(&bytes).unwrap();
        let (read, written) = (read.identity.profile(), written.identity.profile());
        assert!(read.phone == written.phone && read.user_id == written.user_id);
        let given = read.given_name.as_deref().unwrap();
        assert!(written.given_name.as_deref().unwrap().starts_with(given) && given.len() >= 3);
    }
}

#[test]
fn a_session_ends_when_it_is_old_or_idle() {
    let (hour, session) = (Duration::from_hours(1), session(r#"{"phoneNumbers":["919999999999"]}"#));
    let left = |session: &Session, after| session.time_left(12 * hour, 2 * hour, session.issued_at() + after);
    assert_eq!(left(&session, Duration::ZERO), Some(2 * hour));
    assert_eq!(left(&session, hour), Some(hour));
    assert_eq!(left(&session, 2 * hour), None);
    let renewed = session.renewed(session.issued_at() + 11 * hour);
    assert_eq!(left(&renewed, 11 * hour), Some(hour));
    assert_eq!(left(&renewed, 12 * hour), None);
    let back = session.time_left(12 * hour, 2 * hour, session.issued_at() - hour);
    assert_eq!(session.end_text(hour).as_deref(), Some("2023-11-14T23:13:20Z"));
    assert_eq!(back, Some(3 * hour), "a clock that goes back makes nobody immortal");
    assert_eq!(session.time_left(Duration::MAX, Duration::MAX, session.issued_at()), None);
}
