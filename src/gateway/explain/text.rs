//! An explanation for people: one line for each thing that was decided, and why.

use std::io::{self, Write};

use super::explanation::{
    Answerer, Assumption, ClientSource, ExplainedAnswer, ExplainedClient, ExplainedRequest, ExplainedRule, Explanation,
};
use crate::session::SentSession;

/// Writes an explanation. The file is that of the configuration.
pub(crate) fn write_text(out: &mut impl Write, file: &str, explanation: &Explanation) -> io::Result<()> {
    let Explanation { listener, request, client, rule, session, forwarded, answer, assumptions } = explanation;
    let mut line = |name: &str, text: String| writeln!(out, "{name:<9} {}", printable(&text));
    match request {
        Some(request) => {
            let host = request.host.as_deref().map(|host| format!(" for {host}")).unwrap_or_default();
            line("request", format!("{}{host}, at {listener}", request.method))?;
            line("path", path(request))?;
        }
        None => {
            let advice = if answer.by == Answerer::Nobody { " (does its head end in an empty line?)" } else { "" };
            line("request", format!("none that the gateway can read, at {listener}{advice}"))?;
        }
    }
    line("client", client_line(client))?;
    if let Some(request) = request.as_ref().filter(|request| request.route == "app") {
        line("rule", rule.as_ref().map_or_else(|| no_rule(request, session.is_some()), |rule| rule_line(file, rule)))?;
    }
    if let Some(session) = session {
        line("session", session_words(*session).to_owned())?;
    }
    if let Some(forwarded) = forwarded {
        let servers = forwarded.servers.join(", ");
        line("app", format!("{} ({servers})", forwarded.upstream))?;
        let stripped = &forwarded.stripped;
        line("stripped", list(&[("headers", &stripped.headers), ("cookies", &stripped.cookies)]))?;
        let names = forwarded.injected.iter().map(|header| header.name.clone()).collect::<Vec<_>>();
        line("injected", list(&[("headers", &names)]))?;
    }
    line("answer", answer_line(answer))?;
    for assumption in assumptions {
        line("assumed", assumption_words(*assumption).to_owned())?;
    }
    Ok(())
}

fn path(request: &ExplainedRequest) -> String {
    match (request.route, &request.path, &request.raw_path) {
        ("app", Some(path), Some(raw)) if path == raw => path.clone(),
        ("app", Some(path), Some(raw)) => format!("{path} (spelled {raw})"),
        ("app", _, Some(raw)) => format!("{raw}, which servers read in several ways"),
        (_, Some(path), _) => format!("{path}, a route of truegate's own"),
        ("callback", ..) => "the callback path (masked), or one that could be read as it".to_owned(),
        (route, ..) => format!("the {route} path, or one that could be read as it"),
    }
}

fn client_line(client: &ExplainedClient) -> String {
    let address = client.address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
    let scheme = client.scheme.map(|scheme| format!(" by {scheme}")).unwrap_or_default();
    let peer = client.peer.map_or_else(|| "the peer of the Unix socket".to_owned(), |peer| format!("the peer {peer}"));
    let why = match (client.source, client.is_trusted) {
        (ClientSource::Peer, true) => "the peer, a trusted proxy that names no other client".to_owned(),
        (ClientSource::Peer, false) => "the peer of the connection".to_owned(),
        (ClientSource::ProxyProtocol, _) if client.address.is_none() => {
            format!("the PROXY header of {peer} names nobody")
        }
        (ClientSource::ProxyProtocol, _) => format!("named by the PROXY header of {peer}"),
        (ClientSource::ForwardedFor, _) => format!("named by X-Forwarded-For of {peer}, a trusted proxy"),
    };
    let ignored = match &client.ignored[..] {
        [] => String::new(),
        names => format!("; {} ignored, because {peer} is not in trusted_proxies", names.join(", ")),
    };
    format!("{address}{scheme}: {why}{ignored}")
}

fn rule_line(file: &str, rule: &ExplainedRule) -> String {
    let place = match (rule.line, rule.column) {
        (Some(line), Some(column)) => format!(" ({file}:{line}:{column})"),
        _ => String::new(),
    };
    let access = rule.access.map(|access| format!(", access {access}")).unwrap_or_default();
    format!("{}{place}{access}", rule.key)
}

fn no_rule(request: &ExplainedRequest, has_sessions: bool) -> String {
    match (&request.path, has_sessions) {
        (_, false) => "none matches; without sessions every path is open".to_owned(),
        (None, true) => "none, because different rules match the readings of the path".to_owned(),
        (Some(_), true) => "none matches, so a login is required".to_owned(),
    }
}

fn session_words(session: SentSession) -> &'static str {
    match session {
        SentSession::Absent => "none: there is neither a cookie nor a token",
        SentSession::Unreadable => "none: no secret of this configuration opens the cookie for this host",
        SentSession::Over => "over: its time has passed, or its user has logged out",
        SentSession::InvalidToken => "none: the token is worth nothing",
        SentSession::Valid => "valid: a secret of this configuration opens it, and its time has not passed",
        SentSession::Conflicting => "none: the token is of one user and the cookie of another",
        SentSession::Unknown => "unknown: nobody knows whether its user has logged out",
    }
}

fn answer_line(answer: &ExplainedAnswer) -> String {
    let cookies = match &answer.cookies[..] {
        [] => String::new(),
        names => format!("; truegate sets the cookies {}", names.join(", ")),
    };
    let code = answer.code.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
    let text = match (answer.by, answer.status) {
        (Answerer::App, _) => "that of the app".to_owned(),
        (Answerer::Truegate, Some(status)) => {
            let location = answer.location.as_ref().map(|location| format!(", to {location}")).unwrap_or_default();
            format!("{status}{code} by truegate{location}")
        }
        _ => format!("none{code}: the connection is closed"),
    };
    format!("{text}{cookies}")
}

fn assumption_words(assumption: Assumption) -> &'static str {
    match assumption {
        Assumption::StoreNotAsked => "the store was not asked: no login is pending, and nobody has logged out",
        Assumption::ProfileConfirmed => "Truecaller was not asked: it confirms the user, whose profile has every field",
    }
}

fn list(parts: &[(&str, &Vec<String>)]) -> String {
    let told = parts.iter().filter(|(_, names)| !names.is_empty());
    let told: Vec<_> = told.map(|(what, names)| format!("{what} {}", names.join(", "))).collect();
    if told.is_empty() { "nothing".to_owned() } else { told.join("; ") }
}

/// A text of a client without what a terminal would obey: controls, line separators, and marks that are not seen or change the order
/// of what is shown.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
                shown.extend(character.escape_unicode());
            }
            _ if character.is_control() => shown.extend(character.escape_default()),
            _ => shown.push(character),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_that_is_shown() {
        for (text, shown) in [
            ("/a b?c\"\\", "/a b?c\"\\"),
            ("/नमस्ते/வணக்கம்/été", "/नमस्ते/வணக்கம்/été"),
            ("a\x1b[2J\n\u{9b}31m", "a\\u{1b}[2J\\n\\u{9b}31m"),
            ("/a\u{202e}b\u{2066}\u{200f}\u{feff}", "/a\\u{202e}b\\u{2066}\\u{200f}\\u{feff}"),
            ("/a\u{200b}\u{2028}\u{61c}\u{85}\u{7f}", "/a\\u{200b}\\u{2028}\\u{61c}\\u{85}\\u{7f}"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }
}
