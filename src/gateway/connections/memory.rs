//! What the gateway remembers of an HTTP/1 connection from one request to the next, and how long it waits for each head.
//!
//! A connection has one timer, which is set again only when it fires. pingora would make one for each request.

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    net::IpAddr,
    ops::Range,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU16, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};

use http::{HeaderValue, StatusCode};
use tokio::time::{Sleep, sleep_until};

/// The memory of one connection.
#[derive(Default)]
pub(super) struct ConnectionMemory {
    pub(super) progress: Arc<Progress>,
    /// The client of its last request, and the text of the address. A trusted proxy sends the requests of many clients.
    client: RefCell<Option<(IpAddr, HeaderValue)>>,
    /// When the connection is closed unless the whole head of a request has come. None while a request is served, or without a limit.
    closes_at: Cell<Option<Instant>>,
}

/// How far the requests of a connection have come. Those who read its bytes write it.
#[derive(Default)]
pub(in crate::gateway) struct Progress {
    /// Whether the first head was changed while it was read.
    has_changed_head: AtomicBool,
    /// Whether a request has begun to come, or is being answered.
    is_busy: AtomicBool,
    /// Whether a request has ended.
    is_used: AtomicBool,
    is_web_socket: AtomicBool,
    /// Whether a request is being answered, whose head was read.
    is_serving: AtomicBool,
    /// The status with which pingora itself answered a head that it could not read; 0 without such an answer.
    unread_status: AtomicU16,
}

impl ConnectionMemory {
    /// The memory of a new connection, whose first head has to come by this instant.
    pub(in crate::gateway) fn new(closes_at: Option<Instant>) -> Self {
        Self { closes_at: Cell::new(closes_at), ..Self::default() }
    }

    /// Serves the connection; meanwhile its task has this memory. Returns none if a head takes too long to come.
    pub(super) async fn serve<T>(self, serving: impl Future<Output = Option<T>>) -> Option<T> {
        // In a box, because tokio moves it at each poll.
        MEMORY.scope(Box::new(self), within_limit(serving)).await
    }
}

async fn within_limit<T>(serving: impl Future<Output = Option<T>>) -> Option<T> {
    let (mut serving, mut timer) = (pin!(serving), None);
    poll_fn(|cx| {
        if let Poll::Ready(output) = serving.as_mut().poll(cx) {
            return Poll::Ready(output);
        }
        match MEMORY.with(|memory| memory.closes_at.get()) {
            Some(closes_at) if poll_timer(closes_at, &mut timer, cx) => Poll::Ready(None),
            _ => Poll::Pending,
        }
    })
    .await
}

/// Whether an instant has come. If not, the timer wakes the task by then.
fn poll_timer(instant: Instant, timer: &mut Option<Pin<Box<Sleep>>>, cx: &mut Context<'_>) -> bool {
    let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(instant.into())));
    while timer.as_mut().poll(cx).is_ready() {
        if timer.deadline().into_std() >= instant {
            return true;
        }
        timer.as_mut().reset(instant.into());
    }
    false
}

impl Progress {
    /// Takes note that the first head was changed.
    pub(super) fn change_head(&self) {
        self.has_changed_head.store(true, Ordering::Relaxed);
    }

    /// Takes note that bytes came.
    pub(super) fn note_bytes(&self) {
        self.is_busy.store(true, Ordering::Relaxed);
    }

    /// Takes note of bytes that are written. While no request is served, they are pingora's own answer to what it cannot read or
    /// does not take. It then closes the connection.
    pub(super) fn note_answer(&self, bytes: &[u8]) {
        if self.is_serving.load(Ordering::Relaxed) || self.unread_status.load(Ordering::Relaxed) != 0 {
            return;
        }
        let status = bytes.get(STATUS).and_then(|digits| str::from_utf8(digits).ok()?.parse().ok());
        self.unread_status.store(status.unwrap_or(0), Ordering::Relaxed);
    }

    /// The status with which pingora itself answered a head that it could not read.
    pub(super) fn unread_status(&self) -> Option<StatusCode> {
        StatusCode::from_u16(self.unread_status.load(Ordering::Relaxed)).ok()
    }

    /// Whether no byte has come since the last request ended.
    pub(in crate::gateway) fn is_idle(&self) -> bool {
        !self.is_busy.load(Ordering::Relaxed)
    }

    /// Whether no byte has come at all.
    pub(super) fn is_fresh(&self) -> bool {
        self.is_idle() && !self.is_used.load(Ordering::Relaxed)
    }

    /// Whether the app has agreed to make the connection a WebSocket.
    pub(in crate::gateway) fn is_web_socket(&self) -> bool {
        self.is_web_socket.load(Ordering::Relaxed)
    }
}

/// Whether the current task serves a connection whose first head was changed.
pub(in crate::gateway) fn has_changed_head() -> bool {
    MEMORY.try_with(|memory| memory.progress.has_changed_head.load(Ordering::Relaxed)).unwrap_or(false)
}

/// Takes note that the current task serves a request, whose head was read.
pub(in crate::gateway) fn note_request() {
    let _ = MEMORY.try_with(|memory| memory.progress.is_serving.store(true, Ordering::Relaxed));
}

/// Takes note that the head of a request has come whole, so that the connection is not closed meanwhile.
///
/// A pipelined head came with the bytes of the request before it: pingora keeps them, and reads none.
pub(in crate::gateway) fn note_head() {
    let _ = MEMORY.try_with(|memory| {
        memory.progress.note_bytes();
        memory.closes_at.set(None);
    });
}

/// Takes note that the app makes the connection a WebSocket. Its answer is not sent yet.
pub(in crate::gateway) fn note_web_socket() {
    let _ = MEMORY.try_with(|memory| memory.progress.is_web_socket.store(true, Ordering::Relaxed));
}

/// Takes note that the request which the current task served has ended, and when the connection is to be closed unless another
/// request comes.
pub(in crate::gateway) fn note_end(closes_at: Option<Instant>) {
    // A request of HTTP/2 has a task of its own, without a memory.
    let _ = MEMORY.try_with(|memory| {
        memory.progress.is_busy.store(false, Ordering::Relaxed);
        memory.progress.is_used.store(true, Ordering::Relaxed);
        memory.progress.is_serving.store(false, Ordering::Relaxed);
        memory.closes_at.set(closes_at);
    });
}

/// The text of a client's address. It is written once for all requests of the client on a connection.
pub(in crate::gateway) fn address_text(address: IpAddr) -> HeaderValue {
    let remembered = MEMORY.try_with(|memory| match &mut *memory.client.borrow_mut() {
        Some((client, text)) if *client == address => text.clone(),
        client => client.insert((address, write(address))).1.clone(),
    });
    // A request of HTTP/2 has a task of its own, without a memory.
    remembered.unwrap_or_else(|_| write(address))
}

fn write(address: IpAddr) -> HeaderValue {
    HeaderValue::try_from(address.to_string()).expect("an address is visible ASCII")
}

/// Where an answer of HTTP/1 has its status.
const STATUS: Range<usize> = 9..12;

tokio::task_local! {
    static MEMORY: Box<ConnectionMemory>;
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use tokio::time::sleep;

    use super::*;
    use crate::clock::{Clock as _, SystemClock};

    #[tokio::test]
    async fn each_client_of_a_connection_has_its_own_text() {
        let addresses = ["192.0.2.1", "192.0.2.1", "2001:db8::1", "192.0.2.1"];
        let texts = || addresses.map(|address| address_text(address.parse().unwrap()));
        assert_eq!(ConnectionMemory::default().serve(async { Some(texts()) }).await.unwrap(), addresses);
        assert_eq!(texts(), addresses, "and so it is without a memory");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_waits_as_long_for_each_request_as_it_may_and_for_an_answer_as_long_as_it_takes() {
        const IDLE: Duration = Duration::from_secs(3);
        const ANSWER: Duration = Duration::from_secs(50);
        let (start, mut last) = (SystemClock.now(), None);
        let closed = ConnectionMemory::new(Some(start + IDLE)).serve(async {
            for wait in [2, 1, 2] {
                sleep(Duration::from_secs(wait)).await;
                note_head();
                sleep(ANSWER).await;
                note_end(Some(SystemClock.now() + IDLE));
                last = Some(SystemClock.now());
            }
            pending::<Option<()>>().await
        });
        assert_eq!(closed.await, None);
        assert_eq!((last.unwrap() - start).as_secs(), 155, "every request was answered");
        assert_eq!((SystemClock.now() - start).as_secs(), 158);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_head_may_take_as_long_as_the_others() {
        let start = SystemClock.now();
        let memory = ConnectionMemory::new(Some(start + Duration::from_secs(3)));
        assert_eq!(memory.serve(pending::<Option<()>>()).await, None);
        assert_eq!((SystemClock.now() - start).as_secs(), 3);
    }
}
