//! Who a browser is, by its cookie and by who was logged out.

use std::{
    future::poll_fn,
    task::Poll,
    time::{Duration, SystemTime},
};

use futures_core::future::BoxFuture;
use http::{HeaderMap, HeaderValue};
use tokio::sync::oneshot;

use super::{
    Mode, Sessions,
    desk::{Desk, STORE_DEADLINE},
    revocation::Revocation,
    revocations::Judgement,
};
use crate::{
    gate::Gate,
    session::{
        Purpose, Session,
        cookies::{Kind, Value},
    },
};

/// Who a browser is.
pub(super) enum Standing {
    /// Nobody: it has no cookie, or one that was not sealed here and may be another gateway's.
    Nobody,
    /// It has the cookie of a session that is over.
    Worthless,
    Known(Session),
    /// It had a session, and nobody can tell whether that goes on, for the store is silent.
    Unsure(Session),
}

/// What a session's cookie turns out to be.
enum Opened {
    Session(Session),
    /// A session that has lasted its time.
    Over,
    /// It does not open: somebody else sealed it, or changed it.
    Foreign,
}

/// What a head alone says of a browser.
pub(super) enum Claim {
    Settled(Standing),
    /// The store has to be asked about it.
    Open(Session),
}

impl Sessions {
    /// Who a browser is, as far as that is known without asking.
    pub(super) fn claim(&self, gate: &Gate, headers: &HeaderMap) -> Claim {
        let mode = &self.0;
        match mode.cookies.find(Kind::Session, headers) {
            Value::Absent | Value::Several => Claim::Settled(Standing::Nobody),
            Value::One(sealed) => match mode.open(sealed, gate.clock().wall()) {
                Opened::Session(session) => mode.judge(gate, session),
                Opened::Over => Claim::Settled(Standing::Worthless),
                Opened::Foreign => Claim::Settled(Standing::Nobody),
            },
        }
    }
}

impl Desk {
    /// Who a browser is.
    pub(super) async fn standing(&self, headers: &HeaderMap) -> Standing {
        match Sessions(self.mode.clone()).claim(&self.gate, headers) {
            Claim::Settled(standing) => standing,
            Claim::Open(session) => self.settle(session).await,
        }
    }

    /// Asks the store who was logged out, then judges.
    pub(super) async fn settle(&self, session: Session) -> Standing {
        let judgement = self.judge_afresh(&session).await;
        standing(session, judgement)
    }

    /// Whether a session has been ended, as far as is known now.
    pub(super) async fn is_revoked(&self, session: &Session) -> bool {
        self.judge_afresh(session).await == Judgement::Revoked
    }

    /// Asks the store who was logged out, and tells what can be said of a session then.
    pub(super) async fn judge_afresh(&self, session: &Session) -> Judgement {
        self.refresh().await;
        self.judgement(session)
    }

    fn judgement(&self, session: &Session) -> Judgement {
        let (mode, now) = (&self.mode, self.gate.clock().now());
        mode.revocations.judge_anyway(session, now, mode.revocation_grace)
    }

    /// Learns who was logged out of late, or what of it comes while it is worth waiting.
    async fn refresh(&self) {
        let (revocations, now) = (&self.mode.revocations, self.gate.clock().now());
        revocations.forget(self.gate.clock().wall());
        if revocations.take_turn(now) {
            let _ = self.begin(Asking(self.clone()).ask()).await;
        }
        self.gate.by(now + HEARING, revocations.heard()).await;
    }

    /// Runs a task, which outlives the request that began it, and gives its output or where to wait for it. A task that is
    /// ready at once is not spawned.
    pub(super) async fn begin<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, oneshot::Receiver<T>> {
        let mut task: BoxFuture<'static, T> = Box::pin(task);
        if let Poll::Ready(output) = poll_fn(|cx| Poll::Ready(task.as_mut().poll(cx))).await {
            return Ok(output);
        }
        let (tell, told) = oneshot::channel();
        self.mode.tasks.spawn(Box::pin(async move {
            // The request that waits for it may be gone.
            let _ = tell.send(task.await);
        }));
        Err(told)
    }

    /// The line that keeps a session's cookie fresh, if it is time for that.
    pub(super) fn renewal(&self, session: &Session) -> Option<HeaderValue> {
        self.mode.renewal(session, self.gate.clock().wall())
    }
}

/// A turn to ask the store; when it is dropped, another may.
struct Asking(Desk);

impl Asking {
    /// Asks page by page, until the store has nothing more to say.
    async fn ask(self) {
        let Desk { gate, mode } = &self.0;
        loop {
            let (asked, place) = (gate.clock().now(), mode.revocations.place());
            let Ok((sealed, place)) = self.0.ask(STORE_DEADLINE, mode.store.revocations(&place)).await else { return };
            if sealed.is_empty() {
                return mode.revocations.is_up_to_date(asked);
            }
            mode.revocations.hear(sealed.iter().filter_map(|sealed| Revocation::open(&mode.sealer, sealed)), place);
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.mode.revocations.end_turn(self.0.gate.clock().now());
    }
}

impl Mode {
    pub(super) fn renewal(&self, session: &Session, now: SystemTime) -> Option<HeaderValue> {
        let age = now.duration_since(session.seen()).unwrap_or_default();
        (age >= self.idle / 10).then(|| self.cookie(&session.renewed(now), now))
    }

    /// The line that gives a browser its session.
    pub(super) fn cookie(&self, session: &Session, now: SystemTime) -> HeaderValue {
        let left = session.time_left(self.lifetime, self.idle, now).unwrap_or_default();
        self.cookies.set(Kind::Session, &self.sealer.seal_text(Purpose::Session, &session.to_bytes()), left)
    }

    /// The lines that take a browser's session away, and what the app remembers of it, after a request for a path.
    pub(super) fn forget<'a>(&'a self, path: &'a str) -> impl Iterator<Item = HeaderValue> + 'a {
        std::iter::once(self.cookies.clear(Kind::Session)).chain(self.expire_cookies(path))
    }

    fn open(&self, sealed: &[u8], now: SystemTime) -> Opened {
        let Some(bytes) = self.sealer.open_text(Purpose::Session, sealed) else { return Opened::Foreign };
        let session = Session::from_bytes(&bytes);
        session
            .filter(|session| session.time_left(self.lifetime, self.idle, now).is_some())
            .map_or(Opened::Over, Opened::Session)
    }

    fn judge(&self, gate: &Gate, session: Session) -> Claim {
        match self.revocations.judge(&session, gate.clock().now(), self.revocation_grace) {
            Some(judgement) => Claim::Settled(standing(session, judgement)),
            None => Claim::Open(session),
        }
    }
}

fn standing(session: Session, judgement: Judgement) -> Standing {
    match judgement {
        Judgement::Alive => Standing::Known(session),
        Judgement::Revoked => Standing::Worthless,
        Judgement::Unsure => Standing::Unsure(session),
    }
}

/// How long a request waits for revocations: with the time between two tries, under the second that they may take.
const HEARING: Duration = Duration::from_millis(400);
