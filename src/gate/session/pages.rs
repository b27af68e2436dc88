//! The pages that people see, filled in for one request.

use http::{HeaderMap, StatusCode, header, request::Parts};
use rand_core::OsRng;

use super::{desk::Desk, login::query, reply};
use crate::{
    gate::Reply,
    session::{
        self, ReturnPath,
        page::{self, Language, LoginView, Pages, PagesError},
    },
};

impl Desk {
    /// `GET login`: the page alone; its script asks for a login.
    pub(super) fn login_page(&self, head: &Parts) -> Reply {
        let style_nonce = session::random_text(&mut OsRng);
        let next = ReturnPath::or_root(query(head, "next").as_deref());
        let view = LoginView {
            language: language(&head.headers),
            path: self.mode.path.as_str(),
            next: next.as_str(),
            fallback: self.mode.fallback.as_str(),
            partner: self.mode.partner.name(),
            style_nonce: &style_nonce,
        };
        let html = self.render(|pages| pages.login(&view));
        reply::page(StatusCode::OK, html).with_policy(&page::csp(&style_nonce))
    }

    /// A page from the operator's template, or from ours if that fails now, although it did not when it was loaded.
    fn render(&self, fill_in: impl Fn(&Pages) -> Result<String, PagesError>) -> String {
        let page = fill_in(&self.mode.pages).or_else(|_| fill_in(&Pages::default()));
        page.expect("the built-in pages can be filled in with anything")
    }
}

fn language(headers: &HeaderMap) -> Language {
    let lines = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|line| line.to_str().ok());
    Language::negotiate(&lines.collect::<Vec<_>>().join(","))
}
