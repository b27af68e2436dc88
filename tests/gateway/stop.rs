//! The end: what was begun is finished, and nothing holds it up.

use std::time::Duration;

use http::{Request, StatusCode};
use tokio::{
    net::{TcpListener, TcpStream},
    task::yield_now,
};
use truegate::{
    clock::{Clock, SystemClock},
    simulator::{Call, Fault, Simulator},
};

use super::{
    setup::{self, CALLBACK, Talk},
    support::{program::Program, raw, raw::within, recorder::Recorder},
    tls::{Http2, Pair, body, serve, text},
};

/// Until a connection is refused: from then on the gateway stops.
pub(crate) async fn refused(program: &Program) {
    within(async {
        while TcpStream::connect(program.address()).await.is_ok() {
            yield_now().await;
        }
    })
    .await;
}

/// A request that has reached the app.
async fn hold(program: &Program, listener: &TcpListener) -> [Talk<TcpStream>; 2] {
    let mut client = Talk::connect(program.address()).await;
    client.say(raw::get("/slow", "")).await;
    let mut app = Talk::accept(listener).await;
    app.message().await;
    [client, app]
}

#[tokio::test]
async fn a_request_in_flight_gets_its_whole_answer() {
    for signal in ["TERM", "INT", "QUIT"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let program = Program::serve(&setup::config(listener.local_addr().unwrap()));
        let [mut client, mut app] = hold(&program, &listener).await;

        program.signal(signal);
        refused(&program).await;
        let ready = raw::exchange(program.admin(), raw::get("/readyz", "")).await.unwrap();
        app.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n").await;
        app.say(vec![b'a'; 1_000_000]).await;
        let answer = client.message().await;

        assert_eq!(answer.status(), 200);
        assert!(answer.body == vec![b'a'; 1_000_000]);
        assert_eq!((ready.status(), &*ready.text()), (503, "not ready\n"));
        let (status, log) = setup::ended(program).await;
        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(log.last().unwrap().contains(r#""message":"stopped""#), "{log:#?}");
    }
}

/// The answer is of a size that the client's socket takes at once: pingora closes HTTP/2 without waiting for what the
/// client may still say, and then the rest of a larger answer to a slow client is lost.
#[tokio::test]
async fn an_http_2_request_in_flight_gets_its_whole_answer() {
    let (listener, pair) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), Pair::new());
    let program = serve(&pair, &setup::config_without_listener(listener.local_addr().unwrap()));
    let mut client = Http2::connect(&pair, program.address()).await;
    let play = async {
        let mut app = Talk::accept(&listener).await;
        app.message().await;
        program.signal("TERM");
        refused(&program).await;
        app.say("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n").await;
        app.say(vec![b'a'; 60_000]).await;
    };
    let request = Request::get("https://app.example/slow").body(body("")).unwrap();

    let (answer, ()) = tokio::join!(async { text(client.send(request).await).await }, play);

    assert!(answer == "a".repeat(60_000), "{} bytes", answer.len());
    assert_eq!(setup::ended(program).await.0.code(), Some(0));
}

#[tokio::test]
async fn a_callback_that_is_being_verified_is_finished() {
    let (app, simulator) = (Recorder::start().await, Simulator::start().await.unwrap());
    simulator.set_fault(Fault::Held);
    let config = setup::config(app.address()) + &setup::truecaller(&simulator);
    let program = Program::serve(&config);
    let url = format!("http://{}{CALLBACK}", program.address());
    let stop = async {
        within(simulator.wait_for_fetches(1)).await;
        program.signal("TERM");
        refused(&program).await;
        simulator.release();
    };

    let (posted, ()) = tokio::join!(within(simulator.call(&url, Call::grant())), stop);

    assert_eq!(posted.unwrap()[0].answer.status, StatusCode::OK);
    assert_eq!(app.take()[0].one("x-truecaller-status"), Some("verified"));
    assert_eq!(setup::ended(program).await.0.code(), Some(0));
}

const GRACE: Duration = Duration::from_millis(300);
const DEFAULT_GRACE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_request_that_hangs_is_cut_off_after_the_grace() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let grace = format!("shutdown_grace: {}ms\n", GRACE.as_millis());
    let program = Program::serve(&(setup::config(listener.local_addr().unwrap()) + &grace));
    let [mut client, _app] = hold(&program, &listener).await;
    let signalled = SystemClock.now();

    program.signal("TERM");
    let rest = client.rest().await;
    let (status, log) = setup::ended(program).await;
    let taken = SystemClock.now() - signalled;

    assert_eq!((status.code(), &*rest), (Some(0), &b""[..]));
    assert!((GRACE..DEFAULT_GRACE).contains(&taken), "{taken:?}");
    assert!(log.iter().any(|line| line.contains("cut off")), "{log:#?}");
}

#[tokio::test]
async fn connections_that_are_idle_do_not_hold_it_up() {
    let (app, pair) = (Recorder::start().await, Pair::new());
    let program = serve(&pair, &(setup::config_without_listener(app.address()) + "shutdown_grace: 1h\n"));
    let mut used = Talk::over(pair.connect(program.address(), &["http/1.1"]).await.unwrap());
    used.say(raw::get("/", "")).await;
    used.message().await;
    let mut fresh = Talk::connect(program.address()).await;
    let _http_2 = Http2::connect(&pair, program.address()).await;
    let mut admin = Talk::connect(program.admin()).await;
    admin.say(raw::get("/livez", "")).await;
    admin.message().await;

    program.signal("TERM");
    let (status, _) = setup::ended(program).await;

    assert_eq!(status.code(), Some(0));
    assert_eq!((used.rest().await, fresh.rest().await), (vec![], vec![]));
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let program = Program::serve(&(setup::config(listener.local_addr().unwrap()) + "shutdown_grace: 1h\n"));
    let [mut client, _app] = hold(&program, &listener).await;

    program.signal("TERM");
    refused(&program).await;
    program.signal("INT");

    assert_eq!(client.rest().await, b"");
    assert_eq!(setup::ended(program).await.0.code(), Some(0));
}
