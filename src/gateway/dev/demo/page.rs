//! The pages of the sample app.

use clap::builder::styling::Style;

use super::Receipt;

/// The page that answers a request: a greeting, a way in or out, and the request itself.
pub(super) fn of(receipt: &Receipt) -> String {
    let greeting = match (receipt.path(), receipt.header("x-truecaller-phone")) {
        (FALLBACK, _) => OTHER_WAY.to_owned(),
        (_, None) => format!("<h1>Hello, stranger!</h1>\n{LOGIN}"),
        (_, Some(phone)) => format!("<h1>Hello, {}!</h1>\n{LOGOUT}", escape(&phone)),
    };
    let told = match receipt.injected(Style::new()) {
        told if told.is_empty() => "Nothing: there is no login.".to_owned(),
        told => escape(&told),
    };
    let request = escape(&receipt.text(Style::new()));
    format!("{HEAD}<main>\n{greeting}\n{TOLD}<pre>{told}</pre>\n{REQUEST}<pre>{request}</pre>\n</main>\n")
}

/// A text as HTML that shows it, in an element.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A sample app</title>
<link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
main { max-width: 40rem; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.5rem }
h2 { font-size: 1rem; margin-top: 2rem }
a, button { display: inline-block; min-height: 44px; padding: .5rem 1rem; font: inherit; box-sizing: border-box }
a { border-radius: .5rem; background: #0061d5; color: #fff; text-decoration: none }
pre { white-space: pre-wrap; font-size: .875rem }
</style>
"#;
const LOGIN: &str = r#"<p><a id="login" href="/.truegate/login?next=/account/">Log in with Truecaller</a></p>"#;
const LOGOUT: &str = r#"<form method="post" action="/.truegate/logout"><button id="logout" name="next" value="/">Log out</button></form>"#;
const OTHER_WAY: &str = r#"<h1>Another way to log in</h1>
<p>Here the app would ask for a password, or send a code.</p>
<p><a href="/">Back to the start</a></p>"#;
const TOLD: &str = "<h2>What the gateway tells the app</h2>\n";
const REQUEST: &str = "<h2>The whole request</h2>\n";
/// Where the gateway sends who did not agree.
const FALLBACK: &str = "/login";

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Request;

    use super::*;

    fn page(request: http::request::Builder) -> String {
        let (head, ()) = request.body(()).unwrap().into_parts();
        of(&Receipt::new(head, Bytes::from_static(b"<b>&")))
    }

    #[test]
    fn a_page_greets_whom_the_gateway_names() {
        assert!(page(Request::get("/")).contains("<h1>Hello, stranger!</h1>"));
        let known = page(Request::get("/").header("x-truecaller-phone", "+919999999999"));
        assert!(known.contains("<h1>Hello, +919999999999!</h1>") && known.contains("/.truegate/logout"), "{known}");
    }

    #[test]
    fn whatever_is_sent_stays_text() {
        let page = page(Request::get("/").header("x-truecaller-phone", "<script>").header("a", "</pre><script>"));
        assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
        assert_eq!(page.matches("</pre>").count(), 2);
    }
}
