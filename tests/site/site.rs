//! A site: gateways of one configuration, in front of an app that records.

use std::{
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use serde_json::json;
use tokio::time::sleep;
use truegate::simulator::{Call, Simulator};

use crate::support::{
    edge::{
        Sessions,
        sessions::{Need, Store},
    },
    program::Program,
    raw::{Message, within},
    recorder::Recorder,
    redis::{Redis, until},
    visitor::Visitor,
};

pub const SESSION: &str = "__Host-truegate";
pub const CALLBACK: &str = "/hooks/unguessable-4f1c9e07ab52d8364bf1";

pub struct Site {
    pub truecaller: Simulator,
    pub app: Recorder,
    pub sessions: Sessions,
    /// What else its configuration says.
    pub more: String,
}

impl Site {
    /// A site whose gateways share what a server keeps.
    pub async fn on(redis: &Redis) -> Self {
        Self::keeping(Store::Redis(redis.url())).await
    }

    pub async fn keeping(store: Store) -> Self {
        let rules = vec![("/public/", Need::Public), ("/account/", Need::Required), ("/", Need::Optional)];
        let sessions = Sessions { rules, store, ..Sessions::usual() };
        let truecaller = Simulator::start().await.unwrap();
        Self { truecaller, app: Recorder::start().await, sessions, more: String::new() }
    }

    /// Starts one more gateway.
    pub fn gateway(&self) -> Program {
        self.gateway_with(|command| _ = command.env_remove("RUST_LOG"))
    }

    /// Starts one more gateway, in an environment of its own.
    pub fn gateway_with(&self, prepare: impl FnOnce(&mut Command)) -> Program {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        std::fs::write(&path, self.config()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_truegate"));
        command.arg("serve").arg("--config").arg(path).stdin(Stdio::null());
        prepare(&mut command);
        Program::start(command, folder)
    }

    /// Has Truecaller call back at a gateway; gives what it posted, and the status that it was answered with.
    pub async fn call(&self, gateway: &Program, call: Call, request_id: &str) -> (Vec<u8>, u16) {
        let url = format!("http://{}{CALLBACK}", gateway.address());
        let posted = self.truecaller.call(&url, call.request_id(request_id)).await.unwrap().remove(0);
        (posted.body.to_vec(), posted.answer.status.as_u16())
    }

    /// Somebody whose browser has signed in at a gateway.
    pub async fn signed_in(&self, gateway: &Program, person: usize) -> Visitor {
        let mut browser = visitor(gateway);
        let request_id = browser.start_login().await;
        let (_, status) = self.call(gateway, Call::grant().profile(profile(person)), &request_id).await;
        assert_eq!((status, &*browser.state_after(&request_id, "pending").await), (204, "verified"));
        assert_eq!(again(async || browser.get("/.truegate/me").await).await.status(), 200);
        browser
    }

    /// The one request that reached the app since the last time.
    pub fn reached_once(&self) -> Message {
        let mut reached = self.app.take();
        assert_eq!(reached.len(), 1, "{reached:#?}");
        reached.remove(0)
    }

    fn config(&self) -> String {
        format!(
            "listen: 127.0.0.1:0\n{}upstream: http://{}\n\
             callback: {{ path: {CALLBACK}, deadline: 60s }}\ntruecaller: {{ endpoints: ['{}'] }}\n{}{}",
            self.sessions.admin_yaml(),
            self.app.address(),
            self.truecaller.endpoint(),
            self.sessions.yaml(),
            self.more
        )
    }
}

/// A browser without cookies, which asks this gateway.
pub fn visitor(gateway: &Program) -> Visitor {
    Visitor::at(gateway.address(), Sessions::ORIGIN)
}

/// What Truecaller knows of somebody.
pub fn profile(person: usize) -> String {
    let name = json!({ "first": "Zaphodina", "last": format!("Beeblebroxova{person}") });
    let (phone, user) = (PHONES + person, format!("user-{person}-"));
    json!({ "phoneNumbers": [phone], "userId": user, "isActive": true, "name": name }).to_string()
}

/// Their number.
pub fn phone(person: usize) -> String {
    format!("+{}", PHONES + person)
}

/// Asks until the answer is not that the store is away: no request waits for it for long, and the machine may be busy.
pub async fn again(mut ask: impl AsyncFnMut() -> Message) -> Message {
    within(async {
        loop {
            match ask().await {
                refused if refused.status() == 503 => sleep(Duration::from_millis(50)).await,
                answer => return answer,
            }
        }
    })
    .await
}

/// The end of a gateway, and its log; Truecaller and the app go on meanwhile.
pub async fn ended(gateway: Program) -> (ExitStatus, Vec<String>) {
    within(tokio::task::spawn_blocking(|| gateway.wait())).await.unwrap()
}

/// Which state Redis keeps of a login.
pub fn kept_state(redis: &Redis, request_id: &str) -> String {
    redis.command(&["HGET", &login_key(request_id), "state"])
}

/// Waits until Redis keeps a login as verified.
pub async fn until_verified(redis: &Redis, request_id: &str) {
    until(async || kept_state(redis, request_id) == "verified").await;
}

pub fn login_key(request_id: &str) -> String {
    format!("{{truegate}}:login:{request_id}")
}

/// How often gateways have asked a server about logins, or told it of logouts.
pub fn asked(redis: &Redis) -> u64 {
    redis.statistic("commandstats", "cmdstat_evalsha:calls")
}

/// How often gateways have asked a server for logouts.
pub fn asked_for_logouts(redis: &Redis) -> u64 {
    redis.statistic("commandstats", "cmdstat_xrange:calls")
}

const PHONES: usize = 918_765_432_000;
