//! What a fetch says, and what it does not.

use truegate::simulator::DOCUMENTED_TOKEN;

use super::{client, outcome, support::recorder::Recorder};

const COOKIE: &str = "HTTP/1.1 200 OK\r\nSet-Cookie: session=1\r\nContent-Length: 33\r\n\r\n\
                      {\"phoneNumbers\":[\"919999999999\"]}";

#[tokio::test]
async fn a_fetch_says_the_token_and_nothing_of_anybody_else() {
    let endpoint = Recorder::answering(COOKIE).await;
    let client = client(1);
    let url = format!("http://{}/v1/default", endpoint.address());

    for _ in 0..2 {
        assert_eq!(outcome(&client, &url).await, Ok(()));
    }

    for request in endpoint.take() {
        let mut names: Vec<_> = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        names.sort();
        assert_eq!(names, ["accept", "authorization", "cache-control", "host", "user-agent"]);
        assert_eq!(request.start, "GET /v1/default HTTP/1.1");
        assert_eq!(request.one("authorization"), Some(&*format!("Bearer {DOCUMENTED_TOKEN}")));
        assert_eq!(request.one("cache-control"), Some("no-cache"));
        assert_eq!(request.one("accept"), Some("*/*"));
        assert_eq!(request.one("host"), Some(&*endpoint.address().to_string()));
        assert!(request.one("user-agent").unwrap().starts_with("truegate/"));
        assert!(request.body.is_empty());
    }
}
