//! What sessions promise, by a manual clock and without any socket.

mod admission;
mod auth;
mod callbacks;
mod feed;
mod leases;
mod logins;
mod opened;
mod outages;
mod pages;
mod queue;
mod revocations;
mod shared_store;
mod site;
mod truecaller;
mod waiting;

#[test]
fn every_header_that_is_taken_out_begins_with_a_letter_that_is_looked_at() {
    use super::{MOUNTS, OVERRIDES, begins_as_meant};

    assert!(OVERRIDES.iter().chain(&MOUNTS).all(|name| begins_as_meant(name.as_bytes())));
}
