use super::*;
use crate::{
    random::Random,
    session::{SealPurpose, Sealer, Secret},
};

fn session(profile: &str) -> Session {
    let now = UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
    let profile = Profile::parse(profile.as_bytes()).unwrap();
    begin(profile, VerificationMethod::Web, now)
}

fn begin(profile: Profile, method: VerificationMethod, now: SystemTime) -> Session {
    let identity = Identity::vouch(None, profile, method);
    Session::begin(SessionId::generate(&Random::seeded(1)), identity, now - Duration::from_secs(1), now)
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
    assert!(read.proven_at == written.proven_at && read.proven_at < Some(read.issued_at));
    let expected = Profile { json: String::new(), ..written.identity.profile().clone() };
    assert!(*read.identity.profile() == expected);
    assert!(read.identity.request_id().is_none());
}

#[test]
fn a_session_remembers_how_its_number_was_verified() {
    for method in VerificationMethod::ALL {
        let profile = Profile::parse(br#"{"phoneNumbers":["919999999999"]}"#).unwrap();
        let written = begin(profile, *method, UNIX_EPOCH + Duration::from_secs(1)).to_bytes();
        assert_eq!(Session::from_bytes(&written).unwrap().identity.method(), *method);
        let word = serde_json::from_slice::<serde_json::Value>(&written).unwrap().get("m").cloned();
        assert_eq!(word, (*method != VerificationMethod::Web).then(|| method.code().into()));
    }
}

#[test]
fn a_session_of_an_earlier_version_does_not_know_when_its_number_was_proven() {
    let record = br#"{"i":"x7Kq2vNf9TzR4mWb6pLdQw","b":1,"s":1,"p":"+919999999999"}"#;
    let session = Session::from_bytes(record).unwrap();
    assert_eq!(session.proven_at(), None);
    assert_eq!(session.renewed(UNIX_EPOCH).proven_at(), None);
}

#[test]
fn a_session_whose_method_is_not_known_is_not_read() {
    let record = |method: &str| {
        let record = format!(r#"{{"i":"x7Kq2vNf9TzR4mWb6pLdQw","b":1,"s":1,"p":"+919999999999","m":{method}}}"#);
        Session::from_bytes(record.as_bytes())
    };
    assert!(record(r#""site""#).is_some());
    for unknown in [r#""""#, r#""SITE""#, r#""site ""#, r#""fax""#, "1", r#"["site"]"#] {
        assert!(record(unknown).is_none(), "{unknown}");
    }
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

#[test]
fn a_cookie_that_was_sealed_before_is_read_for_ever() {
    let sealer = Sealer::new(&Secret::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap(), &[]);
    let bytes = sealer.open_text(SealPurpose::Session(""), SEALED.as_bytes()).unwrap();
    assert_eq!(std::str::from_utf8(&bytes).unwrap(), WRITTEN);

    let session = Session::from_bytes(&bytes).unwrap();
    assert_eq!(session.id.expose(), "x7Kq2vNf9TzR4mWb6pLdQw");
    assert_eq!(session.identity.method(), VerificationMethod::Web);
    assert_eq!(
        (milliseconds(session.issued_at), milliseconds(session.last_seen)),
        (1_700_000_000_123, 1_700_003_600_456)
    );
    let text = |text: &str| Some(text.to_owned());
    let expected = Profile {
        phone: PhoneNumber::parse("+919999999999").unwrap(),
        user_id: text("42"),
        given_name: text("Rajat"),
        family_name: text("Kapoor"),
        country: text("IN"),
        email: text("a@b.example"),
        city: text("Pune"),
        street: text("1 Road"),
        zipcode: text("411001"),
        gender: text("Male"),
        avatar_url: text("https://a.example/"),
        company: text("A Shop"),
        job_title: text("Clerk"),
        badges: vec!["verified".to_owned(), "premium".to_owned()],
        about: text("Hello"),
        created_at: text("2020"),
        is_active: true,
        json: String::new(),
    };
    assert!(*session.identity.profile() == expected);

    // Gateways of one site are not updated all at once: each reads what the others write.
    let [written, before] = [&session.to_bytes()[..], &bytes[..]].map(serde_json::from_slice::<serde_json::Value>);
    assert_eq!(written.unwrap(), before.unwrap());
}

const WRITTEN: &str = concat!(
    r#"{"i":"x7Kq2vNf9TzR4mWb6pLdQw","b":1700000000123,"s":1700003600456,"p":"+919999999999","u":"42","g":"Rajat","#,
    r#""f":"Kapoor","c":"IN","e":"a@b.example","ci":"Pune","st":"1 Road","z":"411001","ge":"Male","#,
    r#""av":"https://a.example/","co":"A Shop","j":"Clerk","ba":["verified","premium"],"ab":"Hello","cr":"2020"}"#,
);

const SEALED: &str = concat!(
    "zpwbMimozo7fcQAVEPP_hitzQt4akuHnAP1B54Z3uvFPXfoZs5oOKUBT_DffdFPJaAxns9zD10F_HQHtyTpNKPNNKCDRVtz00N4K",
    "5hmzkPgEuHOJQ3qO7TBvTLJKOLOYmtbyJ63J9-T0Xd8-XJ826dmYKSi4uP5zVFes2ChRy3xCDZDXzWuJ9ZqtqS_Q7Xun4oCSk7Ss",
    "IUXCm6imG0wfc2K7zY-jMXwruTJDgyi7Eu6HJfLkDOLeAJrw63knNbrQssVzTj9B88xb7ExNRInYUa4h1YNhTUDfTIMXHFJRM5Rj",
    "5rH4k6fKLaPigBGNJ8Ra5TNto3GBW_3jG3ndbtM-eBwnRUkZL6LpgHp_wmBaJieVBObs81U0ovAp-ctHpuQB4sfxvm0M34IO1w1Q",
    "klRyxtxrgi69UeQ8y9R0HsAJ8sSc31a4JyWMUX9quulLvfRAyDNTuD2nnhrRnFsVV9gO",
);
