//! What the gateway remembers of an HTTP/1 connection from one request to the next.

use std::{
    cell::RefCell,
    future::Future,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use http::HeaderValue;

/// The memory of one connection.
#[derive(Default)]
pub(super) struct ConnectionMemory {
    pub(super) progress: Arc<Progress>,
    /// The client of its last request, and the text of the address. A trusted proxy sends the requests of many clients.
    client: RefCell<Option<(IpAddr, HeaderValue)>>,
}

/// How far the requests of a connection have come. Those who read its bytes write it.
#[derive(Default)]
pub(super) struct Progress {
    /// Whether the first head was changed while it was read.
    has_changed_head: AtomicBool,
    /// Whether a request has begun to come, or is being answered.
    is_busy: AtomicBool,
}

impl ConnectionMemory {
    /// Serves the connection; meanwhile its task has this memory.
    pub(super) async fn serve<T>(self, serving: impl Future<Output = T>) -> T {
        MEMORY.scope(self, serving).await
    }
}

impl Progress {
    /// Takes note that the first head was changed.
    pub(super) fn change_head(&self) {
        self.has_changed_head.store(true, Ordering::Relaxed);
    }

    /// Takes note that bytes came.
    pub(super) fn begin_request(&self) {
        self.is_busy.store(true, Ordering::Relaxed);
    }

    /// Whether no byte has come since the last request ended.
    pub(super) fn is_idle(&self) -> bool {
        !self.is_busy.load(Ordering::Relaxed)
    }
}

/// Whether the current task serves a connection whose first head was changed.
pub(super) fn has_changed_head() -> bool {
    let changed = |memory: &ConnectionMemory| memory.progress.has_changed_head.load(Ordering::Relaxed);
    MEMORY.try_with(changed).unwrap_or(false)
}

/// Takes note that the request which the current task served has ended.
pub(super) fn end_request() {
    // A request of HTTP/2 has a task of its own, without a memory.
    let _ = MEMORY.try_with(|memory| memory.progress.is_busy.store(false, Ordering::Relaxed));
}

/// The text of a client's address. It is written once for all requests of the client on a connection.
pub(super) fn address_text(address: IpAddr) -> HeaderValue {
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

tokio::task_local! {
    static MEMORY: ConnectionMemory;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_client_of_a_connection_has_its_own_text() {
        let addresses = ["192.0.2.1", "192.0.2.1", "2001:db8::1", "192.0.2.1"];
        let texts = || addresses.map(|address| address_text(address.parse().unwrap()));
        assert_eq!(ConnectionMemory::default().serve(async { texts() }).await, addresses);
        assert_eq!(texts(), addresses, "and so it is without a memory");
    }
}
