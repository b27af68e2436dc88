//! A way to a server that can be lost.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::Redis;

/// A way to a server that can lose what is on it, and tells nobody.
pub struct Relay {
    pub address: SocketAddr,
    lost: Arc<AtomicUsize>,
}

impl Relay {
    pub fn to(redis: &Redis) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let (lost, port) = (Arc::<AtomicUsize>::default(), redis.port);
        let losses = Arc::clone(&lost);
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let far = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the server runs");
                carry(near.try_clone().expect("a socket can be cloned"), far.try_clone().expect("as well"), &losses);
                carry(far, near, &losses);
            }
        });
        Self { address, lost }
    }

    /// From now on, nothing arrives on the connections that there are.
    pub fn lose_connections(&self) {
        self.lost.fetch_add(1, Ordering::SeqCst);
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, losses: &Arc<AtomicUsize>) {
    let (losses, mut buffer) = (Arc::clone(losses), [0; 4096]);
    let before = losses.load(Ordering::SeqCst);
    thread::spawn(move || {
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let arrives = losses.load(Ordering::SeqCst) == before;
            if arrives && to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
    });
}
