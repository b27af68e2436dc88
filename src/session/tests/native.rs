//! The route for the site's own app, beside sessions.

use std::time::Instant;

use bytes::Bytes;
use http::{Request, StatusCode};

use super::{
    site::{CALLBACK, Outcome, Site},
    truecaller::Truecaller,
};
use crate::{
    gate::{Gate, GateBuilder},
    native::{Credential, Native, NativePathError, NativeSource},
    profile::{Profile, ProfileFuture},
    session::{SessionPath, SessionsError},
};

struct KnownUser;

impl NativeSource for KnownUser {
    fn fetch<'a>(&'a self, _: &'a Credential, _: Instant) -> ProfileFuture<'a> {
        Box::pin(async { Profile::parse(br#"{"phoneNumbers":["919999999999"]}"#) })
    }
}

fn native(path: &str) -> Native {
    Native::new(path.parse().unwrap(), KnownUser)
}

fn builder() -> GateBuilder {
    Gate::builder(CALLBACK.parse().unwrap(), Truecaller::default())
}

#[test]
fn no_route_for_an_app_is_among_truegates_own_in_whichever_order_they_come() {
    let site = Site::new();
    let sessions = || site.tasks.sessions();
    for path in ["/.truegate", "/.truegate/native", "/.TRUEGATE/login"] {
        let after = builder().sessions(sessions()).unwrap().native(native(path));
        assert_eq!(after.err(), Some(NativePathError::OwnRoutes), "{path}");
    }
    let elsewhere = Site::with(|sessions| sessions.path("/auth".parse::<SessionPath>().unwrap()));
    let sessions = || elsewhere.tasks.sessions();
    let before = builder().native(native("/auth/app")).unwrap().sessions(sessions());
    assert_eq!(before.err(), Some(SessionsError::NativePath));
    let after = builder().sessions(sessions()).unwrap().native(native("/auth/app"));
    assert_eq!(after.err(), Some(NativePathError::OwnRoutes));
    assert!(builder().sessions(sessions()).unwrap().native(native("/.truegate/app")).is_ok());
}

#[tokio::test]
async fn an_app_gets_a_session_in_place_of_the_apps_answer() {
    let site = Site::new();
    let before = builder().native(native("/truecaller/native")).unwrap().sessions(site.tasks.sessions()).unwrap();
    let with_gate = |gate| {
        let mut sibling = site.sibling();
        sibling.gate = gate;
        sibling
    };
    let in_either_order = [
        site.sibling_with(|gate| gate.native(native("/truecaller/native")).unwrap()),
        with_gate(before.clock(site.clock.clone()).build()),
    ];
    for site in in_either_order {
        let request = Request::post("/truecaller/native").header("host", "shop.example");
        let request = request.body(Bytes::from_static(br#"{"access_token":"a-token"}"#)).unwrap();
        let Outcome::Answered(answer) = site.send(request).await else { panic!("it ends here") };
        assert_eq!(answer.status(), StatusCode::OK);
        let answer: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!((&answer["phone"], answer["token"].is_string()), (&"+919999999999".into(), true));
    }
}
