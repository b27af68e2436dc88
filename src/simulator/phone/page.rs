//! What the phone shows.

use super::{ANSWER_PATH, answer::DOCUMENTED_PHONE, html::escape, link::Link};
use crate::simulator::Posted;

/// The dialog that asks the user.
pub(super) fn dialog(link: &Link, told: &str) -> String {
    let Link { nonce, partner, lang } = link;
    let (nonce, partner, lang, told) = (escape(nonce), escape(partner), escape(lang), escape(told));
    frame(&format!(
        r#"<h1>Log in to <span id="partner">{partner}</span>?</h1>
<p>Language of the dialog: <span id="lang">{lang}</span></p>
<form method="post" action="{ANSWER_PATH}">
<input type="hidden" name="nonce" value="{nonce}">
<p><label>Your number <input id="phone" name="phone" value="{DOCUMENTED_PHONE}" inputmode="tel"></label></p>
<p><button id="agree" name="answer" value="agree">Agree</button>
<button id="refuse" name="answer" value="refuse">Refuse</button>
<button id="another" name="answer" value="another">Use another number</button></p>
</form>
<pre id="told">{told}</pre>"#
    ))
}

/// What came of the user's answer.
pub(super) fn answered(told: &str) -> String {
    let told = escape(told);
    frame(&format!("<h1>Done</h1>\n<p>Go back to the site.</p>\n<pre id=\"told\">{told}</pre>"))
}

/// A link or a form that the app could do nothing with.
pub(super) fn error(reason: &str) -> String {
    let reason = escape(reason);
    frame(&format!("<h1>Nothing to log in to</h1>\n<p id=\"error\">{reason}</p>"))
}

/// What was posted and what the site answered, for people.
pub(super) fn exchange(posted: &[Posted]) -> String {
    let told = posted
        .iter()
        .map(|Posted { body, answer }| format!("Posted {}\nAnswered {}", String::from_utf8_lossy(body), answer.status));
    told.collect::<Vec<_>>().join("\n")
}

fn frame(content: &str) -> String {
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Truecaller (simulated)</title>
<link rel="icon" href="data:,">
<style>
:root {{ color-scheme: light dark }}
body {{ margin: 0 auto; max-width: 26rem; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere }}
button, input {{ min-height: 44px; padding: .5rem 1rem; font: inherit; max-width: 100% }}
h1 {{ font-size: 1.5rem; line-height: 1.25 }}
button {{ margin: 0 .25rem .5rem 0 }}
input {{ display: block; width: 100%; box-sizing: border-box }}
pre {{ white-space: pre-wrap; font-size: .875rem }}
</style>
</head>
<body>
<main>
<p><strong>This plays the Truecaller app. Nobody else is asked.</strong></p>
{content}
</main>
</body>
</html>
"#
    )
}

/// What is told when callbacks have nowhere to go.
pub(super) const NO_CALLBACK_URL: &str = "\
No callback was posted: the simulator knows no callback URL. Give it one by PUT /simulator/callback-url.";
