//! The user's phone: a page that plays Truecaller's app.
//!
//! A site whose deep links begin with its URL in place of `truecallersdk://truesdk/web_verify` can be logged in to
//! with a browser alone.

mod answer;
mod html;
mod link;
mod page;

use std::sync::Arc;

use axum::{
    extract::State,
    response::{Html, IntoResponse, Response},
};
use http::{StatusCode, Uri, header::CACHE_CONTROL};

use self::{answer::Reaction, link::Link};
use super::{Call, place, shared::Shared};

/// `GET`: the app opens, and Truecaller posts `flow_invoked`.
pub(super) async fn open(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let link = match Link::parse(uri.query().unwrap_or_default()) {
        Ok(link) => link,
        Err(error) => return show(StatusCode::BAD_REQUEST, page::error(&error.to_string())),
    };
    let told = report(&shared, Call::flow_invoked().request_id(&link.nonce)).await;
    show(StatusCode::OK, page::dialog(&link, &told))
}

/// `POST`: the user has tapped a button.
pub(super) async fn answer(State(shared): State<Arc<Shared>>, form: String) -> Response {
    let Some(reaction) = Reaction::parse(&form) else {
        return show(StatusCode::BAD_REQUEST, page::error("The form has no nonce, or no answer that a button has."));
    };
    let told = report(&shared, reaction.call()).await;
    show(StatusCode::OK, page::answered(&told))
}

/// Posts a callback to where the site wants them, and tells what came of it.
async fn report(shared: &Shared, call: Call) -> String {
    let Some(url) = shared.callback_url() else { return page::NO_CALLBACK_URL.to_owned() };
    match place(shared, &url, call).await {
        Ok(posted) => page::exchange(&posted),
        Err(error) => format!("No callback was answered: {}.", error.with_causes()),
    }
}

fn show(status: StatusCode, page: String) -> Response {
    (status, [(CACHE_CONTROL, "no-store")], Html(page)).into_response()
}

/// The path of the deep link, under the simulator's own origin.
pub(super) const PATH: &str = "/truesdk/web_verify";
/// Where the page's form goes.
pub(super) const ANSWER_PATH: &str = "/simulator/phone";
