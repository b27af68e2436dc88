//! The host that an app sees.

use super::{
    app::{App, telling_host},
    support::{
        program::Program,
        raw::{self, exchange},
    },
};

#[tokio::test]
async fn an_app_sees_the_clients_host_or_its_own_or_a_fixed_one() {
    let app = App::start(telling_host()).await;
    let own = app.address().to_string();
    for (protocol, version) in [("http1", "HTTP/1.1"), ("http2", "HTTP/2.0")] {
        for (mode, host) in
            [("preserve", "app.example"), ("server", own.as_str()), ("wiki.internal:8080", "wiki.internal:8080")]
        {
            let program = Program::serve(&format!(
                "listen: 127.0.0.1:0\nadmin: {{ listen: 127.0.0.1:0 }}\n\
                 upstream: {{ url: 'http://{own}', protocol: {protocol}, host: '{mode}' }}\n"
            ));
            for request in [raw::get("/", ""), raw::get("http://app.example/", "")] {
                let answer = exchange(program.address(), request).await.unwrap();
                assert_eq!(answer.text(), format!("{version} {host} app.example"), "{mode}");
            }
        }
    }
}

#[tokio::test]
async fn a_request_that_names_no_host_gets_that_of_the_server() {
    let app = App::start(telling_host()).await;
    let own = app.address().to_string();
    for protocol in ["http1", "http2"] {
        let program = Program::serve(&format!(
            "listen: 127.0.0.1:0\nadmin: {{ listen: 127.0.0.1:0 }}\n\
             upstream: {{ url: 'http://{own}', protocol: {protocol}, headers: {{ X-Fixed: a }} }}\n"
        ));
        let answer = exchange(program.address(), "GET / HTTP/1.0\r\n\r\n").await.unwrap();
        assert!(answer.text().ends_with(&format!(" {own} ")), "{}", answer.text());
    }
}
