//! A way to a server that can be lost, or be slow.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use super::Redis;

/// A way to a server that can lose what is on it, and tells nobody; it knows all that it carried.
pub struct Relay {
    pub address: SocketAddr,
    way: Arc<Way>,
}

#[derive(Default)]
struct Way {
    asked: AtomicUsize,
    lost: AtomicUsize,
    slow: AtomicBool,
    carried: Mutex<Vec<Arc<Mutex<Vec<u8>>>>>,
}

impl Relay {
    pub fn to(redis: &Redis) -> Self {
        Self::to_port(redis.port())
    }

    /// A way to what listens at a port. While nothing listens there, it closes each connection that it gets.
    pub fn to_port(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let way = Arc::<Way>::default();
        let relay = Self { address, way: Arc::clone(&way) };
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                way.asked.fetch_add(1, Ordering::SeqCst);
                let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { continue };
                carry(near.try_clone().expect("a socket can be cloned"), far.try_clone().expect("as well"), &way);
                carry(far, near, &way);
            }
        });
        relay
    }

    /// From now on, nothing arrives on the connections that there are.
    pub fn lose_connections(&self) {
        self.way.lost.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether all that is said from now on arrives after five seconds.
    pub fn set_slow(&self, slow: bool) {
        self.way.slow.store(slow, Ordering::SeqCst);
    }

    /// How often somebody has connected.
    pub fn connections(&self) -> usize {
        self.way.asked.load(Ordering::SeqCst)
    }

    /// What was said so far, each side of each connection by itself.
    pub fn carried(&self) -> Vec<Vec<u8>> {
        let sides = self.way.carried.lock().expect("no holder panics");
        sides.iter().map(|side| side.lock().expect("no holder panics").clone()).collect()
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, way: &Arc<Way>) {
    let (way, side, mut buffer) = (Arc::clone(way), Arc::<Mutex<Vec<u8>>>::default(), [0; 4096]);
    way.carried.lock().expect("no holder panics").push(Arc::clone(&side));
    let before = way.lost.load(Ordering::SeqCst);
    thread::spawn(move || {
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if way.slow.load(Ordering::SeqCst) {
                thread::sleep(LATENCY);
            }
            side.lock().expect("no holder panics").extend_from_slice(&buffer[..length]);
            let arrives = way.lost.load(Ordering::SeqCst) == before;
            if arrives && to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
    });
}

const LATENCY: Duration = Duration::from_secs(5);
