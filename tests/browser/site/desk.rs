//! The logins of the site.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
};

use serde_json::json;
use tokio::sync::watch;
use truegate::{
    callback::{Callback, Endpoints, RequestId},
    session::DeepLinks,
};

/// What the site knows of its logins.
pub(super) struct Desk {
    pub(super) links: DeepLinks,
    logins: Mutex<HashMap<String, watch::Sender<&'static str>>>,
    pub(super) started: AtomicUsize,
    /// For how many seconds a login lives.
    pub(super) lifetime: AtomicU64,
    pub(super) unavailable: AtomicBool,
    /// Whether a profile cannot be used.
    pub(super) fails: AtomicBool,
}

impl Desk {
    pub(super) fn new(links: DeepLinks) -> Self {
        Self {
            links,
            logins: Mutex::default(),
            started: AtomicUsize::new(0),
            lifetime: AtomicU64::new(180),
            unavailable: AtomicBool::new(false),
            fails: AtomicBool::new(false),
        }
    }

    /// Starts a login, if one can be started.
    pub(super) fn begin(&self) -> Option<RequestId> {
        if self.unavailable.load(SeqCst) {
            return None;
        }
        let number = self.started.fetch_add(1, SeqCst);
        let body = json!({ "requestId": format!("a-nonce-{number:08}="), "status": "flow_invoked" }).to_string();
        let Ok(Callback::Decline(decline)) = Callback::parse(body.as_bytes(), &Endpoints::default()) else {
            unreachable!("it is a callback");
        };
        let nonce = decline.request_id().clone();
        self.logins.lock().unwrap().insert(nonce.expose().to_owned(), watch::Sender::new("pending"));
        Some(nonce)
    }

    pub(super) fn login(&self, nonce: &str) -> Option<watch::Receiver<&'static str>> {
        self.logins.lock().unwrap().get(nonce).map(watch::Sender::subscribe)
    }

    /// Takes a callback.
    pub(super) fn hear(&self, callback: &HashMap<String, String>) {
        let state = match callback.get("status").map(String::as_str) {
            None if self.fails.load(SeqCst) => "failed",
            None => "verified",
            Some("flow_invoked") => "opened",
            Some("user_rejected") => "refused",
            Some("use_another_number") => "another_number",
            Some(other) => unreachable!("{other}"),
        };
        let logins = self.logins.lock().unwrap();
        logins[&callback["requestId"]].send_if_modified(|now| {
            let moves = ["pending", "opened"].contains(now) && *now != state;
            if moves {
                *now = state;
            }
            moves
        });
    }

    pub(super) fn expire(&self) {
        for login in self.logins.lock().unwrap().values() {
            login.send_replace("expired");
        }
    }
}
