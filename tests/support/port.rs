//! Ports for those who must know theirs before they listen.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    net::{Ipv4Addr, TcpListener},
};

/// A port of `127.0.0.1` that is free now. The system gives it to nobody who asks for any port.
pub fn free() -> u16 {
    let any = || FIRST + u16::try_from(RandomState::new().build_hasher().finish() % COUNT).expect("it is small");
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    std::iter::repeat_with(any).find(is_free).expect("an endless iterator")
}

/// Below what Linux gives away itself: 32768 to 60999.
const FIRST: u16 = 20_000;
const COUNT: u64 = 12_000;
