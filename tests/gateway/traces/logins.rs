//! The spans of a login: what they tell, and what they keep to themselves.

use truegate::simulator::{Call, Simulator};

use super::{
    super::{
        sessions::Site,
        setup::{self, CALLBACK},
        support::{
            edge::sessions::{Sessions, Store},
            program::Program,
            raw::{exchange, get},
            recorder::Recorder,
            redis::Redis,
        },
    },
    collector::{Collector, Exported, Told},
};

/// The spans of the trace that has a span of this name.
fn of_trace<'a>(exported: &'a Exported, name: &str) -> Vec<&'a Told> {
    let trace = exported.named(name).trace();
    exported.all.iter().filter(|told| told.trace() == trace).collect()
}

fn names<'a>(told: &[&'a Told]) -> Vec<&'a str> {
    let mut names: Vec<_> = told.iter().map(|told| told.span.name.as_str()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn a_login_has_spans_for_the_profile_and_the_store_below_its_requests() {
    for redis in [None, Some(Redis::start())] {
        let collector = Collector::start().await;
        let store = redis.as_ref().map_or(Store::Memory, |redis| Store::Redis(redis.url()));
        let system = if redis.is_some() { "redis" } else { "memory" };
        let site = Site::open(&Sessions { store, ..Sessions::usual() }, "", &collector.yaml("")).await;
        site.signed_in().await;
        site.program.signal("TERM");
        setup::ended(site.program).await;

        let exported = Exported::of(&collector.seen());

        // The callback was answered first, and its verification belongs to its trace all the same.
        let callback = of_trace(&exported, "POST callback");
        let below: Vec<_> = callback.iter().filter(|told| told.span.name.starts_with("store ")).collect();
        assert!(names(&callback).contains(&"profile fetch") && below.len() >= 2, "{:?}", names(&callback));
        let admission = callback.iter().find(|told| told.span.name == "admission").unwrap();
        let fetch = callback.iter().find(|told| told.span.name == "profile fetch").unwrap();
        for told in below.iter().copied().chain([fetch]) {
            assert_eq!((told.parent(), told.error()), (admission.id(), None), "{:?}", told.span);
            assert_eq!(told.kind(), "SPAN_KIND_CLIENT");
        }
        let attributes = below[0].attributes();
        assert!(attributes.contains(&("db.system.name".to_owned(), system.to_owned())), "{attributes:?}");
        assert_eq!(fetch.attributes(), [("truegate.result".to_owned(), "ok".to_owned())]);
        assert!(names(&of_trace(&exported, "store open")).contains(&"POST /.truegate/login"));
        assert!(!exported.names().iter().any(|name| ["store moved", "store revocations"].contains(name)));
    }
}

#[tokio::test]
async fn a_callback_that_the_app_gets_tells_it_of_the_trace() {
    let (collector, app, truecaller) =
        (Collector::start().await, Recorder::start().await, Simulator::start().await.unwrap());
    let config = setup::config(app.address()) + &setup::truecaller(&truecaller) + &collector.yaml("");
    let program = Program::serve(&config);
    let url = format!("http://{}{CALLBACK}", program.address());
    truecaller.call(&url, Call::grant()).await.unwrap();

    let exported = collector.spans(4).await;

    let callback = of_trace(&exported, "POST callback");
    assert_eq!(names(&callback), ["POST", "POST callback", "admission", "profile fetch"]);
    let told = app.take().pop().unwrap();
    let upstream = exported.named("POST");
    assert_eq!(told.one("traceparent"), Some(&*format!("00-{}-{}-01", upstream.trace(), upstream.id())));
}

#[tokio::test]
async fn a_callback_that_is_forwarded_later_is_in_the_same_trace() {
    let collector = Collector::start().await;
    let site = Site::open(&Sessions::usual(), "forward: true, ", &collector.yaml("")).await;
    site.signed_in().await;
    site.program.signal("TERM");
    setup::ended(site.program).await;

    let exported = Exported::of(&collector.seen());
    let callback = of_trace(&exported, "POST callback");
    let delivery = callback.iter().find(|told| told.span.name == "POST").expect("a span of the delivery");
    let heard = site.app.take();
    let heard = heard.iter().find(|message| message.start.starts_with("POST")).expect("the app gets the callback");
    assert_eq!(heard.one("traceparent"), Some(&*format!("00-{}-{}-01", delivery.trace(), delivery.id())));
}

#[tokio::test]
async fn no_span_tells_a_secret() {
    let collector = Collector::start().await;
    let site = Site::open(&Sessions::usual(), "", &collector.yaml("")).await;
    let mut visitor = site.signed_in().await;
    let request_id = visitor.start_login().await;
    visitor.get("/orders/secret-path?secret-query=1").await;
    visitor.get(&format!("{CALLBACK}/x")).await;
    exchange(site.program.address(), get("/", "X-Truecaller-Phone: 919999999999\r\nX-Secret: secret-header\r\n"))
        .await
        .unwrap();
    let cookies: Vec<_> =
        ["__Host-truegate", "truegate"].iter().filter_map(|name| visitor.cookie(name)).map(str::to_owned).collect();
    site.program.signal("TERM");
    setup::ended(site.program).await;

    let told = collector.seen_text().to_ascii_lowercase();

    assert!(told.contains("/.truegate/login"), "{told}");
    let phone = site.app.take().iter().find_map(|message| message.one("x-truecaller-phone").map(str::to_owned));
    let phone = phone.expect("the app hears of the user").trim_start_matches('+').to_owned();
    let secrets = ["secret-path", "secret-query", "secret-header", "unguessable", "91999999", &request_id, &phone];
    for secret in secrets.into_iter().chain(cookies.iter().map(String::as_str)) {
        assert!(!told.contains(&secret.to_ascii_lowercase()), "{secret} in {told}");
    }
}
