//! What sessions do for their gate, as its plugin.

use std::borrow::Cow;

use futures_core::future::BoxFuture;
use http::{HeaderValue, Request, header, request::Parts};

use super::{
    Sessions, cookie_owners::drop_pairs, overrides::strip_overrides, page_answers::PageRequest, route::Route,
    token::drop_tokens,
};
use crate::{
    gate::{
        Gate, Rejection, Reply, Step,
        plugin::{CallbackHandler, Inspection, Plugin, VerifiedAppLogin, Withheld},
    },
    headers::{HeaderTarget, ResponseEdits, cased},
};

impl Plugin for Sessions {
    fn prefix(&self) -> Option<&str> {
        Some(self.0.path.as_str())
    }

    fn check_host(&self, head: &Parts) -> Result<(), Rejection> {
        self.0.check_host(head)
    }

    fn inspect(&self, gate: &Gate, head: &Parts, withheld: &Withheld) -> Option<Step> {
        Some(match Route::of(&self.0.path, head.uri.path()) {
            Some(route) => self.handler_of(gate, head).serve(route, &whole(head, withheld)),
            None => self.handler_of(gate, head).admit(head, withheld),
        })
    }

    fn reserves(&self, path: &str) -> bool {
        self.0.path.covers(path)
    }

    fn asks_for_client(&self, path: &str) -> bool {
        self.0.fallback_page.as_ref().is_some_and(|page| page.covers(path))
    }

    fn take_callback(&self, gate: &Gate, head: &Parts) -> Option<CallbackHandler> {
        let handler = self.handler(gate).owned();
        let request = head.extensions.clone();
        // Only the app gets to see the head again.
        let head = self.0.delivery.as_ref().map(|_| head.clone());
        Some(Box::new(move |callback, body| {
            let posted = head.map(|head| Request::from_parts(head, body));
            Box::pin(async move { handler.borrow().acknowledge(callback, request, posted).await })
        }))
    }

    fn check_app_host(&self, head: &Parts) -> Result<(), Rejection> {
        let realm = self.0.public_urls.realm(self.0.origin_of(head));
        realm.map(drop).ok_or(Rejection::MisdirectedRequest)
    }

    fn admit_app<'a>(
        &'a self,
        gate: &'a Gate,
        head: &'a Parts,
        login: &'a VerifiedAppLogin,
    ) -> Option<BoxFuture<'a, Result<Reply, Rejection>>> {
        Some(Box::pin(async move { self.handler_of(gate, head).admit_app(login).await }))
    }

    fn explain(&self, refused: Reply, code: &str, head: &Parts) -> Reply {
        self.0.explain(refused, code, PageRequest::of(head, self.0.public_urls.get(self.0.origin_of(head))))
    }

    fn withhold(&self, target: &mut dyn HeaderTarget) -> Option<Withheld> {
        let cookies: Vec<_> = target.headers().get_all(header::COOKIE).iter().cloned().collect();
        let is_changed = drop_pairs(target, |pair| self.0.cookies.are_read_in(pair));
        let cookies = if is_changed { cookies } else { Vec::new() };
        Some(Withheld { cookies, tokens: drop_tokens(target), ..Withheld::default() })
    }

    fn strip_request(&self, inspection: Inspection<'_>, target: &mut dyn HeaderTarget) {
        drop_tokens(target);
        let is_ours = |pair: &[u8]| self.0.cookies.are_read_in(pair);
        match inspection {
            Inspection::Skipped => drop_pairs(target, |pair| is_ours(pair) || self.0.is_listed(pair)),
            Inspection::Done(edits) => {
                strip_overrides(edits.sender, target);
                drop_pairs(target, |pair| is_ours(pair) || self.0.is_listed(pair) && !edits.keeps(pair))
            }
        };
    }

    fn strip_response(&self, target: &mut dyn HeaderTarget) -> bool {
        let ours = |line: &&HeaderValue| self.0.cookies.is_set_by(line.as_bytes());
        if !target.headers().get_all(header::SET_COOKIE).iter().any(|line| ours(&line)) {
            return false;
        }
        let others = target.headers().get_all(header::SET_COOKIE).iter().filter(|line| !ours(line));
        let others: Vec<_> = others.cloned().collect();
        target.remove(&header::SET_COOKIE);
        others.into_iter().for_each(|line| target.append(&cased::SET_COOKIE, line));
        true
    }

    fn set_cookies(&self, edits: &ResponseEdits, target: &mut dyn HeaderTarget) -> bool {
        edits.app.as_ref().is_some_and(|app| self.0.mark_cookies(&app.owner, target))
    }

    fn prepare<'a>(&'a self, gate: &'a Gate) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.handler(gate).prepare().await })
    }

    fn stop_waiting(&self) {
        self.0.memory.stop_waiting();
    }
}

/// The head as it came, with the credentials that an edge has withheld.
pub(super) fn whole<'a>(head: &'a Parts, Withheld { cookies, tokens, .. }: &Withheld) -> Cow<'a, Parts> {
    if cookies.is_empty() && tokens.is_empty() {
        return Cow::Borrowed(head);
    }
    let mut head = head.clone();
    if !cookies.is_empty() {
        head.headers.remove(header::COOKIE);
    }
    for line in cookies {
        head.headers.append(header::COOKIE, line.clone());
    }
    for line in tokens {
        head.headers.append(header::AUTHORIZATION, line.clone());
    }
    Cow::Owned(head)
}
